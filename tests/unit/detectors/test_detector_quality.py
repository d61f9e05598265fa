"""The metrics in ``meta``, checked against their definitions on poses made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avatarrig.detectors.fetching.models import ModelFiles
from avatarrig.detectors.fingerprint import detector_fingerprint
from avatarrig.detectors.options import DetectorOptions
from avatarrig.detectors.person_mask import PersonMask
from avatarrig.detectors.quality import NO_POSE, Quality, landmark_confidence, measure_quality

WIDTH, HEIGHT = 600, 900
EVERYWHERE = PersonMask(np.full((256, 256), 255, np.uint8))
NOWHERE = PersonMask(np.zeros((256, 256), np.uint8))


def standing_person(confidence: float = 0.9) -> np.ndarray:
    """A person who stands in the middle of the photo, arms hanging."""
    pose = np.zeros((33, 5), np.float32)
    pose[:, :2] = (0.5, 0.12)
    places = {
        11: (0.6, 0.25),
        12: (0.4, 0.25),
        13: (0.64, 0.4),
        14: (0.36, 0.4),
        15: (0.66, 0.52),
        16: (0.34, 0.52),
        23: (0.56, 0.52),
        24: (0.44, 0.52),
        25: (0.56, 0.7),
        26: (0.44, 0.7),
        27: (0.56, 0.9),
        28: (0.44, 0.9),
    }
    for joint, place in places.items():
        pose[joint, :2] = place
    pose[:, 3:] = confidence
    return pose


def measured(
    pose: np.ndarray, mask: PersonMask | None = EVERYWHERE, overlay_thr: float = 0.35
) -> Quality:
    return measure_quality(pose, mask, WIDTH, HEIGHT, overlay_thr)


def test_confidence_is_the_smaller_of_both_unless_one_is_missing() -> None:
    pairs = np.zeros((4, 5), np.float32)
    pairs[:, 3:] = [(0.9, 0.5), (0.4, 0.7), (0.0, 0.6), (0.8, 0.0)]
    assert landmark_confidence(pairs).tolist() == pytest.approx([0.5, 0.4, 0.6, 0.8])


def test_a_whole_person_scores_by_the_published_formula() -> None:
    quality = measured(standing_person())
    assert quality.pose_mean_conf == pytest.approx(0.9)
    assert quality.pose_inmask_ratio == 1.0
    assert quality.pose_oob_ratio == 0.0
    assert quality.pose_supported_bones == 10
    assert quality.pose_geom_penalty == 1.0
    assert quality.pose_score == pytest.approx(0.35 * 0.9 + 0.45 + 0.20)
    assert quality.frame_kind == "full_or_mostly_full"


def test_without_a_mask_the_other_weights_hold() -> None:
    quality = measured(standing_person(), mask=None)
    assert quality.pose_inmask_ratio is None
    assert quality.pose_score == pytest.approx(0.65 * 0.9 + 0.35)


def test_limbs_beside_the_mask_are_not_supported() -> None:
    upper_half = np.zeros((256, 256), np.uint8)
    upper_half[:140] = 255  # nose, shoulders, elbows, wrists and hips lie on it
    quality = measured(standing_person(), PersonMask(upper_half))
    assert quality.pose_inmask_ratio == pytest.approx(9 / 13)
    assert quality.pose_supported_bones == 6
    assert measured(standing_person(), NOWHERE).pose_supported_bones == 0


def test_joints_with_little_confidence_are_not_looked_for_on_the_mask() -> None:
    pose = standing_person()
    pose[25:29, 3:] = 0.1
    upper_half = np.zeros((256, 256), np.uint8)
    upper_half[:140] = 255
    assert measured(pose, PersonMask(upper_half)).pose_inmask_ratio == 1.0


def test_joints_outside_the_photo_cost_score_and_bones() -> None:
    pose = standing_person()
    pose[27:29, 1] = 1.2
    quality = measured(pose)
    assert quality.pose_oob_ratio == pytest.approx(2 / 13)
    assert quality.pose_supported_bones == 8
    whole = 0.35 * 0.9 + 0.45 + 0.20
    assert quality.pose_score == pytest.approx(whole * (1 - 0.75 * 2 / 13))


def test_a_bone_shorter_than_two_percent_of_the_long_side_is_not_supported() -> None:
    pose = standing_person()
    pose[15, :2] = pose[13, :2] + (0.0, 0.019)  # 17 of 900 pixels; the limit is 18
    assert measured(pose).pose_supported_bones == 9
    pose[15, :2] = pose[13, :2] + (0.0, 0.021)
    assert measured(pose).pose_supported_bones == 10


@pytest.mark.parametrize(
    ("joints", "places", "penalty"),
    [
        ((11, 12), ((0.51, 0.25), (0.48, 0.25)), 0.25),  # shoulders 3 % of the width
        ((23, 24), ((0.51, 0.52), (0.485, 0.52)), 0.5),  # hips 2.5 % of the width
        ((23, 24), ((0.6, 1.45), (0.4, 1.45)), 0.5),  # torso 120 % of the height
    ],
)
def test_shapes_that_no_body_has_are_penalised(
    joints: tuple[int, ...], places: tuple[tuple[float, float], ...], penalty: float
) -> None:
    pose = standing_person()
    for joint, place in zip(joints, places, strict=True):
        pose[joint, :2] = place
    assert measured(pose).pose_geom_penalty == penalty


@pytest.mark.parametrize(
    ("hidden", "kind"),
    [
        ((), "full_or_mostly_full"),
        ((27, 28), "to_the_knees"),
        ((28,), "to_the_knees"),
        ((25, 26, 27, 28), "upper_body"),
        ((11, 12, 13, 14, 15, 16), "lower_body"),
        ((11, 12, 13, 14, 15, 16, 23, 24), "foot_closeup"),
        (tuple(range(11, 29)), "partial"),
    ],
)
def test_frame_kind_names_the_part_that_is_shown(hidden: tuple[int, ...], kind: str) -> None:
    pose = standing_person()
    pose[list(hidden), 3:] = 0.2
    assert measured(pose).frame_kind == kind


def test_the_overlay_threshold_moves_the_frame_kind_but_never_below_its_floor() -> None:
    pose = standing_person()
    pose[25:29, 3:] = 0.6
    assert measured(pose, overlay_thr=0.5).frame_kind == "full_or_mostly_full"
    assert measured(pose, overlay_thr=0.7).frame_kind == "upper_body"
    pose[25:29, 3:] = 0.4
    assert measured(pose, overlay_thr=0.1).frame_kind == "upper_body"


def test_nobody_scores_nothing() -> None:
    assert NO_POSE.pose_score == 0.0
    assert NO_POSE.to_meta()["frame_kind"] == "partial"


def test_points_outside_the_photo_lie_on_nobody() -> None:
    points = np.array([(0.5, 0.5), (1.0, 1.0), (-0.1, 0.5), (0.5, 1.01)], np.float32)
    assert EVERYWHERE.covers(points).tolist() == [True, True, False, False]
    assert EVERYWHERE.person_share == 1.0


@pytest.mark.parametrize(
    ("setting", "value"),
    [("min_pose_det", 1.5), ("crop_pad_frac", -0.1), ("num_poses", 0), ("max_pixels", 0)],
)
def test_settings_out_of_range_are_refused_by_name(setting: str, value: float) -> None:
    wrong: dict[str, Any] = {setting: value}
    with pytest.raises(ValueError, match=setting):
        DetectorOptions(**wrong)


def test_the_fingerprint_names_what_changes_an_observation() -> None:
    def named(checksum: str = "a", **options: Any) -> str:
        files = ModelFiles(Path("p"), Path("f"), Path("s"), (checksum, "b", "c"))
        return detector_fingerprint(DetectorOptions(**options), files)

    assert named() == named(max_pixels=5) == named(min_pose_track=0.9)
    changed = {
        named(),
        named("z"),
        named(min_pose_det=0.6),
        named(min_pose_presence=0.6),
        named(num_poses=2),
        named(pose_crop_from_mask=False),
        named(crop_pad_frac=0.3),
        named(overlay_thr=0.5),
        named(blendshapes=False),
        named(pose_model="heavy"),
    }
    assert len(changed) == 10
