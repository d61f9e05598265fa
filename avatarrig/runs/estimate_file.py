"""The estimate of a run, read back."""

from __future__ import annotations

from pathlib import Path

import msgspec

from avatarrig.body.rig.lengths import EstimateRefusedError, FileEstimate
from avatarrig.runs.layout import RunDirectory


def read_estimate(run: Path, subject: str | None = None) -> tuple[Path, FileEstimate]:
    """Reads an estimate.

    Args:
        run: A run directory, a folder of run directories, or an estimate itself.
        subject: Whose; with a folder of run directories it is the name of one of them.

    Raises:
        EstimateRefusedError: There is none, it cannot be read, or it is somebody else's.
    """
    file = run if run.is_file() else RunDirectory(run).estimate
    if subject is None:
        return file, _read(file)
    if file.is_file():
        estimate = _read(file)
        if estimate.subject in {None, subject}:
            return file, estimate
    own = RunDirectory(run / subject).estimate
    if Path(subject).name == subject and own.is_file():
        return own, _read(own)
    others = sorted(found.parent.name for found in run.glob("*/skeleton_estimate.json"))
    if file.is_file():
        others.insert(0, str(_read(file).subject))
    known = f"; there is {', '.join(others)}" if others else ""
    raise EstimateRefusedError(f"{run}: there is no estimate of {subject}{known}")


def _read(file: Path) -> FileEstimate:
    try:
        return msgspec.json.decode(file.read_bytes(), type=FileEstimate)
    except FileNotFoundError as error:
        raise EstimateRefusedError(
            f"{file}: there is no estimate yet: run AvatarRig first"
        ) from error
    except (OSError, msgspec.MsgspecError) as error:
        raise EstimateRefusedError(f"{file} cannot be read: {error}") from error
