"""The command line, the one place that knows all stages.

``avatarrig DATASET --out RUN`` needs no command word: what is no command is a dataset.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version

import click

RUN = "run"
COMMANDS = {
    RUN: ("avatarrig.cli.run", "Photos in, skeleton out: the whole pipeline on one folder."),
    "broker": ("avatarrig.cli.broker", "The embedded Apache Kafka: fetch it, or run it."),
    "models": ("avatarrig.cli.models", "The MediaPipe models: fetch them, or see where they are."),
    "status": ("avatarrig.cli.status", "Photos waiting and done, lag, replicas, estimates."),
    "rejects": ("avatarrig.cli.rejects", "What was set aside: list it, show why, try it again."),
    "export": ("avatarrig.cli.export", "Write a run's skeleton as BVH, GLB or JSON."),
    "calibrate": ("avatarrig.cli.calibrate", "Suggest thresholds from runs and audits."),
    "audit": ("avatarrig.cli.audit", "Draw a sample of a run to judge by eye."),
}


class _LazyGroup(click.Group):
    """Imports a command when it is asked for: ``avatarrig --help`` needs no OpenCV."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


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
def avatarrig() -> None:
    """Root of all commands."""


def with_command(arguments: Sequence[str]) -> list[str]:
    """Puts ``run`` before arguments that name no command, as the prototype's users type them."""
    first = next(iter(arguments), None)
    own_options = ("-h", "--help", "--version")
    if first is None or first in COMMANDS or first in own_options:
        return list(arguments)
    return [RUN, *arguments]


def main() -> None:
    """Entry point of the ``avatarrig`` command."""
    avatarrig.main(args=with_command(sys.argv[1:]), prog_name="avatarrig")
