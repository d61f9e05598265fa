"""How often the intervals of a face's proportions are right."""

from __future__ import annotations

from support.body.faces import SIZE, face

from avatarrig.body.face import face_ratios


def test_intervals_contain_the_median_as_often_as_they_say() -> None:
    inside = 0
    for seed in range(200):
        faces = [(face(noise=0.02, seed=100 * seed + n), *SIZE) for n in range(15)]
        low, high = face_ratios(faces)["height_to_width"].interval
        inside += low <= 1.3 <= high
    assert 170 <= inside <= 200
