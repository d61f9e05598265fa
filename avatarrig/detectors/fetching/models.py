"""The model files: which ones, where they lie, and that they are the right ones.

A file counts only if its SHA-256 is the known one, whatever place it came from: another
model would silently give other bone lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import platformdirs
from filelock import FileLock

from avatarrig.detectors.fetching.model_sources import (
    Model,
    Rebuilt,
    SourceError,
    download,
    rebuild,
    store,
    take_from_package,
)
from avatarrig.errors import AvatarRigError

if TYPE_CHECKING:
    from avatarrig.detectors.options import DetectorOptions

PROJECT_FOLDER: Final = Path("inputs/models/mediapipe")
"""Where users put model files by hand, relative to the working directory."""

_POSE: Final = "pose_landmarker/pose_landmarker"

MODELS: Final[dict[str, Model]] = {
    "lite": Model(
        file="pose_landmarker_lite.task",
        folder=f"{_POSE}_lite",
        sha256="59929e1d1ee95287735ddd833b19cf4ac46d29bc7afddbbf6753c459690d574a",
        size=5_777_746,
        packaged=False,
        rebuilt=Rebuilt(
            network="pose_landmark_lite.tflite",
            network_sha256="f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61",
            sha256="f576dd93bdd6b410f7ab279ea4eb170abae599ef6affb3dfaf4a8c31d032d7f4",
        ),
    ),
    "full": Model(
        file="pose_landmarker_full.task",
        folder=f"{_POSE}_full",
        sha256="4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad",
        size=9_398_198,
        packaged=True,
    ),
    "heavy": Model(
        file="pose_landmarker_heavy.task",
        folder=f"{_POSE}_heavy",
        sha256="64437af838a65d18e5ba7a0d39b465540069bc8aae8308de3e318aad31fcbc7b",
        size=30_664_242,
        packaged=False,
        rebuilt=Rebuilt(
            network="pose_landmark_heavy.tflite",
            network_sha256="59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe",
            sha256="570256d2be2b4f1691dbdea357335bb96c73eef294b6aea0b5cafdf3f262583a",
        ),
    ),
    "face": Model(
        file="face_landmarker.task",
        folder="face_landmarker/face_landmarker",
        sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        size=3_758_596,
        packaged=True,
    ),
    "segmenter": Model(
        file="selfie_segmenter.tflite",
        folder="image_segmenter/selfie_segmenter",
        sha256="191ac9529ae506ee0beefa6b2c945a172dab9d07d1e802a290a4e4038226658b",
        size=249_537,
        packaged=True,
    ),
}
"""Pose models by what ``--pose-model`` calls them, and the two others."""

POSE_MODELS: Final = ("lite", "full", "heavy")


class ModelFiles(msgspec.Struct, frozen=True):
    """The model files of one detector, checked.

    Attributes:
        checksums: Their SHA-256 in this order; part of the detector's fingerprint.
    """

    pose: Path
    face: Path
    segmenter: Path
    checksums: tuple[str, str, str]


class ModelUnavailableError(AvatarRigError):
    """A model file is nowhere to be had, or a file that lies in its place is another one."""


def cache_folder() -> Path:
    """Returns the folder of this user where fetched models are kept."""
    return platformdirs.user_cache_path("avatarrig", appauthor=False) / "models" / "mediapipe"


def locate_models(
    options: DetectorOptions,
    directory: Path | None = None,
    *,
    report: Callable[[str], None] = lambda _: None,
) -> ModelFiles:
    """Finds the model files that a detector with these options needs, fetching what is missing.

    Args:
        options: The detector's options; they say which pose model.
        directory: Folder to look in first, as given with ``--models``.

    Returns:
        The files, their checksums proven.

    Raises:
        ModelUnavailableError: Saying what was tried, the URL, the SHA-256 and where to put it.
    """
    names = (options.pose_model, "face", "segmenter")
    pose, face, segmenter = (locate(MODELS[name], directory, report=report) for name in names)
    first, second, third = (MODELS[name].sha256 for name in names)
    return ModelFiles(pose, face, segmenter, (first, second, third))


def locate(
    model: Model,
    directory: Path | None = None,
    *,
    report: Callable[[str], None] = lambda _: None,
) -> Path:
    """Finds one model file, or fetches it into the user's cache.

    Args:
        model: One of `MODELS`.
        directory: Folder to look in first.

    Raises:
        ModelUnavailableError: Saying what was tried, the URL, the SHA-256 and where to put it.
    """
    return find(model, directory) or fetch(model, cache_folder(), report=report)


def find(model: Model, directory: Path | None = None) -> Path | None:
    """Looks for a model file on this machine.

    Args:
        model: One of `MODELS`.
        directory: Folder to look in first.

    Returns:
        The file, or None where it is missing (or damaged in the cache).

    Raises:
        ModelUnavailableError: Where a person put a file by this name that is another model.
    """
    for folder in _folders_of_people(directory):
        path = (folder / model.file).absolute()
        if path.is_file():
            if not _is_right(model, path):
                raise ModelUnavailableError(
                    f"{path} is not the model that AvatarRig was made for (expected SHA-256 "
                    f"{model.sha256}); another one would give other results. Remove the "
                    f"file, or replace it by {model.url}"
                )
            return path
    cached = cache_folder() / model.file
    return cached if cached.is_file() and _is_right(model, cached) else None


def fetch(model: Model, folder: Path, *, report: Callable[[str], None] = lambda _: None) -> Path:
    """Fetches a model file from the official place, else from the second source.

    Processes that want the same file at the same time fetch it once.

    Args:
        model: One of `MODELS`.
        folder: Where the file shall lie.

    Raises:
        ModelUnavailableError: Saying what was tried, the URL, the SHA-256 and where to put it.
    """
    path = folder / model.file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            if not (path.is_file() and _is_right(model, path)):
                report(f"fetching {model.file} ({model.size / 1e6:.1f} MB)")
                store(model, _obtain(model), folder)
    except (SourceError, OSError) as error:
        raise ModelUnavailableError(_advice(model, str(error))) from error
    return path


def _obtain(model: Model) -> bytes:
    failures = []
    for source in (download, take_from_package, _rebuild):
        try:
            return source(model)
        except SourceError as error:
            failures.append(str(error))
    raise SourceError("; ".join(failures))


def _rebuild(model: Model) -> bytes:
    if model.rebuilt is None:
        return rebuild(model, b"")
    try:
        full = locate(MODELS["full"])
        return rebuild(model, full.read_bytes())
    except (ModelUnavailableError, OSError) as error:
        raise SourceError(f"rebuilding it needs {MODELS['full'].file}: {error}") from error


def _folders_of_people(directory: Path | None) -> Iterator[Path]:
    folders: Iterable[Path | None] = (directory, PROJECT_FOLDER)
    return (folder for folder in folders if folder is not None)


def _is_right(model: Model, path: Path) -> bool:
    try:
        return model.fits(path.read_bytes())
    except OSError:
        return False


def _advice(model: Model, tried: str) -> str:
    return (
        f"The model {model.file} could not be fetched.\n"
        f"  tried:    {tried}\n"
        f"  get it:   {model.url}\n"
        f"  SHA-256:  {model.sha256}\n"
        f"  put it:   {PROJECT_FOLDER / model.file} (or {cache_folder() / model.file})"
    )
