"""Proportions of a face, over photos."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from support.body.standing import BODY, SIZE, photo

from avatarrig.body.blendshapes import BLENDSHAPE_NAMES
from avatarrig.body.estimate import estimate
from avatarrig.body.evidence.current_evidence import current_evidence, slim
from avatarrig.body.evidence.face import face_bins, with_face
from avatarrig.body.face import face_ratios
from avatarrig.body.ratios import FACE_KEYS
from avatarrig.body.sums.histogram import value_of
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Observation, PackedArray
from avatarrig.wire.estimate import FACE_RATIOS


def face(yaw: float = 0.0, jaw: float = 0.8, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """A face 100 pixels wide and 130 high, turned by some degrees."""
    points = np.zeros((478, 3))
    points[10], points[152] = (0, -65, 0), (0, 65, 0)
    points[234], points[454] = (-50, 0, 0), (50, 0, 0)
    points[172], points[397] = (-50 * jaw, 40, 0), (50 * jaw, 40, 0)
    points[468], points[473] = (-22, -10, 0), (22, -10, 0)
    points[168], points[2] = (0, -15, -5), (0, 20, -5)
    points[61], points[291] = (-20, 35, 0), (20, 35, 0)
    points += np.random.default_rng(seed).normal(0, 100 * noise, points.shape)
    angle = np.radians(yaw)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    places = points @ turn.T + [480, 640, 0]
    shares: np.ndarray = places / [SIZE[0], SIZE[1], SIZE[0]]
    return shares


def scores(**moving: float) -> np.ndarray:
    return np.array([moving.get(name, 0.0) for name in BLENDSHAPE_NAMES], np.float32)


def with_points(number: int, points: np.ndarray, moving: np.ndarray | None = None) -> Observation:
    """A photo of the standing figure, six hours from the next, with this face."""
    seen = photo(
        number,
        BODY,
        face=PackedArray.pack(points),
        blendshapes=PackedArray.pack(scores() if moving is None else moving),
    )
    assert seen.evidence is not None
    return msgspec.structs.replace(seen, evidence=with_face(seen.evidence, seen))


def tallied(*photos: Observation) -> Tally:
    tally = Tally.empty()
    for each in photos:
        tally.add(each)
    return tally


@pytest.mark.parametrize("yaw", [0, 12, -25])
def test_ratios_do_not_depend_on_how_the_head_is_turned(yaw: float) -> None:
    bins = face_bins(face(yaw), scores(), *SIZE)
    assert set(bins) == set(FACE_KEYS)
    assert value_of(bins["face_height_to_width"]) == pytest.approx(1.3, rel=0.006)
    assert value_of(bins["face_eye_distance_to_width"]) == pytest.approx(0.44, rel=0.006)
    assert value_of(bins["face_jaw_to_width"]) == pytest.approx(0.8, rel=0.006)
    assert value_of(bins["face_nose_length_to_width"]) == pytest.approx(0.35, rel=0.006)
    assert value_of(bins["face_mouth_to_width"]) == pytest.approx(0.4, rel=0.006)


def test_faces_in_profile_and_without_numbers_do_not_count() -> None:
    broken = face()
    broken[10] = np.nan
    for points in (face(60), face(-45), broken, np.zeros((478, 3))):
        assert face_bins(points, scores(), *SIZE) == {}


def test_what_an_expression_moves_does_not_count_and_the_rest_does() -> None:
    open_mouth = face_bins(face(), scores(jawOpen=0.6), *SIZE)
    assert set(open_mouth) == {"face_eye_distance_to_width", "face_nose_length_to_width"}
    smiling = face_bins(face(), scores(mouthSmileLeft=0.8, mouthSmileRight=0.7), *SIZE)
    assert set(FACE_KEYS) - set(smiling) == {"face_mouth_to_width"}
    assert set(face_bins(face(), None, *SIZE)) == set(FACE_KEYS), "where nothing tells expressions"


def test_a_face_is_in_the_estimate_with_its_interval() -> None:
    photos = [with_points(n, face(noise=0.02, seed=n, yaw=n % 20)) for n in range(40)]
    made = estimate(tallied(*photos))
    assert made.face.keys() == FACE_RATIOS.keys()
    jaw = made.face["jaw_to_width"]
    assert jaw.interval[0] < 0.8 < jaw.interval[1]
    assert jaw.n == 40
    assert jaw.moments <= jaw.n
    few = estimate(tallied(*photos[:5])).face["jaw_to_width"]
    assert few.interval[1] - few.interval[0] > 1.5 * (jaw.interval[1] - jaw.interval[0])
    assert estimate(tallied(photo(1, BODY))).face == {}


def test_frames_of_a_moment_do_not_narrow_it() -> None:
    one = tallied(*(with_points(n, face(noise=0.02, seed=n)) for n in range(60)))
    as_many, two = (face_ratios(one, moments)["jaw_to_width"] for moments in (60.0, 2.0))
    assert two.value == as_many.value
    assert two.moments == 2
    assert two.interval[1] - two.interval[0] > 2 * (as_many.interval[1] - as_many.interval[0])


def test_intervals_contain_what_all_photos_would_say_as_often_as_they_say() -> None:
    inside = 0
    for seed in range(30):
        photos = Tally.empty()
        for number in range(12):
            bins = face_bins(face(noise=0.03, seed=100 * seed + number), scores(), *SIZE)
            shown = photo(number, BODY)
            assert shown.evidence is not None
            evidence = msgspec.structs.replace(shown.evidence, ratios=bins)
            photos.add(msgspec.structs.replace(shown, evidence=evidence))
        low, high = face_ratios(photos, 12.0)["height_to_width"].interval
        inside += low <= 1.3 <= high
    assert inside >= 26


def test_photos_of_another_version_tell_of_the_face_too_and_without_its_points() -> None:
    seen = with_points(3, face())
    assert seen.evidence is not None
    old = msgspec.structs.replace(
        seen, evidence=msgspec.structs.replace(seen.evidence, learned="full-0", ratios={})
    )
    assert current_evidence(old) == current_evidence(seen)
    carried = slim(old)
    assert carried.face is None
    assert carried.blendshapes is None
    assert tallied(carried) == tallied(old) == tallied(seen)
    assert tallied(old, with_points(4, face(5))).subtract(carried) == tallied(
        with_points(4, face(5))
    )
    assert slim(msgspec.structs.replace(old, evidence=None)).evidence is None
