"""Takes a subject's files out of run directories and out of stores."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from avatarrig.files import read_file
from avatarrig.runs import (
    DecisionsFileError,
    ObservationFileError,
    RunDirectory,
    RunStorageError,
    parse_observation,
    read_decisions,
    read_index,
    read_standings,
    write_decisions,
    write_index,
    write_json,
    write_standings,
)
from avatarrig.runs.estimates import places_of_estimates
from avatarrig.runs.layout import SUBJECTS
from avatarrig.runs.store import RunStore
from avatarrig.runs.summary import read_summary, recounted
from avatarrig.wire import decode_json
from avatarrig.wire.identity import subject_name


def forget_files(folder: Path, subject: str) -> int:
    """Deletes a subject's files from a run directory, or from a folder of ``detect --out``.

    Returns:
        How many files were deleted.
    """
    run = RunDirectory(folder)
    if run.finished.is_file():  # it names everybody's photos, and the next run writes it anew
        _delete(run.finished)
    gone: list[Path] = []
    image_ids: set[str] = set()
    for file in sorted(run.observations.glob("*.json")):
        image_id = file.stem
        if _may_be_of(subject, read_file(file)):
            image_ids.add(image_id)
            gone += run.files_of(image_id)
    for place in places_of_estimates(run):
        if subject_name(_subject_of_estimate(place) or "") == subject_name(subject):
            gone += [place.estimate, place.preview]
    gone += _forget_decisions(run, subject)
    gone += sorted(run.logs.glob("*.log"))  # which tell of everybody's photos
    if not set(run.observations.glob("*.json")) - set(gone):
        gone += [run.index, run.summary, run.files]
    elif run.index.is_file():
        _forget_rows(run, subject, image_ids)
    deleted = [file for file in gone if file.is_file()]
    for file in deleted:
        _delete(file)
    for emptied in {file.parent for file in deleted if file.parent.parent.name == SUBJECTS}:
        with contextlib.suppress(OSError):  # somebody has put something there
            emptied.rmdir()
    return len(deleted)


def _forget_rows(run: RunDirectory, subject: str, image_ids: set[str]) -> None:
    """Takes a subject out of the index, and out of what the summary counts.

    Of an earlier version's index nothing tells whose a rejected photo was.
    """
    kept = [
        row
        for row in read_index(run)
        if row.get("image_id") not in image_ids
        and subject_name(str(row.get("subject") or "")) != subject_name(subject)
    ]
    write_index(run, kept)
    if summary := read_summary(run):
        write_json(run.summary, recounted(summary, kept))


def _may_be_of(subject: str, observation: bytes) -> bool:
    """Whether an observation is a subject's; a damaged one, of no use to others, may be."""
    try:
        return subject_name(parse_observation(observation, "").subject) == subject_name(subject)
    except ObservationFileError:
        return True


def _delete(file: Path) -> None:
    try:
        file.unlink()
    except OSError as error:
        raise RunStorageError(
            error.errno, "cannot be deleted: see whose it is", str(file)
        ) from error


def forget_stored_files(url: str, subject: str) -> int:
    """Deletes a subject's files from a store that ``detect --out`` writes to.

    Returns:
        How many files were deleted.

    Raises:
        StoreUrlError: The URL names no store.
        RunStorageError: It refuses.
    """
    store = RunStore(url)
    layout = RunDirectory(Path())
    gone: list[Path] = []
    for path, data in store.observations():
        if _may_be_of(subject, data):
            gone += layout.files_of(Path(path).stem)
    for path, data in store.estimates():
        if subject_name(_named_in(data) or "") == subject_name(subject):
            place = RunDirectory(Path(path).parent)
            gone += [place.estimate, place.preview]
    return store.remove(file.as_posix() for file in gone)


def _forget_decisions(run: RunDirectory, subject: str) -> list[Path]:
    """Takes a subject out of what was decided; returns the files in which nothing is left."""
    with contextlib.suppress(DecisionsFileError):
        decisions = read_decisions(run)
        gone = subject_name(subject)
        kept = [made for key, made in decisions.items() if subject_name(key[0]) != gone]
        standings = {
            key: to for key, to in read_standings(run).items() if subject_name(key[0]) != gone
        }
        if len(kept) < len(decisions) and kept:
            write_decisions(run, kept)
        if standings:
            write_standings(run, standings)
        return [
            file for file, left in ((run.decisions, kept), (run.standings, standings)) if not left
        ]
    return [run.decisions, run.standings]


class _Owned(msgspec.Struct, frozen=True):
    """Of an estimate, the prototype's too, whose it is."""

    subject: str | None = None


def _subject_of_estimate(run: RunDirectory) -> str | None:
    try:
        return _named_in(read_file(run.estimate))
    except OSError:
        return None


def _named_in(estimate: bytes) -> str | None:
    try:
        return decode_json(estimate, _Owned).subject
    except msgspec.MsgspecError:
        return None
