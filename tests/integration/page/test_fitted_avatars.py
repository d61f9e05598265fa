"""The avatar that was fitted to somebody is found and sent as triangles, and nothing else is."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from support.avatar.avatars import Recipe, build

from avatarrig.page.avatars import Avatars
from avatarrig.runs import RunDirectory
from avatarrig.runs.estimates import place_of_estimate


@pytest.fixture(scope="module")
def avatar() -> bytes:
    return build(Recipe())


def test_it_is_sent_as_it_stands_facing_the_viewer(tmp_path: Path, avatar: bytes) -> None:
    file = tmp_path / "hero-fitted.glb"
    file.write_bytes(avatar)
    avatars = Avatars([str(tmp_path)])
    assert avatars.find("anybody") == file
    data = avatars.mesh(file)
    assert data is not None
    (count,) = struct.unpack_from("<I", data)
    assert len(data) == 4 + count * (36 + 3)
    corners = np.frombuffer(data, "<f4", 9 * count, 4).reshape(-1, 3)
    size = np.ptp(corners, axis=0)
    assert size[1] > size[2], "taller than deep"
    assert size[1] > 1


def test_each_person_has_the_one_beside_their_estimate(tmp_path: Path, avatar: bytes) -> None:
    place = place_of_estimate(RunDirectory(tmp_path), "Anna / B", several=True).path
    place.mkdir(parents=True)
    (place / "hero-fitted.vrm").write_bytes(avatar)
    (tmp_path / "stray-fitted.glb").write_bytes(avatar)
    avatars = Avatars([str(tmp_path)])
    assert avatars.find("Anna / B") == place / "hero-fitted.vrm"
    assert avatars.find("Ben") is None
    assert avatars.find("../..") is None


def test_what_is_no_avatar_or_lies_elsewhere_is_not_sent(tmp_path: Path, avatar: bytes) -> None:
    outside = tmp_path / "outside.glb"
    outside.write_bytes(avatar)
    run = tmp_path / "run"
    run.mkdir()
    (run / "link-fitted.glb").symlink_to(outside)
    avatars = Avatars([str(run)])
    assert avatars.find("anybody") is None
    (run / "half-fitted.glb").write_bytes(avatar[: len(avatar) // 2])
    found = avatars.find("anybody")
    assert found is not None
    assert avatars.mesh(found) is None
