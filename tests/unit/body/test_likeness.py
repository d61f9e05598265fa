"""What is the same in copies of a photo, and differs in other photos."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from support.body.turning import HEIGHT, STANDING, WIDTH, seen

from avatarrig.body.evidence.geometry import mirrored
from avatarrig.body.likeness import LOOK_LENGTH, MOST, POSE_LENGTH, is_look, pose_likeness
from avatarrig.detectors.likeness import look_of

Floats = np.ndarray
Picture = tuple[Floats, Floats, Floats]
"""Pixels (h, w, 3), landmarks (33, 5), world landmarks (33, 3)."""


def picture(seed: int) -> Picture:
    """Blotches of light and dark, and somebody who stands in them."""
    random = np.random.default_rng(seed)
    blotches = random.integers(0, 255, (8, 6, 3)).astype(np.uint8)
    pixels = cv2.resize(blotches, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    pose, world = seen(seed)
    return pixels, pose.astype(np.float32), world.astype(np.float32)


def cropped(one: Picture) -> Picture:
    pixels, pose, world = one
    left, top, right, bottom = 40, 60, WIDTH - 20, HEIGHT - 50
    moved = pose.copy()
    moved[:, 0] = (pose[:, 0] * WIDTH - left) / (right - left)
    moved[:, 1] = (pose[:, 1] * HEIGHT - top) / (bottom - top)
    return pixels[top:bottom, left:right], moved, world


def scaled(one: Picture) -> Picture:
    return cv2.resize(one[0], None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA), *one[1:]


def filtered(one: Picture) -> Picture:
    return np.clip(one[0] * 0.7 + 30, 0, 255).astype(np.uint8), *one[1:]


def in_a_mirror(one: Picture) -> Picture:
    pose, world = mirrored(one[1][None], one[2][None])
    pixels = np.ascontiguousarray(one[0][:, ::-1])
    return pixels, pose[0].astype(np.float32), world[0].astype(np.float32)


def squares(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    return float(np.mean((np.array(one) - other) ** 2))


@pytest.mark.parametrize("copy", [cropped, scaled, filtered, in_a_mirror])
def test_a_copy_looks_like_its_original_and_others_do_not(
    copy: Callable[[Picture], Picture],
) -> None:
    looks = [look_of(*picture(seed)) for seed in range(4)]
    for seed, look in enumerate(looks):
        assert is_look(look)
        own = squares(look, look_of(*copy(picture(seed))))
        assert own < 0.5
        assert all(own < squares(look, other) for other in looks if other is not look)


def test_a_mirror_does_not_change_the_pose() -> None:
    for seed in range(4):
        _, _, world = picture(seed)
        assert pose_likeness(in_a_mirror(picture(seed))[2]) == pose_likeness(world)


def test_another_pose_is_told() -> None:
    raised = STANDING.copy()
    raised[15:17, 1] = -0.7
    assert squares(pose_likeness(STANDING), pose_likeness(raised)) > 10


def test_landmarks_that_are_no_numbers_tell_something_all_the_same() -> None:
    pose = pose_likeness(np.full((33, 3), np.nan))
    assert len(pose) == POSE_LENGTH
    assert all(0 <= number <= MOST for number in pose)
    pixels, landmarks, world = picture(0)
    assert look_of(pixels, landmarks, np.full_like(world, np.nan)) == ()
    assert look_of(pixels, np.full_like(landmarks, np.nan), world) == ()
    assert look_of(pixels, landmarks, np.zeros_like(world)) == ()


def test_somebody_at_the_edge_or_far_outside_has_a_look() -> None:
    pixels, landmarks, world = picture(0)
    landmarks[:, 0] += 0.5
    assert len(look_of(pixels, landmarks, world)) == LOOK_LENGTH


def test_a_look_costs_a_fraction_of_a_millisecond_whatever_the_size() -> None:
    pixels, landmarks, world = picture(0)
    large = np.tile(pixels, (4, 5, 1))
    started = time.process_time()
    for _ in range(50):
        look_of(large, landmarks, world)
    assert (time.process_time() - started) / 50 < 0.002
