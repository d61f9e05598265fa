"""``avatarrig fit``: somebody's avatar in a person's proportions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from avatarrig.avatar.errors import AvatarFileError, UnfitAvatarError
from avatarrig.avatar.gltf.compression import QUANTIZED
from avatarrig.avatar.gltf.container import read_container, write_container
from avatarrig.body.rig.lengths import RigLengths, complete_lengths
from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.estimate import find_estimate, refused_by
from avatarrig.cli.options.height import HEIGHT
from avatarrig.cli.options.kafka import KafkaArguments, kafka_options
from avatarrig.cli.options.naming import SUBJECT
from avatarrig.cli.screen.fit_table import bones_found, factor_table
from avatarrig.cli.screen.printable import say
from avatarrig.errors import CommandError, ExitCode
from avatarrig.process.printable import printable
from avatarrig.runs import write_atomically
from avatarrig.wire import decode_json

if TYPE_CHECKING:
    from avatarrig.avatar.fitting import Avatar, Fitted, Options

_KEEP, _SCALE = "keep", "scale"
_SIZES: Final = click.Choice((_KEEP, _SCALE))
_WIDTHS: Final = {"bounded": "bounded", "full": "full", "keep": "keep"}
_SUFFIXES: Final = (".glb", ".vrm")


@click.command("fit")
@click.argument("avatar_file", metavar="AVATAR", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--run",
    "run",
    type=click.Path(exists=True, path_type=Path),
    help="Run directory whose estimate to use, or the estimate itself.",
    show_default="the latest on Kafka",
)
@click.option("--subject", type=SUBJECT, help="Whose estimate, where RUN holds several people's.")
@click.option(
    "--height",
    type=HEIGHT,
    help="From soles to crown, such as 1.72m; without it the avatar stays as tall as it is.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; AVATAR-fitted.vrm or .glb in RUN, or here without one, unless told "
    "otherwise.",
)
@click.option(
    "--map",
    "map_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON: humanoid bone to the name of a node, where names tell nothing.",
)
@click.option("--dry-run", is_flag=True, help="Show what was found, and write nothing.")
@click.option(
    "--widths",
    type=click.Choice(tuple(_WIDTHS)),
    default="bounded",
    show_default=True,
    help="Shoulders and hips: by at most 15 %, as far as the estimate says, or not at all.",
)
@click.option("--head", type=_SIZES, default=_KEEP, show_default=True, help="The head's size.")
@click.option("--hands", type=_SIZES, default=_KEEP, show_default=True, help="The hands' size.")
@click.option("--feet", type=_SIZES, default=_KEEP, show_default=True, help="The feet's size.")
@click.option(
    "--private-use",
    is_flag=True,
    help="Write although the VRM forbids to change it; its conditions stay in the file.",
)
@kafka_options
def fit(
    *,
    avatar_file: Path,
    run: Path | None,
    subject: str | None,
    height: float | None,
    out: Path | None,
    map_file: Path | None,
    dry_run: bool,
    widths: str,
    head: str,
    hands: str,
    feet: str,
    private_use: bool,
    kafka: KafkaArguments,
) -> None:
    """Give AVATAR (a .vrm or .glb file) the proportions of the person of RUN, mesh and all.

    Bones are stretched along themselves, in whatever pose the file is; rotations, materials,
    expressions and animations stay. A picture of before and after is written beside the file.
    """
    from avatarrig.avatar.fitting import Options

    sizes = {"head": head, "hands": hands, "feet": feet}
    with fail_clearly():
        with refused_by(str(run or "Kafka")):
            found = find_estimate(run, subject, kafka)
            known = complete_lengths(found.estimate)
        avatar = _avatar(avatar_file, _mapping(map_file))
        options = Options(
            widths=_WIDTHS[widths],  # type: ignore[arg-type] # click has checked it
            height=height,
            scaled=frozenset(part for part, size in sizes.items() if size == _SCALE),
        )
        fitted = _fitted(avatar_file, avatar, known, options)
        _show(avatar, fitted, known, options.widths, dry_run=dry_run)
        if dry_run:
            return
        if avatar.conditions.forbids_change and not private_use:
            raise CommandError(
                f"{avatar_file} says that nobody may change it: ask its maker, or give "
                "--private-use for a copy that you do not pass on",
                ExitCode.WRONG_USAGE,
            )
        target = out or found.folder / f"{avatar_file.stem}-fitted{avatar_file.suffix}"
        _write(avatar, fitted, target, avatar_file)


def _mapping(file: Path | None) -> dict[str, str | int] | None:
    if file is None:
        return None
    try:
        content = decode_json(file.read_bytes(), dict[str, Any])
    except (OSError, msgspec.MsgspecError) as error:
        raise AvatarFileError(
            f"{file} is no map (JSON, bone to name of a node): {error}"
        ) from error
    return {bone: node for bone, node in content.items() if isinstance(node, str | int)}


def _avatar(file: Path, mapping: dict[str, str | int] | None) -> Avatar:
    from avatarrig.avatar.fitting import read_avatar

    if file.suffix.lower() not in _SUFFIXES:
        raise AvatarFileError(f"{file}: only .vrm and .glb files are fitted")
    with _named(file):
        return read_avatar(read_container(file), file.parent, mapping)


def _fitted(file: Path, avatar: Avatar, known: RigLengths, options: Options) -> Fitted:
    from avatarrig.avatar.fitting import fit as fit_avatar

    with _named(file):
        return fit_avatar(avatar, known.lengths, options)


@contextlib.contextmanager
def _named(file: Path) -> Iterator[None]:
    """Names the avatar in what is said of it."""
    try:
        yield
    except UnfitAvatarError as error:
        raise _unfit(file, error) from error
    except AvatarFileError as error:
        said = str(error)
        raise AvatarFileError(said if str(file) in said else f"{file}: {said}") from error


def _unfit(file: Path, error: UnfitAvatarError) -> CommandError:
    message = f"{file}: {printable(str(error), 2000)}; nothing was written"
    if error.template is not None:
        template = msgspec.json.format(msgspec.json.encode(error.template), indent=1).decode()
        for line in template.splitlines():
            say(line)
        message += (
            ". The lines above, filled in and saved, are a file for --map (_nodes lists the names "
            "there are and may be left out)"
        )
    return CommandError(message, ExitCode.WRONG_USAGE)


def _show(avatar: Avatar, fitted: Fitted, known: RigLengths, widths: str, *, dry_run: bool) -> None:
    for label, value in avatar.conditions.shown:
        say(f"{label}: {printable(value)}")
    for line in (*bones_found(avatar, full=dry_run), *factor_table(fitted, known, widths)):
        say(line)
    for warning in fitted.warnings:
        say(f"warning: {warning}", err=True)
    if fitted.narrowed:
        say("shoulders and hips move less than they might: limbs would run into the body", err=True)
    if not known.measured:
        say("WARNING: no photo tells any of these lengths; this is the average body", err=True)


def _used(avatar: Avatar) -> list[str]:
    used: list[str] = avatar.document.get("extensionsUsed", [])
    return used


def _write(avatar: Avatar, fitted: Fitted, target: Path, source: Path) -> None:
    from avatarrig.avatar.picture import before_and_after

    if target.exists() and target.samefile(source):
        raise CommandError(
            f"{target} is the avatar itself: name another file with --out", ExitCode.WRONG_USAGE
        )
    with _named(source):
        data = write_container(fitted.container)
        picture = before_and_after(avatar, fitted)
    write_atomically(target, data)
    beside = target.with_name(f"{target.stem}-before-after.png")
    write_atomically(beside, picture)
    packed = [*avatar.undone, *(name for name in (QUANTIZED,) if name in _used(avatar))]
    if packed:
        say(
            f"written without compression ({', '.join(packed)}): "
            f"{avatar.container.size:,} bytes have become {len(data):,}"
        )
    say(str(target))
    say(str(beside))
