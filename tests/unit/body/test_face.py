"""Proportions of a face, over photos."""

from __future__ import annotations

import numpy as np
import pytest

from avatarrig.body.face import RATIOS, face_ratios

SIZE = (800, 600)


def face(yaw: float = 0.0, jaw: float = 0.8, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """A face 100 pixels wide and 130 high, turned by some degrees."""
    points = np.zeros((478, 3))
    points[10], points[152] = (0, -65, 0), (0, 65, 0)
    points[234], points[454] = (-50, 0, 0), (50, 0, 0)
    points[172], points[397] = (-50 * jaw, 40, 0), (50 * jaw, 40, 0)
    points[468], points[473] = (-22, -10, 0), (22, -10, 0)
    points += np.random.default_rng(seed).normal(0, 100 * noise, points.shape)
    angle = np.radians(yaw)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    places = points @ turn.T + [400, 300, 0]
    return places / [SIZE[0], SIZE[1], SIZE[0]]


@pytest.mark.parametrize("yaw", [0, 12, -25])
def test_ratios_do_not_depend_on_how_the_head_is_turned(yaw: float) -> None:
    found = face_ratios([(face(yaw), *SIZE)])
    assert found.keys() == RATIOS.keys()
    assert found["height_to_width"].value == pytest.approx(1.3, abs=1e-3)
    assert found["eye_distance_to_width"].value == pytest.approx(0.44, abs=1e-3)
    assert found["jaw_to_width"].value == pytest.approx(0.8, abs=1e-3)


def test_faces_in_profile_do_not_count() -> None:
    assert face_ratios([(face(60), *SIZE), (face(-45), *SIZE)]) == {}
    assert face_ratios([(face(60), *SIZE), (face(5), *SIZE)])["jaw_to_width"].n == 1


def test_intervals_contain_the_median_as_often_as_they_say() -> None:
    inside = 0
    for seed in range(200):
        faces = [(face(noise=0.02, seed=100 * seed + n), *SIZE) for n in range(15)]
        low, high = face_ratios(faces)["height_to_width"].interval
        inside += low <= 1.3 <= high
    assert 170 <= inside <= 200


def test_more_photos_narrow_the_interval() -> None:
    widths = []
    for count in (8, 120):
        faces = [(face(noise=0.02, seed=n), *SIZE) for n in range(count)]
        low, high = face_ratios(faces)["jaw_to_width"].interval
        widths.append(high - low)
    assert widths[1] < widths[0] / 2
