"""Overlays, masks and the preview show what they are told to show."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.body.estimates import said

from avatarrig.body import landmarks as names
from avatarrig.pictures import style
from avatarrig.pictures.caption import Caption, Occupancy
from avatarrig.pictures.figure import build_figure
from avatarrig.pictures.mask import encode_mask
from avatarrig.pictures.overlay import confidence, draw_overlay
from avatarrig.pictures.png import encode_png
from avatarrig.pictures.preview import draw_preview
from avatarrig.wire.estimate import Estimate

KEYS = {
    "shoulder_width": 1.0,
    "hip_width": 0.72,
    "torso_length": 1.42,
    "upper_arm_L": 0.86,
    "upper_arm_R": 0.84,
    "lower_arm_L": 0.74,
    "lower_arm_R": 0.73,
    "upper_leg_L": 1.2,
    "upper_leg_R": 1.19,
    "lower_leg_L": 1.12,
    "lower_leg_R": 1.1,
    "wingspan_est": 4.17,
}
GRAY = 90

# x and y of a person who stands upright and faces the camera: the left is on the right.
STANDING = {
    names.NOSE: (0.5, 0.15),
    names.LEFT_SHOULDER: (0.6, 0.3),
    names.RIGHT_SHOULDER: (0.4, 0.3),
    names.LEFT_ELBOW: (0.65, 0.42),
    names.RIGHT_ELBOW: (0.35, 0.42),
    names.LEFT_WRIST: (0.66, 0.55),
    names.RIGHT_WRIST: (0.34, 0.55),
    names.LEFT_HIP: (0.56, 0.55),
    names.RIGHT_HIP: (0.44, 0.55),
    names.LEFT_KNEE: (0.56, 0.72),
    names.RIGHT_KNEE: (0.44, 0.72),
    names.LEFT_ANKLE: (0.56, 0.9),
    names.RIGHT_ANKLE: (0.44, 0.9),
}


def pose(sureness: float = 0.95) -> NDArray[np.float32]:
    landmarks = np.zeros((33, 5), np.float32)
    landmarks[:, :2] = (0.5, 0.15)
    landmarks[:, 3:] = sureness
    for joint, place in STANDING.items():
        landmarks[joint, :2] = place
    return landmarks


def photo(width: int = 900, height: int = 1200) -> NDArray[np.uint8]:
    return np.full((height, width, 3), GRAY, np.uint8)


def pixels(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)))


def near(picture: NDArray[np.uint8], place: tuple[float, float]) -> NDArray[np.int64]:
    """The colour at a place given in shares of the picture."""
    height, width = picture.shape[:2]
    colour: NDArray[np.int64] = picture[int(place[1] * height), int(place[0] * width)].astype(int)
    return colour


def middle(first: int, second: int) -> tuple[float, float]:
    (x, y), (u, v) = STANDING[first], STANDING[second]
    return (x + u) / 2, (y + v) / 2


@pytest.mark.parametrize("size", [(900, 1200), (400, 400), (4000, 3000)])
def test_left_is_orange_and_right_is_blue_at_any_size(size: tuple[int, int]) -> None:
    picture = pixels(draw_overlay(photo(*size), pose()))
    left = near(picture, middle(names.LEFT_HIP, names.LEFT_KNEE))
    right = near(picture, middle(names.RIGHT_HIP, names.RIGHT_KNEE))
    assert np.abs(left - style.LEFT).max() < 30
    assert np.abs(right - style.RIGHT).max() < 30


def test_small_photos_are_enlarged_and_others_keep_their_size() -> None:
    assert pixels(draw_overlay(photo(300, 400), None)).shape == (800, 600, 3)
    assert pixels(draw_overlay(photo(900, 1200), None)).shape == (1200, 900, 3)


def test_the_photo_given_is_left_as_it_is() -> None:
    given = photo()
    draw_overlay(given, pose(), mask=np.eye(64, dtype=bool), caption=Caption(score=0.5))
    assert (given == GRAY).all()


def test_a_less_sure_bone_is_fainter() -> None:
    def strength(sureness: float) -> float:
        picture = pixels(draw_overlay(photo(), pose(sureness)))
        bone = near(picture, middle(names.LEFT_HIP, names.LEFT_KNEE))
        return float(np.abs(bone - GRAY).sum())

    assert strength(0.95) > strength(0.6) + 15 > strength(0.4) + 30


def test_joints_below_the_threshold_are_drawn_in_the_raw_picture_only() -> None:
    unsure = pose()
    unsure[names.LEFT_ANKLE, 3:] = 0.2
    place = middle(names.LEFT_KNEE, names.LEFT_ANKLE)
    drawn = near(pixels(draw_overlay(photo(), unsure, threshold=0.35)), place)
    raw = near(pixels(draw_overlay(photo(), unsure, threshold=0.0)), place)
    assert (drawn == GRAY).all()
    assert (raw != GRAY).any()


def test_confidence_is_the_smaller_one_unless_it_is_not_reported() -> None:
    landmarks = np.zeros((4, 5), np.float32)
    landmarks[:, 3:] = [[0.9, 0.5], [0.4, 0.8], [0.0, 0.7], [0.6, 0.0]]
    assert confidence(landmarks).tolist() == pytest.approx([0.5, 0.4, 0.7, 0.6])


def test_the_mask_darkens_what_is_not_the_person() -> None:
    mask = np.zeros((256, 256), np.uint8)
    mask[64:192, 64:192] = 200
    picture = pixels(draw_overlay(photo(), None, mask=mask))
    assert near(picture, (0.5, 0.5)).tolist() == [GRAY] * 3
    assert near(picture, (0.05, 0.95)).max() < 0.7 * GRAY
    outline = picture[picture.shape[0] // 2, :, 0]
    assert outline.max() > 180


def test_a_face_is_drawn_where_it_is() -> None:
    angles = np.linspace(0, 2 * np.pi, 478)
    face = np.zeros((478, 3), np.float32)
    face[:, 0], face[:, 1] = 0.5 + 0.1 * np.cos(angles), 0.3 + 0.1 * np.sin(angles)
    changed = (pixels(draw_overlay(photo(), None, face=face)) != GRAY).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert 0.39 * 900 < columns.min() < columns.max() < 0.61 * 900
    assert 0.19 * 1200 < rows.min() < rows.max() < 0.41 * 1200


@pytest.mark.parametrize("score", [None, 0.2, 0.5, 0.9])
def test_the_caption_stands_in_a_corner_with_a_signal(score: float | None) -> None:
    caption = Caption(frame_kind="upper_body", score=score, several=True)
    picture = pixels(draw_overlay(photo(), None, caption=caption))
    changed = (picture != GRAY).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert rows.max() < 0.15 * 1200
    assert columns.max() < 0.6 * 900
    signal = style.POOR if score in {None, 0.2} else style.FAIR if score == 0.5 else style.GOOD
    assert (np.abs(picture.astype(int) - signal).max(axis=2) < 12).any()


def test_a_photo_that_does_not_count_gets_no_green_light() -> None:
    def lights(excluded: str) -> set[style.Colour]:
        caption = Caption(frame_kind="upper_body", score=0.9, excluded=excluded)
        picture = pixels(draw_overlay(photo(), None, caption=caption)).astype(int)
        signals = (style.POOR, style.FAIR, style.GOOD)
        return {c for c in signals if (np.abs(picture - c).max(axis=2) < 12).any()}

    assert lights("") == {style.GOOD}
    assert lights("somebody else") == {style.POOR}


def test_the_caption_avoids_the_person() -> None:
    mask = np.zeros((64, 64), bool)
    mask[:40, :] = True
    mask[40:, :40] = True
    right, below = Occupancy(photo(), mask).freest_corner(200, 100)
    assert (right, below) == (True, True)


@pytest.mark.parametrize("size", [(60, 1800), (1800, 60), (16, 16)])
def test_odd_shapes_and_landmarks_far_outside_can_be_drawn(size: tuple[int, int]) -> None:
    wild = pose()
    wild[:, :2] = wild[:, :2] * 400 - 200
    wild[5, 0] = np.nan
    png = draw_overlay(
        photo(*size),
        wild,
        mask=np.ones((9, 9), bool),
        caption=Caption(score=1.0, excluded="n" * 40),
    )
    assert max(pixels(png).shape[:2]) >= 800


@pytest.mark.parametrize("size", [(640, 480), (4000, 3000), (101, 37)])
def test_a_mask_file_has_the_photos_size_and_two_values(size: tuple[int, int]) -> None:
    mask = np.zeros((256, 256), np.uint8)
    mask[:, 128:] = 255
    picture = Image.open(io.BytesIO(encode_mask(mask, *size)))
    values = np.asarray(picture)
    assert (picture.mode, picture.size) == ("L", size)
    assert set(np.unique(values)) == {0, 255}
    assert values[:, : size[0] // 2 - 2].max() == 0
    assert values[:, size[0] // 2 + 2 :].min() == 255


def test_confidences_are_cut_at_one_half() -> None:
    mask = np.array([[127, 128], [0, 255]], np.uint8)
    assert pixels(encode_mask(mask, 2, 2)).tolist() == [[0, 255], [0, 255]]
    assert pixels(encode_mask(mask >= 128, 2, 2)).tolist() == [[0, 255], [0, 255]]


def test_a_picture_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="without pixels"):
        encode_png(np.zeros((0, 5), np.uint8))


def test_the_preview_is_a_t_pose_with_the_lengths_of_the_estimate() -> None:
    figure = build_figure(said(KEYS))
    length = {}
    for bone in figure.bones:
        (x, y), (u, v) = bone.start, bone.end
        if bone.written:
            length[bone.side, bone.direction, bone.written.drawn] = abs(u - x) + abs(v - y)
    assert length["left", (1.0, 0.0), 0.86] == pytest.approx(0.86)
    assert length["right", (0.0, -1.0), 1.19] == pytest.approx(1.19)
    wrists = [bone.end[0] for bone in figure.bones if bone.length.value in {0.74, 0.73}]
    assert max(wrists) - min(wrists) == pytest.approx(0.86 + 0.74 + 1 + 0.84 + 0.73)
    assert figure.shoulder_height == pytest.approx(1.42)


def test_a_bone_without_an_estimate_gets_no_number() -> None:
    usable = {key: value for key, value in KEYS.items() if key != "lower_leg_L"}
    figure = build_figure(said(KEYS, estimates=usable))
    silent = [bone for bone in figure.bones if bone.length.status == "insufficient"]
    assert [(bone.side, bone.direction) for bone in silent] == [("left", (0.0, -1.0))]
    assert silent[0].written is None


@pytest.mark.parametrize(
    "estimate",
    [
        said(KEYS),
        said(),
        said(KEYS, stats={}),
        said({**KEYS, "upper_leg_L": 9.0, "hip_width": 0.01}),
        said({**KEYS, "upper_leg_L": 1e300, "hip_width": 5e-324}),
    ],
)
def test_every_estimate_can_be_drawn_within_the_page(estimate: Estimate) -> None:
    page = pixels(draw_preview(estimate, title="Ada"))
    assert page.shape == (1500, 1600, 3)
    edges = np.concatenate([page[:, :4].ravel(), page[:, -4:].ravel(), page[:8].ravel()])
    assert edges.min() > 200


def test_the_preview_shows_how_sure_each_length_is() -> None:
    def pale(spread: float) -> int:
        page = pixels(draw_preview(said(KEYS, spread=spread))).astype(int)
        band = np.array([255 - (255 - part) // 4 for part in style.LEFT])
        return int((np.abs(page - band).max(axis=2) < 6).sum())

    assert pale(0.15) > 2 * pale(0.03) > 0


def test_the_same_estimate_gives_the_same_file() -> None:
    assert draw_preview(said(KEYS)) == draw_preview(said(KEYS))
