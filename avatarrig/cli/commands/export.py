"""``avatarrig export``: the estimate as an armature for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from avatarrig.body.rig.armature import (
    METRE,
    Armature,
    build_armature,
    to_document,
)
from avatarrig.body.rig.bvh import to_bvh
from avatarrig.body.rig.glb import to_glb
from avatarrig.body.rig.lengths import EstimateRefusedError
from avatarrig.body.rig.names import NAMINGS
from avatarrig.cli.options.height import HEIGHT
from avatarrig.runs import RunStorageError, write_atomically
from avatarrig.runs.estimate_file import read_estimate

FORMATS: Final = ("bvh", "glb", "json")


@click.command("export")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--format", "file_format", type=click.Choice(FORMATS), default="glb", show_default=True
)
@click.option("--names", "naming", type=click.Choice(NAMINGS), default="vrm", show_default=True)
@click.option(
    "--height",
    type=HEIGHT,
    help="The person's height, such as 1.72m; the run's own where it was given one.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; RUN/skeleton.FORMAT unless told otherwise.",
)
def export(
    run: Path, file_format: str, naming: str, height: float | None, out: Path | None
) -> None:
    """Write the skeleton of RUN as a rest-pose armature (BVH, GLB or JSON)."""
    try:
        _, document = read_estimate(run)
        armature = build_armature(document, naming=naming, height=height)
    except EstimateRefusedError as error:
        raise click.ClickException(f"{run}: {error}") from error
    target = out or run / f"skeleton.{file_format}"
    try:
        for file, data in _files(armature, file_format, target):
            write_atomically(file, data)
            click.echo(file)
    except RunStorageError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error
    click.echo(_summary(armature), err=True)


def _files(armature: Armature, file_format: str, target: Path) -> list[tuple[Path, bytes]]:
    document = msgspec.json.format(msgspec.json.encode(to_document(armature)), indent=2) + b"\n"
    if file_format == "glb":
        return [(target, to_glb(armature))]
    if file_format == "json":
        return [(target, document)]
    # BVH cannot say which bones are measured; the file beside it does.
    return [(target, to_bvh(armature).encode()), (target.with_suffix(".bones.json"), document)]


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
