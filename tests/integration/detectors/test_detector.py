"""The detector as a whole: coordinates, options that have an effect, groups, repeatability."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.photos import RENDERED
from support.pictures import read_picture

from avatarrig.body.landmarks import QUALITY_JOINTS
from avatarrig.detectors.detector import Detection, Detector
from avatarrig.detectors.fetching.models import ModelFiles, locate_models
from avatarrig.detectors.options import DetectorOptions
from avatarrig.detectors.tasks import DetectionFailedError
from avatarrig.photos.refused import PhotoRefusedError

pytestmark = pytest.mark.models

JOINTS = list(QUALITY_JOINTS)


@pytest.fixture(scope="module")
def models() -> ModelFiles:
    return locate_models(DetectorOptions())


@pytest.fixture(scope="module")
def detector(models: ModelFiles) -> Iterator[Detector]:
    with Detector(DetectorOptions(), models) as opened:
        yield opened


@pytest.fixture(scope="module")
def rendered() -> np.ndarray:
    return read_picture(RENDERED)


def png(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def distant(picture: np.ndarray, scale: float) -> tuple[bytes, np.ndarray, np.ndarray]:
    """Puts a picture small into a larger one; gives that, its place and its size in shares."""
    canvas = np.full((960, 1280, 3), 128, np.uint8)
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas[200 : 200 + small.shape[0], 900 : 900 + small.shape[1]] = small
    place = np.array([900 / 1280, 200 / 960])
    return png(canvas), place, np.array([small.shape[1] / 1280, small.shape[0] / 960])


def detect_with(models: ModelFiles, data: bytes, **options: Any) -> Detection:
    with Detector(DetectorOptions(**options), models) as opened:
        return opened.detect(data)


def test_landmarks_are_in_the_upright_original_whatever_was_reduced(
    detector: Detector, rendered: np.ndarray
) -> None:
    small = detector.detect(png(rendered))
    enlarged = cv2.resize(rendered, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    large = detector.detect(cv2.imencode(".jpg", enlarged)[1].tobytes())
    assert (large.width, large.height) == (enlarged.shape[1], enlarged.shape[0])
    assert max(large.rgb.shape) < max(enlarged.shape)
    assert small.pose is not None
    assert large.pose is not None
    assert np.abs(large.pose[JOINTS, :2] - small.pose[JOINTS, :2]).max() < 0.03


def test_shapes_and_names_are_those_of_an_observation(detector: Detector) -> None:
    seen = detector.detect(RENDERED.read_bytes())
    assert (seen.people, seen.ambiguous) == (1, False)
    assert seen.subject_confidence > 0.9
    assert seen.pose is not None
    assert seen.world is not None
    assert (seen.pose.shape, seen.world.shape) == ((33, 5), (33, 3))
    assert seen.pose.dtype == seen.world.dtype == np.float32
    assert seen.mask is not None
    assert set(seen.meta) >= {
        "pose_mean_conf",
        "pose_inmask_ratio",
        "pose_oob_ratio",
        "pose_supported_bones",
        "pose_geom_penalty",
        "pose_score",
        "frame_kind",
        "mask_agreement",
        "mask_person_share",
    }
    assert float(seen.meta["pose_inmask_ratio"] or 0) > 0.8


def test_the_face_is_the_subjects_and_lies_on_the_head(
    detector: Detector, real_photos: Path
) -> None:
    for name in ("astronaut.png", "obama.jpg"):
        seen = detector.detect((real_photos / name).read_bytes())
        assert seen.pose is not None
        assert seen.face is not None
        assert seen.blendshapes is not None
        assert (seen.face.shape, seen.blendshapes.shape) == ((478, 3), (52,))
        size = (seen.width, seen.height)
        nose, tip = seen.pose[0, :2] * size, seen.face[1, :2] * size
        eyes = np.ptp(seen.pose[[3, 6], 0]) * seen.width
        assert np.hypot(*(nose - tip)) < eyes


def test_blendshapes_are_left_out_when_they_are_not_asked_for(
    models: ModelFiles, real_photos: Path
) -> None:
    data = (real_photos / "astronaut.png").read_bytes()
    seen = detect_with(models, data, blendshapes=False)
    assert seen.face is not None
    assert seen.blendshapes is None


def test_groups_have_several_people_or_an_open_choice(
    detector: Detector, real_photos: Path
) -> None:
    for name in ("bus.jpg", "zidane.jpg", "five_people.jpg"):
        seen = detector.detect((real_photos / name).read_bytes())
        assert seen.people >= 2 or seen.ambiguous, name


def test_num_poses_limits_how_many_people_are_found(
    models: ModelFiles, rendered: np.ndarray
) -> None:
    crowd = np.hstack([rendered] * 3)
    counts = {most: detect_with(models, png(crowd), num_poses=most).people for most in (1, 2, 3)}
    assert counts[2] == 2
    assert counts[3] == 3
    assert counts[1] >= 3  # one subject is wanted, so everybody is looked for


def test_a_distant_person_is_found_by_the_second_look_alone(
    models: ModelFiles, rendered: np.ndarray
) -> None:
    data, place, size = distant(rendered, 0.3)
    without = detect_with(models, data, pose_crop_from_mask=False)
    seen = detect_with(models, data)
    sure = [float(each.meta["pose_mean_conf"] or 0) for each in (without, seen)]
    assert without.pose is None or sure[0] < sure[1]
    near = detect_with(models, png(rendered))
    assert seen.pose is not None
    assert near.pose is not None
    expected = near.pose[JOINTS, :2] * size + place
    assert np.median(np.abs(seen.pose[JOINTS, :2] - expected)) < 0.01


@pytest.mark.parametrize("upright", [False, True])
def test_somebody_in_a_panorama_is_found(
    detector: Detector, rendered: np.ndarray, *, upright: bool
) -> None:
    height, width = (4500, 700) if upright else (700, 4500)
    panorama = np.full((height, width, 3), 128, np.uint8)
    person = cv2.resize(rendered, (400, 600), interpolation=cv2.INTER_AREA)
    top, left = (3000, 150) if upright else (100, 3000)
    panorama[top : top + 600, left : left + 400] = person
    seen, near = detector.detect(png(panorama)), detector.detect(png(rendered))
    assert seen.pose is not None
    assert near.pose is not None
    expected = near.pose[JOINTS, :2] * (400, 600) + (left, top)
    found = seen.pose[JOINTS, :2] * (width, height)
    assert np.median(np.hypot(*(found - expected).T)) < 0.02 * 600


def test_the_crop_padding_changes_what_the_second_look_sees(
    models: ModelFiles, rendered: np.ndarray
) -> None:
    data, _, _ = distant(rendered, 0.45)
    found = [detect_with(models, data, crop_pad_frac=pad).pose for pad in (0.0, 0.15, 1.0)]
    poses = [pose for pose in found if pose is not None]
    assert len(poses) == 3
    assert not np.array_equal(poses[0], poses[1])
    assert not np.array_equal(poses[1], poses[2])


def test_thresholds_decide_who_is_believed(models: ModelFiles, rendered: np.ndarray) -> None:
    faint = cv2.GaussianBlur(rendered, (0, 0), 14)
    looks = {"pose_crop_from_mask": False}
    assert detect_with(models, png(faint), min_pose_det=0.05, **looks).people >= 1
    assert detect_with(models, png(faint), min_pose_det=1.0, **looks).people == 0
    assert detect_with(models, png(rendered), min_pose_presence=1.0, **looks).people == 0


def test_the_tracking_threshold_has_no_effect_on_single_photos(
    models: ModelFiles, rendered: np.ndarray
) -> None:
    first, second = (detect_with(models, png(rendered), min_pose_track=t).pose for t in (0.0, 1.0))
    assert first is not None
    assert second is not None
    assert np.array_equal(first, second)


def test_the_overlay_threshold_reaches_the_frame_kind(
    models: ModelFiles, rendered: np.ndarray
) -> None:
    kinds = [
        detect_with(models, png(rendered), overlay_thr=t).meta["frame_kind"] for t in (0.35, 1.0)
    ]
    assert kinds[0] != "partial"
    assert kinds[1] == "partial"


def test_the_pixel_limit_refuses_by_the_header(models: ModelFiles, rendered: np.ndarray) -> None:
    with pytest.raises(PhotoRefusedError, match="--max-pixels") as refused:
        detect_with(models, png(rendered), max_pixels=1000)
    assert refused.value.reason == "too_large"


def test_repeating_gives_the_same_bits(detector: Detector, models: ModelFiles) -> None:
    data = RENDERED.read_bytes()
    first, again = detector.detect(data), detector.detect(data)
    other = detect_with(models, data)
    for name in ("pose", "world", "face", "mask"):
        values = [getattr(seen, name) for seen in (first, again, other)]
        assert all(np.array_equal(values[0], value) for value in values[1:]), name
    assert first.meta == again.meta == other.meta


def test_a_photo_that_the_models_fail_on_is_refused_with_a_reason(
    models: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Detector(DetectorOptions(), models) as opened:

        def fail(_: object) -> None:
            raise DetectionFailedError("the pose landmarker failed twice: graph has errors")

        monkeypatch.setattr(opened._poses, "run", fail)
        with pytest.raises(PhotoRefusedError, match="failed twice") as refused:
            opened.detect(RENDERED.read_bytes())
    assert refused.value.reason == "detector_failed"


def test_a_closed_detector_refuses_to_look(models: ModelFiles) -> None:
    opened = Detector(DetectorOptions(), models)
    opened.close()
    with pytest.raises(PhotoRefusedError, match="closed"):
        opened.detect(RENDERED.read_bytes())
