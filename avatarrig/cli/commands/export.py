"""``avatarrig export``: the estimate as an armature for other programs, or as a body."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import Final

import click

from avatarrig.body.rig.armature import METRE, Armature, build_armature
from avatarrig.body.rig.formats import FORMATS
from avatarrig.body.rig.lengths import KEYS, EstimateRefusedError, FileEstimate, complete_lengths
from avatarrig.body.rig.names import NAMINGS
from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.estimate import find_estimate, refused_by
from avatarrig.cli.options.height import HEIGHT
from avatarrig.cli.options.kafka import KafkaArguments, kafka_options
from avatarrig.cli.options.naming import SUBJECT
from avatarrig.cli.screen.printable import say
from avatarrig.process.printable import printable
from avatarrig.runs import write_atomically

COLUMNS: Final = 80


@click.command("export")
@click.argument(
    "run", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--subject", type=SUBJECT, help="Whose skeleton, where there are several people's.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice([*FORMATS, "vrm"]),
    default="glb",
    show_default=True,
)
@click.option("--names", "naming", type=click.Choice(NAMINGS), default="vrm", show_default=True)
@click.option(
    "--height",
    type=HEIGHT,
    help="The person's height, such as 1.72m; the run's own where it was given one.",
)
@click.option(
    "--body",
    is_flag=True,
    help="A human body in these proportions, skinned and with a face (GLB or VRM), and the sliders "
    "that make it in MakeHuman.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; skeleton.FORMAT or body.FORMAT in RUN, or SUBJECT.FORMAT here without "
    "one, unless told otherwise.",
)
@kafka_options
def export(
    *,
    run: Path | None,
    subject: str | None,
    file_format: str,
    naming: str,
    height: float | None,
    body: bool,
    out: Path | None,
    kafka: KafkaArguments,
) -> None:
    """Write the skeleton of RUN for other programs: an armature in T-pose, or a body.

    RUN is what a run, or `avatarrig up --out`, has left; without one the latest estimate is asked
    of Kafka.

    The armature is GLB, BVH, JSON or USD, or what SlimeVR, Unity and Android XR take for a body's
    proportions; with --body it is a human mesh as GLB or VRM.
    """
    _check(file_format, body=body)
    with fail_clearly():
        with refused_by(str(run or "Kafka")):
            found = find_estimate(run, subject, kafka)
            if body:
                target = out or found.folder / f"{found.name or 'body'}.{file_format}"
                files, told = _body(found.estimate, file_format, naming, height, target)
            else:
                armature = build_armature(found.estimate, naming=naming, height=height)
                suffix = FORMATS[file_format].suffix or file_format
                target = out or found.folder / f"{found.name or 'skeleton'}.{suffix}"
                files, told = _files(armature, file_format, target), _summary(armature)
        for file, data in files:
            write_atomically(file, data)
            say(str(file))
    for line in told.splitlines():
        for part in wrap(line, COLUMNS, subsequent_indent="  ", break_on_hyphens=False):
            say(part, err=True)


def _check(file_format: str, *, body: bool) -> None:
    if body and file_format not in {"glb", "vrm"}:
        raise click.UsageError(f"a body is written as glb or vrm, not as {file_format}")
    if not body and file_format == "vrm":
        raise click.UsageError("an armature is no avatar: --format vrm needs --body")


def _body(
    estimate: FileEstimate, file_format: str, naming: str, height: float | None, target: Path
) -> tuple[list[tuple[Path, bytes]], str]:
    from avatarrig.avatar.human.making import AVERAGES, Wish, make_body
    from avatarrig.avatar.human.shape import to_mhm
    from avatarrig.avatar.human.source import find_human

    known = complete_lengths(estimate)
    title = printable(str(estimate.subject or "AvatarRig body"))
    wish = Wish(title=title, height=height, naming=naming, vrm=file_format == "vrm")
    files = find_human(lambda text: say(text, err=True))
    made = make_body(files, known, wish)
    averages = list(AVERAGES)
    if height is None and known.height is None:
        averages.insert(0, f"height ({made.height} m; --height gives the person's)")
    unmeasured = [key for key in KEYS if key not in known.measured]
    told = "" if known.measured else "WARNING: no photo tells any of these lengths\n"
    told += f"in this person's proportions: {', '.join(known.measured) or 'nothing'}\n"
    told += f"average: {'; '.join([*averages, *unmeasured])}\n"
    told += f"hands: {known.sources['hand']}\nfeet: {known.sources['foot']}"
    sliders = to_mhm(made.human, title).encode()
    return [(target, made.data), (target.with_suffix(".mhm"), sliders)], told


def _files(armature: Armature, file_format: str, target: Path) -> list[tuple[Path, bytes]]:
    chosen = FORMATS[file_format]
    if chosen.in_metres and armature.unit != METRE:
        raise EstimateRefusedError(f"{file_format} is in metres: give the --height")
    beside = [(target.with_suffix(end), write(armature)) for end, write in chosen.beside.items()]
    return [(target, chosen.write(armature)), *beside]


def _summary(armature: Armature) -> str:
    measured = [bone.name for bone in armature.bones if bone.measured]
    unit = "metres" if armature.unit == METRE else "the person is 1 tall; --height gives metres"
    return (
        f"{_warning(armature)}unit: {unit}\n"
        f"measured: {', '.join(measured) or 'none'}\n"
        f"from anthropometry or convention: the other {len(armature.bones) - len(measured)} bones"
    )


def _warning(armature: Armature) -> str:
    """Says loudly where a skeleton is nobody's."""
    measured = sum(bone.measured for bone in armature.bones)
    if measured:
        return ""
    return "WARNING: no photo tells any of these lengths; this is the average body\n"
