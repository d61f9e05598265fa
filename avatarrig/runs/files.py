"""Writing what one photo gave, and reading a run back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from avatarrig.records import Observation
from avatarrig.runs.atomic import write_atomically
from avatarrig.runs.layout import MASKS, RunDirectory
from avatarrig.runs.observation_document import (
    ObservationFileError,
    from_document,
    to_document,
)


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
    try:
        return from_document(msgspec.json.decode(path.read_bytes(), type=dict))
    except (ObservationFileError, msgspec.MsgspecError) as error:
        raise ObservationFileError(f"{path}: {error}") from error


def load_run(path: Path | str) -> Iterator[Observation]:
    """Reads the observations of a run, in the order of their identifiers.

    Args:
        path: The run directory.

    Yields:
        Observations as they travelled.

    Raises:
        ObservationFileError: A file is damaged; delete it and run the same command again.
        FileNotFoundError: There is no such run.
    """
    run = RunDirectory(Path(path))
    if not run.observations.is_dir():
        raise FileNotFoundError(f"{path} is no run directory: it has no observations folder")
    for file in sorted(run.observations.glob("*.json")):
        yield read_observation(file)


def is_complete(
    run: RunDirectory, image_id: str, fingerprint: str, wanted: WantedFiles
) -> Observation | None:
    """Tells whether a photo needs no detector any more.

    Args:
        run: The run directory.
        image_id: The photo.
        fingerprint: Detector fingerprint that counts.
        wanted: Files asked for beside the observation.

    Returns:
        The observation where all files are there and of this fingerprint, otherwise None.
        A damaged observation counts as not there.
    """
    try:
        observation = read_observation(run.observation(image_id))
    except (FileNotFoundError, ObservationFileError):
        return None
    if observation.fingerprint != fingerprint:
        return None
    if wanted.overlays and not run.overlay(image_id).is_file():
        return None
    if wanted.masks and observation.pose is not None and not run.mask(image_id).is_file():
        return None
    return observation
