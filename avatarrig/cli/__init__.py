"""The command line, the one place that knows all stages.

``avatarrig DATASET --out RUN`` needs no command word: what is no command is a dataset.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import click
from click.core import ParameterSource

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.examples import with_examples
from avatarrig.cli.screen.printable import (
    errors_of_click,
    give_up_standard_output,
    prepare_standard_streams,
    say,
)
from avatarrig.errors import ExitCode
from avatarrig.process.logs import LEVEL_VARIABLE, LEVELS, configure_logs

RUN = "run"
ENVIRONMENT_PREFIX = "AVATARRIG"
ROOT_OPTIONS = ("--config", "--log-level")
ROOT_FLAGS = ("--share-with-group",)
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF}
PRIVATE, OF_A_GROUP = 0o077, 0o007
"""What others than the user, or than the user's group, may not do with what is made."""
PUBLIC_COMMANDS = {"models"}
"""Make files that tell nothing about anybody, for every user of the machine."""
COMMANDS = {
    RUN: ("run", "Photos in, skeleton out: the whole pipeline on one folder."),
    "up": ("services.up", "Everything on one machine: watch a folder, keep skeletons."),
    "ingest": ("services.ingest", "Publish a folder's photos, once or as a service."),
    "detect": ("services.detect", "Detector replicas for this machine, as a service."),
    "aggregate": ("services.aggregate", "An aggregator worker, as a service."),
    "topics": ("services.topics", "Create the pipeline's topics, or look at them."),
    "broker": ("services.broker", "The embedded Apache Kafka: fetch it, or run it."),
    "models": ("models", "The MediaPipe models: fetch them, or see where they are."),
    "settings": ("settings", "Every setting, its value, and where it came from."),
    "status": ("status", "Photos waiting and done, lag, replicas, estimates."),
    "tail": ("tail", "The skeleton, live in the terminal."),
    "rejects": ("rejects", "What was rejected: list it, show why, try it again."),
    "exclude": ("exclude", "Leave photos out of an estimate, by path or pattern."),
    "include": ("exclude", "Bring photos back, or have unsure ones count."),
    "review": ("review", "The photos that matter most to look at, as a page with keys."),
    "forget": ("forget", "Remove everything that is stored about a subject."),
    "fit": ("fit", "Give an avatar (VRM, GLB) a person's proportions."),
    "export": ("export", "Write a skeleton for other programs: GLB, BVH, USD and more."),
    "compare": ("compare", "Two runs beside each other: a table and a picture card."),
    "report": ("report", "A run as one HTML file to look at and to send on."),
    "calibrate": ("calibrate", "Suggest thresholds from runs and audits."),
    "audit": ("audit", "Draw a sample of a run to judge by eye."),
}
"""Name: module in `avatarrig.cli.commands`, and what it does."""


class _LazyGroup(click.Group):
    """Imports a command when it is asked for: ``avatarrig --help`` needs no OpenCV."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return with_examples(cmd_name, command)

    def make_context(self, *given: Any, **options: Any) -> click.Context:
        with errors_of_click():
            return super().make_context(*given, **options)

    def invoke(self, ctx: click.Context) -> object:
        with errors_of_click():
            try:
                return super().invoke(ctx)
            except click.BadParameter as error:
                _name_source(error, ctx)
                raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _name_source(error: click.BadParameter, root: click.Context) -> None:
    """Says where a wrong value came from where it was not typed."""
    if error.ctx is None or not isinstance(error.param, click.Option) or not error.param.name:
        return
    source = error.ctx.get_parameter_source(error.param.name)
    if source is ParameterSource.ENVIRONMENT:
        variable = (
            error.param.envvar or f"{error.ctx.auto_envvar_prefix}_{error.param.name.upper()}"
        )
        error.message += f" (from the environment variable {variable})"
    elif source is ParameterSource.DEFAULT_MAP:
        error.message += f" (from {root.obj})"


@click.group(
    cls=_LazyGroup,
    help="""Photos of a person in, that person's skeletal proportions out.

    \b
    avatarrig DATASET --out RUN     the main job: all photos of a folder
    avatarrig run --help            its options
    """,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(version("avatarrig"), message="avatarrig %(version)s")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Settings file (TOML); see avatarrig settings --help.",
)
@click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    default="info",
    help="How much is logged; --log-level debug tells of every photo.",
)
@click.option(
    "--share-with-group",
    is_flag=True,
    help="Let the user's group read and write the files that are made.",
)
@click.pass_context
def avatarrig(
    context: click.Context, config: Path | None, log_level: str, *, share_with_group: bool
) -> None:
    """Root of all commands."""
    if context.invoked_subcommand not in PUBLIC_COMMANDS:
        # Landmarks of a face are biometric data. Child processes, Kafka's among them, inherit it.
        before = os.umask(OF_A_GROUP if share_with_group else PRIVATE)
        context.call_on_close(lambda: os.umask(before))
    os.environ[LEVEL_VARIABLE] = log_level  # for child processes too
    # Of damaged photos there are many, and Pillow's words about each help nobody.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    configure_logs()  # not to standard output, which belongs to the command
    from avatarrig.cli.options import settings_file

    file = config or settings_file.find_settings_file()
    context.obj = file
    if file is not None:
        group = cast("click.Group", context.command)
        with fail_clearly():
            context.default_map = settings_file.read_settings_file(
                file, lambda name: group.get_command(context, name)
            )


def with_command(arguments: Sequence[str]) -> list[str]:
    """Puts ``run`` before arguments that name no command, as the prototype's users type them."""
    skipped = _length_of_root_options(arguments)
    first = next(iter(arguments[skipped:]), None)
    own_options = ("-h", "--help", "--version")
    if first is None or first in COMMANDS or first in own_options:
        return list(arguments)
    return [*arguments[:skipped], RUN, *arguments[skipped:]]


def _length_of_root_options(arguments: Sequence[str]) -> int:
    """How many arguments before the command are options of the root, and their values."""
    skipped = 0
    while skipped < len(arguments):
        name, equals, _ = arguments[skipped].partition("=")
        if name not in {*ROOT_OPTIONS, *ROOT_FLAGS}:
            break
        skipped += 1 if equals or name in ROOT_FLAGS else 2
    return skipped


def main() -> None:
    """Entry point of the ``avatarrig`` command."""
    prepare_standard_streams()
    try:
        avatarrig.main(
            args=with_command(sys.argv[1:]),
            prog_name="avatarrig",
            auto_envvar_prefix=ENVIRONMENT_PREFIX,
        )
    except OSError as error:
        if error.filename is not None or error.errno not in _UNWRITABLE:
            raise
        give_up_standard_output()
        say(
            f"avatarrig: what is printed cannot be written ({error.strerror}): free some space "
            "there, or have it go elsewhere",
            err=True,
        )
        sys.exit(ExitCode.CANNOT_WRITE)
