"""The estimates of a run, read back."""

from __future__ import annotations

from pathlib import Path

import msgspec

from avatarrig.body.rig.lengths import EstimateRefusedError, FileEstimate
from avatarrig.files import read_file
from avatarrig.runs.estimates import places_of_estimates
from avatarrig.runs.layout import RunDirectory
from avatarrig.wire import decode_json

_LISTED = 20


class NoEstimateError(EstimateRefusedError):
    """A folder holds no estimate, of anybody."""


class StoredEstimate(msgspec.Struct, frozen=True):
    """An estimate that lies in a file.

    Attributes:
        subject: Whose it is; the folder's name where the file does not say.
    """

    file: Path
    subject: str
    estimate: FileEstimate


def read_estimate(run: Path, subject: str | None = None) -> StoredEstimate:
    """Reads an estimate.

    Args:
        run: A run directory, a folder of run directories, or an estimate itself.
        subject: Whose; with a folder of run directories it may be the name of one of them.
            None where there is one person's alone.

    Raises:
        NoEstimateError: There is none.
        EstimateRefusedError: One cannot be read, it is somebody else's, or there are several.
    """
    stored = [_read(file) for file in _files(run)]
    if not stored:
        raise NoEstimateError(
            f"{run / 'skeleton_estimate.json'}: there is no estimate yet: run AvatarRig first"
        )
    fitting = [one for one in stored if subject is None or _is_of(one, subject)]
    if len(fitting) == 1:
        return fitting[0]
    names = [one.subject for one in stored]
    if subject is None:
        raise EstimateRefusedError(f"{run}: {several_people(names)}")
    raise EstimateRefusedError(f"{run}: {nobody_called(subject, names)}")


def several_people(names: list[str]) -> str:
    """Says that one of several people has to be named."""
    return f"there are estimates of {listed(names)}: name one of them with --subject"


def nobody_called(subject: str, names: list[str]) -> str:
    """Says that there is nobody of a name, and who there is."""
    known = f"; there is {listed(names)}" if names else ""
    return f"there is no estimate of {subject}{known}"


def listed(names: list[str]) -> str:
    """Names people, at most twenty of them."""
    ordered = sorted(names)
    more = len(ordered) - _LISTED
    return ", ".join(ordered[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _files(run: Path) -> list[Path]:
    if run.is_file():
        return [run]
    own = [place.estimate for place in places_of_estimates(RunDirectory(run))]
    found = [file for file in own if file.is_file()]
    return found or sorted(run.glob("*/skeleton_estimate.json"))


def _is_of(stored: StoredEstimate, subject: str) -> bool:
    return subject in {stored.subject, stored.file.parent.name} or stored.estimate.subject is None


def _read(file: Path) -> StoredEstimate:
    try:
        estimate = decode_json(read_file(file), FileEstimate)
    except (OSError, msgspec.MsgspecError) as error:
        raise EstimateRefusedError(f"{file} cannot be read: {error}") from error
    return StoredEstimate(file, estimate.subject or file.parent.name, estimate)
