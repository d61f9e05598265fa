"""Where the estimates of a run lie: one person's in its directory, several people's below it."""

from __future__ import annotations

import contextlib
import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Final

import msgspec

from avatarrig.body.estimate import EstimateOptions
from avatarrig.files import read_file
from avatarrig.runs.atomic import write_json
from avatarrig.runs.layout import SUBJECTS, RunDirectory
from avatarrig.wire import decode_json
from avatarrig.wire.estimate import Estimate, Measured

_LONGEST: Final = 60
_DIGEST: Final = 8


def place_of_estimate(run: RunDirectory, subject: str, *, several: bool) -> RunDirectory:
    """Gives the folder in which a subject's estimate and its picture lie.

    Args:
        several: Whether the run is about several subjects.
    """
    return RunDirectory(run.path / SUBJECTS / folder_name(subject)) if several else run


def write_estimates(run: RunDirectory, estimates: Mapping[str, Estimate]) -> None:
    """Writes the latest estimates, and takes away one that was a single person's before.

    Raises:
        RunStorageError: The run directory cannot take them.
    """
    several = len(estimates) > 1
    for subject, estimate in estimates.items():
        write_json(place_of_estimate(run, subject, several=several).estimate, estimate)
    if several:
        for file in (run.estimate, run.preview):
            with contextlib.suppress(OSError):
                file.unlink()


class _AskedWindow(msgspec.Struct, frozen=True):
    days: int


class _Asked(msgspec.Struct, frozen=True):
    """Of an estimate, what was asked for beside the proportions."""

    height: float | None = None
    measured: dict[str, Measured] = {}
    window: _AskedWindow | None = None


def options_of(run: RunDirectory) -> EstimateOptions:
    """What a run was asked to estimate beside the proportions, as its own estimate tells.

    Raises:
        OSError: It cannot be read; FileNotFoundError before the run has ended.
        msgspec.MsgspecError: It is damaged.
    """
    asked = decode_json(read_file(run.estimate), _Asked)
    days = None if asked.window is None else asked.window.days
    return EstimateOptions(height=asked.height, measured=asked.measured, window_days=days)


def read_estimates(run: RunDirectory) -> dict[str, tuple[Estimate, float]]:
    """Reads the estimates of a run that can be read, and when each was written, Unix seconds."""
    found = {}
    for place in places_of_estimates(run):
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            estimate = decode_json(read_file(place.estimate), Estimate)
            found[estimate.subject] = estimate, place.estimate.stat().st_mtime
    return found


def places_of_estimates(run: RunDirectory) -> list[RunDirectory]:
    """Lists the folders in which estimates of a run may lie."""
    return [run, *map(RunDirectory, sorted((run.path / SUBJECTS).glob("*")))]


def folder_name(subject: str) -> str:
    """A name that every file system takes; what is lost of the subject's own, a digest keeps."""
    plain = unicodedata.normalize("NFKD", subject).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-")[:_LONGEST]
    if safe == subject:
        return safe
    digest = hashlib.sha256(subject.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGEST]
    return f"{safe}-{digest}" if safe else digest
