"""Proportions of a face, over photos."""

from __future__ import annotations

import pytest
from support.body.faces import SIZE, face

from avatarrig.body.face import RATIOS, face_ratios


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


def test_more_photos_narrow_the_interval() -> None:
    widths = []
    for count in (8, 120):
        faces = [(face(noise=0.02, seed=n), *SIZE) for n in range(count)]
        low, high = face_ratios(faces)["jaw_to_width"].interval
        widths.append(high - low)
    assert widths[1] < widths[0] / 2
