"""The guards around MediaPipe's tasks; each of these fails, hangs or crashes without its guard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from support.photos import RENDERED
from support.pictures import read_picture

from avatarrig.detectors.detector import Detector
from avatarrig.detectors.fetching.models import ModelFiles, locate_models
from avatarrig.detectors.native_results import detect_poses
from avatarrig.detectors.options import DetectorOptions
from avatarrig.detectors.runtime import mediapipe_c_bindings, mp
from avatarrig.detectors.tasks import (
    DetectionFailedError,
    FoundPose,
    GuardedTask,
    ImageRefusedError,
    open_face_task,
    open_mask_task,
    open_pose_task,
)

pytestmark = pytest.mark.models

OPTIONS = DetectorOptions()
PoseTask = GuardedTask[tuple[FoundPose, ...]]


@pytest.fixture(scope="module")
def models() -> ModelFiles:
    return locate_models(OPTIONS)


@pytest.fixture(scope="module")
def poses(models: ModelFiles) -> Iterator[PoseTask]:
    task = open_pose_task(models.pose, OPTIONS, 1)
    yield task
    task.close()


@pytest.fixture(scope="module")
def rgb() -> np.ndarray:
    return cv2.cvtColor(read_picture(RENDERED), cv2.COLOR_BGR2RGB)


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("channels reversed", lambda rgb: np.ascontiguousarray(rgb[..., ::-1])[..., ::-1]),
        ("crop", lambda rgb: np.pad(rgb, ((0, 0), (0, 40), (0, 0)))[:, :-40]),
        ("flip", lambda rgb: np.ascontiguousarray(rgb[:, ::-1])[:, ::-1]),
        ("transposed", lambda rgb: np.ascontiguousarray(rgb.swapaxes(0, 1)).swapaxes(0, 1)),
    ],
)
def test_strides_do_not_change_what_is_seen(
    poses: PoseTask, rgb: np.ndarray, name: str, view: Callable[[np.ndarray], np.ndarray]
) -> None:
    strided = view(rgb)
    assert np.array_equal(strided, rgb)
    assert not strided.flags.c_contiguous
    (expected,), (seen,) = poses.run(rgb), poses.run(strided)
    assert np.array_equal(expected.landmarks, seen.landmarks), name


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((64, 64), np.uint8),
        np.zeros((64, 64, 4), np.uint8),
        np.zeros((64, 64, 3), np.uint16),
        np.zeros((64, 64, 3), np.float32),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((500, 1, 3), np.uint8),
        np.zeros((15, 500, 3), np.uint8),
        np.zeros((32_767, 16, 3), np.uint8),
        np.zeros((16, 32_767, 3), np.uint8),
    ],
    ids=lambda image: f"{image.shape} {image.dtype}",
)
def test_harmful_images_are_refused_before_they_reach_the_library(
    poses: PoseTask, rgb: np.ndarray, image: np.ndarray
) -> None:
    with pytest.raises(ImageRefusedError):
        poses.run(image)
    assert len(poses.run(rgb)) == 1


@pytest.mark.parametrize("size", [(16, 16), (16, 32_766), (32_766, 16)])
def test_the_extreme_images_allowed_are_harmless_to_every_task(
    models: ModelFiles, size: tuple[int, int]
) -> None:
    extreme = np.zeros((*size, 3), np.uint8)
    for task in (
        open_pose_task(models.pose, OPTIONS, 1),
        open_face_task(models.face, OPTIONS),
        open_mask_task(models.segmenter),
    ):
        assert len(task.run(extreme)) in {0, size[0]}
        task.close()


def test_a_poisoned_graph_is_replaced(models: ModelFiles, rgb: np.ndarray) -> None:
    task = open_pose_task(models.pose, OPTIONS, 1)
    poisoned = task._task
    gray = mp.Image(mp.ImageFormat.GRAY8, np.zeros((64, 64), np.uint8))
    with pytest.raises((RuntimeError, ValueError)):
        poisoned.detect(gray)
    with pytest.raises((RuntimeError, ValueError)):  # it fails for good now
        poisoned.detect(mp.Image(mp.ImageFormat.SRGB, rgb))
    assert len(task.run(rgb)) == 1
    assert task._task is not poisoned
    task.close()


def test_a_task_that_fails_again_says_so_and_works_for_the_next_image(
    models: ModelFiles, rgb: np.ndarray
) -> None:
    task = open_pose_task(models.pose, OPTIONS, 1)
    infer, failures = task._infer, iter([RuntimeError("first"), RuntimeError("second")])

    def failing(native: object, image: mp.Image) -> tuple[FoundPose, ...]:
        failure = next(failures, None)
        if failure is not None:
            raise failure
        return infer(native, image)

    task._infer = failing
    with pytest.raises(DetectionFailedError, match="pose landmarker failed twice: second"):
        task.run(rgb)
    assert len(task.run(rgb)) == 1
    task.close()


def test_a_closed_task_does_not_look_like_an_empty_photo(
    models: ModelFiles, rgb: np.ndarray
) -> None:
    task = open_pose_task(models.pose, OPTIONS, 1)
    task.close()
    task.close()
    with pytest.raises(DetectionFailedError, match="closed"):
        task.run(rgb)


def test_results_read_from_the_native_structures_are_those_of_mediapipes_own_classes(
    poses: PoseTask, models: ModelFiles, rgb: np.ndarray
) -> None:
    image = mp.Image(mp.ImageFormat.SRGB, rgb)
    (seen,), own = poses.run(rgb), poses._task.detect(image)
    landmarks = [(p.x, p.y, p.z, p.visibility, p.presence) for p in own.pose_landmarks[0]]
    assert np.array_equal(seen.landmarks, np.array(landmarks, np.float32))
    world = [(p.x, p.y, p.z) for p in own.pose_world_landmarks[0]]
    assert np.array_equal(seen.world, np.array(world, np.float32))

    nose = seen.landmarks[0, :2] * rgb.shape[1::-1]
    left, top = np.maximum(nose - 90, 0).astype(int)
    head = np.ascontiguousarray(rgb[top : top + 180, left : left + 180])
    task = open_face_task(models.face, OPTIONS)
    (face,), theirs = task.run(head), task._task.detect(mp.Image(mp.ImageFormat.SRGB, head))
    mesh = [(p.x, p.y, p.z) for p in theirs.face_landmarks[0]]
    assert np.array_equal(face.landmarks, np.array(mesh, np.float32))
    scores = [category.score for category in theirs.face_blendshapes[0]]
    assert face.blendshapes is not None
    assert np.array_equal(face.blendshapes, np.array(scores, np.float32))
    task.close()

    segmenter = open_mask_task(models.segmenter)
    mask, parts = segmenter.run(rgb), segmenter._task.segment(image).confidence_masks
    assert np.array_equal(mask, parts[0].numpy_view()[:, :, 0])
    segmenter.close()


class Unequal:
    """A library that finds one pose and no landmarks in metres for it."""

    freed = 0

    def MpPoseLandmarkerDetectImage(self, *arguments: Any) -> int:  # noqa: N802 - its name
        arguments[3]._obj.pose_landmarks_count = 1
        return 0

    def MpPoseLandmarkerCloseResult(self, _: object) -> None:  # noqa: N802 - its name
        self.freed += 1


def test_a_pose_without_landmarks_in_metres_is_a_failure_and_no_wild_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = Unequal()
    monkeypatch.setattr(mediapipe_c_bindings, "load_raw_library", lambda: library)
    task = SimpleNamespace(_handle=1)
    with pytest.raises(RuntimeError, match="in metres"):
        detect_poses(task, SimpleNamespace(_image_ptr=None))
    assert library.freed == 1


def test_a_native_task_that_is_gone_is_a_failure_and_no_wild_read(
    models: ModelFiles, rgb: np.ndarray
) -> None:
    task = open_pose_task(models.pose, OPTIONS, 1)
    task._task.close()
    with pytest.raises(RuntimeError, match="closed"):
        detect_poses(task._task, mp.Image(mp.ImageFormat.SRGB, rgb))
    assert len(task.run(rgb)) == 1
    task.close()


def test_results_outlive_the_native_memory_they_came_from(models: ModelFiles) -> None:
    task = open_mask_task(models.segmenter)
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    masks = [task.run(noise) for _ in range(20)]
    assert all(mask.base is None and mask.flags.owndata for mask in masks)
    assert all(np.array_equal(mask, masks[0]) for mask in masks)
    task.close()


def test_landmarks_outlive_the_native_memory_they_came_from(
    models: ModelFiles, rgb: np.ndarray
) -> None:
    task = open_pose_task(models.pose, OPTIONS, 1)
    looks = [task.run(rgb)[0] for _ in range(10)]
    task.close()
    assert all(look.landmarks.flags.owndata and look.world.flags.owndata for look in looks)
    assert all(np.array_equal(look.landmarks, looks[0].landmarks) for look in looks)


def test_the_face_task_gives_blendshapes_only_when_asked(models: ModelFiles) -> None:
    head = read_picture(RENDERED)[..., ::-1]
    for wanted in (True, False):
        options = DetectorOptions(blendshapes=wanted)
        poses = open_pose_task(models.pose, options, 1)
        nose = poses.run(head)[0].landmarks[0, :2] * head.shape[1::-1]
        left, top = np.maximum(nose - 90, 0).astype(int)
        task = open_face_task(models.face, options)
        found = task.run(head[top : top + 180, left : left + 180])
        assert all((face.blendshapes is not None) is wanted for face in found)
        assert all(face.landmarks.shape == (478, 3) for face in found)
        poses.close()
        task.close()


def test_the_slow_inverted_category_mask_is_never_made(models: ModelFiles, rgb: np.ndarray) -> None:
    task = open_mask_task(models.segmenter)
    result = task._task.segment(mp.Image(mp.ImageFormat.SRGB, rgb))
    assert result.category_mask is None
    assert len(result.confidence_masks) == 1
    task.close()


def test_a_detector_keeps_opencv_to_its_one_thread(models: ModelFiles) -> None:
    cv2.setNumThreads(4)
    Detector(OPTIONS, models).close()
    assert cv2.getNumThreads() == 1


def test_models_are_read_from_any_path(models: ModelFiles, tmp_path: Path) -> None:
    odd = tmp_path / "Модели и 模型"
    odd.mkdir()
    copy = odd / models.segmenter.name
    copy.write_bytes(models.segmenter.read_bytes())
    task = open_mask_task(copy)
    assert task.run(np.zeros((64, 64, 3), np.uint8)).shape == (64, 64)
    task.close()
