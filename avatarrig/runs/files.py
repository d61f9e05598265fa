"""Writing what one photo gave, and reading it back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from avatarrig.files import read_file, told
from avatarrig.photos.coding.png import is_whole_png
from avatarrig.photos.passed_over import words_for_files
from avatarrig.runs.atomic import write_atomically
from avatarrig.runs.layout import MASKS, RunDirectory
from avatarrig.runs.observation_document import ObservationFileError, from_document, to_document
from avatarrig.runs.seal import Seal, seal_of, sealed
from avatarrig.wire import Observation, decode_json
from avatarrig.wire.identity import subject_name


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
    write_pictures(run, image_id, pictures)
    has_mask = pictures.mask is not None or run.mask(image_id).is_file()
    mask_path = f"{MASKS}/{image_id}.png" if has_mask else None
    document = to_document(observation, mask_path)
    write_atomically(run.observation(image_id), sealed(document))


def write_pictures(run: RunDirectory, image_id: str, pictures: Pictures) -> None:
    """Writes pictures that go with an observation which is there.

    Raises:
        RunStorageError: The run directory cannot take them.
    """
    for path, data in (
        (run.overlay(image_id), pictures.overlay),
        (run.raw(image_id), pictures.raw),
        (run.mask(image_id), pictures.mask),
    ):
        if data is not None:
            write_atomically(path, data)


def read_observation(path: Path) -> Observation:
    """Restores an observation from its file.

    Raises:
        ObservationFileError: Naming the file and what is wrong with it.
        FileNotFoundError: There is none.
    """
    try:
        data = read_file(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ObservationFileError(
            f"{told(path, error)}: run the same command again, which makes it anew"
        ) from error
    observation = parse_observation(data, str(path))
    if observation.image_id != path.stem:
        raise ObservationFileError(
            f"{path}: it is the observation of {observation.image_id}, under another name: move it "
            "out of the folder"
        )
    return observation


def parse_observation(data: bytes, where: str) -> Observation:
    """Restores an observation from what its file holds.

    Raises:
        ObservationFileError: Naming the file and what is wrong with it.
    """
    if seal_of(data) is Seal.DAMAGED:
        raise ObservationFileError(
            f"{where}: it is damaged, or was changed since it was written: run the same command "
            "again, which makes it anew"
        )
    try:
        return from_document(decode_json(data, dict))
    except (ObservationFileError, msgspec.MsgspecError) as error:
        raise ObservationFileError(f"{where}: {error}") from error


def impossible_evidence(run: RunDirectory, image_id: str, why: Exception) -> ObservationFileError:
    """The error of a photo whose file was changed by hand, so that no photo gives what it says."""
    return ObservationFileError(
        f"{run.observation(image_id)}: {why}: delete it and run the same command again, which "
        "makes it anew"
    )


def read_file_counts(run: RunDirectory) -> dict[str, Any] | None:
    """Reads what `avatarrig.photos.passed_over.FileCounts` laid out; None where nothing did."""
    try:
        document: dict[str, Any] = decode_json(read_file(run.files), dict)
        words_for_files(document)  # which needs all of it
    except (OSError, msgspec.MsgspecError, KeyError, ValueError, TypeError):
        return None
    return document


def read_index(run: RunDirectory) -> list[dict[str, Any]]:
    """Reads the list of a run's photos, but for damaged lines: the next run writes it anew.

    Returns:
        What it says of each photo; nothing where there is no such file.
    """
    rows = []
    with contextlib.suppress(OSError):
        for line in read_file(run.index).splitlines():
            with contextlib.suppress(msgspec.MsgspecError):
                rows.append(decode_json(line, dict[str, Any]))
    return rows


def write_index(run: RunDirectory, rows: Iterable[Mapping[str, object]]) -> None:
    """Writes the list of a run's photos, one a line.

    Raises:
        RunStorageError: The run directory cannot take it.
    """
    write_atomically(run.index, b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


class _Stamp(msgspec.Struct, frozen=True):
    """The part of an observation's file that tells whose and which it is; the rest is skipped."""

    subject: str
    fingerprint: str


class _Stamped(msgspec.Struct, frozen=True):
    image_id: str
    avatarrig: _Stamp
    pose: msgspec.Raw


class Lacking(msgspec.Struct, frozen=True, kw_only=True):
    """Which files of a photo are missing, cut off, damaged, or of another photo or detector.

    Attributes:
        observation: Whether its observation is; nothing is said of the others then.
        overlays: Whether one of the overlays is that were asked for.
        mask: Whether the mask is that was asked for.
        is_verified: Whether the observation carries a checksum.
    """

    observation: bool = False
    overlays: bool = False
    mask: bool = False
    is_verified: bool = True

    @property
    def nothing(self) -> bool:
        """Whether all files are there."""
        return not (self.observation or self.overlays or self.mask)


def lacking_files(
    run: RunDirectory, image_id: str, subject: str, fingerprint: str, wanted: WantedFiles
) -> Lacking:
    """Tells which files of a photo have to be made, or made again.

    Args:
        subject: Whose skeleton it shall tell about.
        wanted: Files asked for beside the observation.
    """
    try:
        text = read_file(run.observation(image_id))
        seal = seal_of(text)
        stamped = decode_json(text, _Stamped)
        if seal is Seal.NONE:
            parse_observation(text, image_id)
    except (OSError, msgspec.MsgspecError, ObservationFileError):
        return Lacking(observation=True)
    is_meant = stamped.image_id == image_id and _is_of(stamped.avatarrig, subject, fingerprint)
    if seal is Seal.DAMAGED or not is_meant:
        return Lacking(observation=True)
    overlays = (run.overlay(image_id), run.raw(image_id)) if wanted.overlays else ()
    has_person = bytes(stamped.pose) != b"null"
    return Lacking(
        overlays=not all(map(_is_whole, overlays)),
        mask=wanted.masks and has_person and not _is_whole(run.mask(image_id)),
        is_verified=seal is Seal.WHOLE,
    )


def _is_of(stamp: _Stamp, subject: str, fingerprint: str) -> bool:
    same = subject_name(stamp.subject) == subject_name(subject)
    return same and stamp.fingerprint == fingerprint


def is_complete(
    run: RunDirectory, image_id: str, subject: str, fingerprint: str, wanted: WantedFiles
) -> bool:
    """Tells whether all files of a photo are there and whole: see `lacking_files`."""
    return lacking_files(run, image_id, subject, fingerprint, wanted).nothing


def _is_whole(picture: Path) -> bool:
    try:
        return is_whole_png(read_file(picture))
    except OSError:
        return False
