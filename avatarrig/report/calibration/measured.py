"""What a run's observation files say about the quality of its poses.

Reads the prototype's observation schema, so that its old runs can be calibrated on as well.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec

from avatarrig.errors import AvatarRigError
from avatarrig.files import read_file
from avatarrig.wire import decode_json


class UnreadableRunError(AvatarRigError, ValueError):
    """A run directory, or a file in it, does not hold what calibration needs."""


class MeasuredPhoto(msgspec.Struct, frozen=True, kw_only=True):
    """The quality of one photo's pose.

    Attributes:
        image_id: The photo; names the run's files.
        found: Whether a pose was found.
        score: ``pose_score``, 0..1; 0 without a pose.
        inmask: ``pose_inmask_ratio``, 0..1; None without a mask.
        bones: ``pose_supported_bones``, 0..10.
        frame_kind: What part of the body the photo shows.
    """

    image_id: str
    path: str
    found: bool
    score: float
    inmask: float | None
    bones: int
    frame_kind: str


class MeasuredRun(msgspec.Struct, frozen=True):
    """A run and its photos, in the order of their identifiers."""

    directory: Path
    photos: tuple[MeasuredPhoto, ...]

    @property
    def with_pose(self) -> tuple[MeasuredPhoto, ...]:
        """The photos in which a pose was found."""
        return tuple(photo for photo in self.photos if photo.found)


def measure_run(directory: Path) -> MeasuredRun:
    """Reads the observations of a run.

    Raises:
        UnreadableRunError: Naming the folder or the file and what to do.
    """
    observations = directory / "observations"
    if not observations.is_dir():
        raise UnreadableRunError(
            f"{directory} is no run: it has no folder 'observations'; give the folder that "
            "was named with --out"
        )
    files = sorted(observations.glob("*.json"))
    if not files:
        raise UnreadableRunError(f"{observations} holds no observation: run AvatarRig first")
    return MeasuredRun(directory, tuple(_measure(file) for file in files))


def runs_in(directory: Path) -> list[Path]:
    """Finds the runs that a folder means: itself, or each run directly within it.

    Raises:
        UnreadableRunError: There is none.
    """
    if (directory / "observations").is_dir():
        return [directory]
    within = sorted(each.parent for each in directory.glob("*/observations") if each.is_dir())
    if not within:
        raise UnreadableRunError(
            f"{directory} is no run, and holds none: there is no folder 'observations' in it; give "
            "the folder that was named with --out"
        )
    return within


def _measure(file: Path) -> MeasuredPhoto:
    try:
        document = decode_json(read_file(file), dict[str, Any])
        meta = document.get("meta") or {}
        pose = document.get("pose") or {}
        return MeasuredPhoto(
            image_id=document.get("image_id") or file.stem,
            path=document.get("rel_image_path") or file.stem,
            found=bool(pose.get("landmarks")),
            score=_share(meta.get("pose_score")) or 0.0,
            inmask=_share(meta.get("pose_inmask_ratio")),
            bones=int(meta.get("pose_supported_bones") or 0),
            frame_kind=str(meta.get("frame_kind") or "unknown"),
        )
    except (msgspec.MsgspecError, AttributeError, TypeError, ValueError) as error:
        raise UnreadableRunError(
            f"{file} is no observation ({error}): delete it and run the same command again"
        ) from error


def _share(value: float | None) -> float | None:
    if value is None:
        return None
    share = float(value)
    if not math.isfinite(share):
        raise ValueError(f"{value!r} is no share")
    return share
