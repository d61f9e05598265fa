"""The detector on real photos, on bad files and on damaged ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from PIL import Image
from support.photos import RENDERED, can_read_everything, in_every_format

from avatarrig.detectors.detector import Detection, Detector
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.mediapipe_tasks_backend import MediaPipeTasksBackend
from avatarrig.detectors.options import DetectorOptions
from avatarrig.photos.formats import SUFFIXES, Format
from avatarrig.photos.refused import PhotoRefusedError

pytestmark = pytest.mark.models

FORMATS: tuple[Format, ...] = tuple(SUFFIXES)
SLOWEST = 10.0
"""Seconds that one photo may take before it counts as a hang."""


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    options = DetectorOptions(max_pixels=50_000_000)
    with Detector(options, locate_models(options)) as opened:
        yield opened


def outcome(detector: Detector, data: bytes) -> Detection | PhotoRefusedError:
    """Detects a photo; anything but a detection or a reason fails the test."""
    try:
        return detector.detect(data)
    except PhotoRefusedError as error:
        return error


def test_poses_are_found_in_most_real_photos(detector: Detector, real_photos: Path) -> None:
    found = {path.name: detector.detect(path.read_bytes()) for path in real_photos.iterdir()}
    with_pose = {name for name, seen in found.items() if seen.pose is not None}
    assert len(found) == 16
    assert len(with_pose) >= 13, sorted(set(found) - with_pose)
    assert found["bus.jpg"].people >= 2
    assert found["astronaut.png"].face is not None


def test_bad_files_give_a_result_or_a_reason(detector: Detector, bad_files: Path) -> None:
    seen = {}
    for path in sorted(bad_files.iterdir()):
        if path.is_file() and (path.name != "forbidden.jpg" or can_read_everything()):
            result = outcome(detector, path.read_bytes())
            seen[path.name] = result.reason if isinstance(result, PhotoRefusedError) else "seen"
    seen.pop("forbidden.jpg", None)
    assert seen == {
        "empty.jpg": "empty",
        "text.jpg": "unsupported",
        "truncated.jpg": "seen",
        "beheaded.jpg": "truncated_beyond_use",
        "one_pixel.png": "too_small",
        "thread.png": "too_small",
        "sixteen_bit.png": "seen",
        "cmyk.jpg": "seen",
        "bomb.png": "too_large",
    }


def test_the_person_is_the_same_in_every_format(
    detector: Detector, photo_in_every_format: dict[Format, bytes]
) -> None:
    poses = {name: detector.detect(data).pose for name, data in photo_in_every_format.items()}
    reference = poses["PNG"]
    assert reference is not None
    for name, pose in poses.items():
        assert pose is not None, name
        sure = reference[:, 3] > 0.8
        assert np.abs(pose[sure, :2] - reference[sure, :2]).max() < 0.03, name


@pytest.fixture(scope="module")
def small_files() -> dict[Format, bytes]:
    """A person in every format, small, so that mutations often hit something that matters."""
    with Image.open(RENDERED) as picture:
        return in_every_format(picture.convert("RGB").resize((128, 192)))


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["change", "cut", "repeat", "remove", "insert"]),
        st.floats(0, 1),
        st.integers(1, 64),
        st.binary(min_size=1, max_size=16),
    ),
    min_size=1,
    max_size=8,
)


def mutate(data: bytes, edits: list[tuple[str, float, int, bytes]]) -> bytes:
    """Damages a file as disks, cables and editors do."""
    for kind, share, length, patch in edits:
        # Every second place is in the header, where damage does most.
        where = int(share * 2 * min(len(data), 700)) if share < 0.5 else int(share * len(data))
        head, tail = data[:where], data[where:]
        match kind:
            case "change":
                data = head + patch + tail[len(patch) :]
            case "cut":
                data = head
            case "repeat":
                data = head + tail[:length] * 2 + tail[length:]
            case "remove":
                data = head + tail[length:]
            case _:
                data = head + patch + tail
    return data


@seed(20261122)
@settings(
    max_examples=250,
    deadline=None,
    derandomize=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(name=st.sampled_from(FORMATS), edits=EDITS)
def test_damaged_photos_never_crash_or_hang(
    detector: Detector, small_files: dict[Format, bytes], name: Format, edits: list[Any]
) -> None:
    started = time.process_time()
    result = outcome(detector, mutate(small_files[name], edits))
    assert time.process_time() - started < SLOWEST
    if isinstance(result, PhotoRefusedError):
        assert result.message
    else:
        assert result.pose is None or np.isfinite(result.pose).all()


def test_damaged_photos_leave_the_detector_as_it_was(
    detector: Detector, small_files: dict[Format, bytes], photo_in_every_format: dict[Format, bytes]
) -> None:
    whole = photo_in_every_format["JPEG"]
    before = detector.detect(whole)
    memory = psutil.Process().memory_info().rss
    for data in small_files.values():
        for end in range(0, len(data), max(1, len(data) // 40)):
            outcome(detector, data[:end])
    after = detector.detect(whole)
    assert before.pose is not None
    assert after.pose is not None
    assert np.array_equal(before.pose, after.pose)
    assert psutil.Process().memory_info().rss - memory < 60_000_000


def test_the_backend_for_trying_things_out_speaks_mediapipe() -> None:
    rgb = np.asarray(Image.open(RENDERED).convert("RGB"))
    with MediaPipeTasksBackend() as backend:
        pose = backend.detect_pose(rgb)
        category = backend.segment_person(rgb).category_mask.numpy_view()
        backend.detect_face(rgb)
    hips = [pose.pose_landmarks[0][joint] for joint in (23, 24)]
    assert len(pose.pose_landmarks[0]) == len(pose.pose_world_landmarks[0]) == 33
    assert (category.shape, category.dtype) == (rgb.shape[:2], np.dtype(np.uint8))
    assert set(np.unique(category)) == {0, 255}
    row, column = (sum(getattr(hip, axis) for hip in hips) / 2 for axis in "yx")
    assert category[int(row * rgb.shape[0]), int(column * rgb.shape[1])] == 0
    assert category[2, 2] == 255


def test_the_backend_refuses_use_after_it_is_closed() -> None:
    backend = MediaPipeTasksBackend()
    backend.close()
    with pytest.raises(RuntimeError, match="closed"):
        backend.detect_pose(np.zeros((64, 64, 3), np.uint8))
