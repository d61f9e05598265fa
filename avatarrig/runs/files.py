"""Writing what one photo gave, and reading it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from avatarrig.photos.passed_over import words_for_files
from avatarrig.runs.atomic import write_atomically
from avatarrig.runs.layout import MASKS, RunDirectory
from avatarrig.runs.observation_document import (
    ObservationFileError,
    from_document,
    to_document,
)
from avatarrig.wire import Observation


class Pictures(msgspec.Struct, frozen=True, kw_only=True):
    """PNG files that go with an observation; None where one is not wanted or not there."""

    overlay: bytes | None = None
    raw: bytes | None = None
    mask: bytes | None = None


class WantedFiles(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is asked to keep beside the observations."""

    overlays: bool = False
    masks: bool = False


def write_observation(run: RunDirectory, observation: Observation, pictures: Pictures) -> None:
    """Writes the files of one photo, the observation last: where it is, all the others are.

    Raises:
        RunStorageError: The run directory cannot take them.
    """
    image_id = observation.image_id
    for path, data in (
        (run.overlay(image_id), pictures.overlay),
        (run.raw(image_id), pictures.raw),
        (run.mask(image_id), pictures.mask),
    ):
        if data is not None:
            write_atomically(path, data)
    mask_path = f"{MASKS}/{image_id}.png" if pictures.mask is not None else None
    document = to_document(observation, mask_path)
    write_atomically(run.observation(image_id), msgspec.json.encode(document) + b"\n")


def read_observation(path: Path) -> Observation:
    """Restores an observation from its file.

    Raises:
        ObservationFileError: Naming the file and what is wrong with it.
        FileNotFoundError: There is none.
    """
    return parse_observation(path.read_bytes(), str(path))


def parse_observation(data: bytes, where: str) -> Observation:
    """Restores an observation from what its file holds.

    Args:
        data: The file's content.
        where: Names it in messages.

    Raises:
        ObservationFileError: Naming the file and what is wrong with it.
    """
    try:
        return from_document(msgspec.json.decode(data, type=dict))
    except (ObservationFileError, msgspec.MsgspecError) as error:
        raise ObservationFileError(f"{where}: {error}") from error


def read_file_counts(run: RunDirectory) -> dict[str, Any] | None:
    """Reads what `avatarrig.photos.passed_over.FileCounts` laid out; None where nothing did."""
    try:
        document: dict[str, Any] = msgspec.json.decode(run.files.read_bytes(), type=dict)
        words_for_files(document)  # which needs all of it
    except (OSError, msgspec.MsgspecError, KeyError, ValueError, TypeError):
        return None
    return document


class _Stamp(msgspec.Struct, frozen=True):
    """The part of an observation's file that tells whose and which it is; the rest is skipped."""

    subject: str
    fingerprint: str


class _Stamped(msgspec.Struct, frozen=True):
    avatarrig: _Stamp
    pose: msgspec.Raw


def is_complete(
    run: RunDirectory, image_id: str, subject: str, fingerprint: str, wanted: WantedFiles
) -> bool:
    """Tells whether all files of a photo are there.

    Args:
        run: The run directory.
        image_id: The photo.
        subject: Whose skeleton it shall tell about.
        fingerprint: Detector fingerprint that counts.
        wanted: Files asked for beside the observation.

    Returns:
        False also where the observation is damaged, or of another subject or detector.
    """
    try:
        text = run.observation(image_id).read_bytes()
        stamped = msgspec.json.decode(text, type=_Stamped)
    except (FileNotFoundError, msgspec.MsgspecError):
        return False
    if stamped.avatarrig != _Stamp(subject, fingerprint):
        return False
    if wanted.overlays and not run.overlay(image_id).is_file():
        return False
    person = bytes(stamped.pose) != b"null"
    return not (wanted.masks and person) or run.mask(image_id).is_file()
