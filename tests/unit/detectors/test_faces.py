"""Faces as numbers: laid straight, compared, and matched with poses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.body.people import LEFT, MIDDLE, mask_of, person
from support.observed import observation

from avatarrig.body.evidence.counting import Excluded, judge
from avatarrig.body.recognition import (
    MARGIN,
    NOT_TAKEN,
    SMALL,
    TAKEN,
    TAKEN_SMALL,
    TINY,
    Compared,
    Verdict,
    recognise,
)
from avatarrig.detectors.by_face import Identified, mask_of_one
from avatarrig.detectors.faces.align import PLACES, SIDE, align, similarity
from avatarrig.detectors.faces.finding import Face
from avatarrig.detectors.faces.person import crops, nearest
from avatarrig.detectors.faces.template import Template, TemplateRefusedError
from avatarrig.detectors.who import Box, choose_subject
from avatarrig.wire.reasons import Exclusion

WIDE = 100.0


def unit(seed: int) -> np.ndarray:
    numbers = np.random.default_rng(seed).normal(size=128)
    return (numbers / np.linalg.norm(numbers)).astype(np.float32)


def face_of(box: Box, width: int = 1000, height: int = 1000) -> Face:
    """The face of somebody who stands in a box, as the finder would report it."""
    points = person(box).landmarks[[5, 2, 0, 10, 9], :2] * (width, height)
    across, down = points.mean(axis=0)
    size = 0.12 * (box.right - box.left) * width
    return Face(across - size / 2, down - size / 2, size, size, points.astype(np.float32), 0.9)


@given(
    angle=st.floats(-np.pi, np.pi),
    scale=st.floats(0.05, 20),
    shift=st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000)),
)
def test_a_turned_scaled_and_shifted_face_is_laid_straight(
    angle: float, scale: float, shift: tuple[float, float]
) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = PLACES @ turn.T * scale + shift
    matrix = similarity(points)
    there = points @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(there, PLACES, atol=1e-5)


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    matrix = similarity(PLACES * (-1, 1))
    assert np.linalg.det(matrix[:, :2]) > 0


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((5, 2), np.nan)])
def test_points_that_are_no_face_are_refused(points: np.ndarray) -> None:
    with pytest.raises(ValueError, match="five points"):
        similarity(points)


def test_an_aligned_face_shows_the_picture_where_its_points_lie() -> None:
    picture = np.zeros((400, 300, 3), np.uint8)
    points = PLACES * 2 + (40, 60)
    for across, down in points.astype(int):
        picture[down - 3 : down + 4, across - 3 : across + 4] = 255
    aligned = align(picture, points)
    assert aligned.shape == (SIDE, SIDE, 3)
    assert all(aligned[round(down), round(across)].min() > 200 for across, down in PLACES)


def test_a_template_is_most_like_the_faces_it_was_made_of() -> None:
    mine, other = [unit(1), unit(2), unit(3)], unit(4)
    template = Template.mean(mine)
    assert min(template.likeness(face) for face in mine) > 0.4 > template.likeness(other)
    assert Template.mean([unit(1)]).likeness(unit(1)) == pytest.approx(1, abs=1e-3)


def test_the_order_of_references_changes_nothing() -> None:
    faces = [unit(1), unit(2), unit(3)]
    assert Template.mean(faces) == Template.mean(faces[::-1])


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 256, unit(1).astype("<f4").tobytes(), np.full(128, 9, "<f2").tobytes()]
)
def test_bytes_that_are_no_template_are_refused(data: bytes) -> None:
    with pytest.raises(TemplateRefusedError):
        Template(data).check()
    Template.mean([unit(1)]).check()


def test_one_face_like_the_template_is_the_subjects() -> None:
    found = recognise([Compared(0.1, WIDE), Compared(TAKEN, WIDE), Compared(0.2, WIDE)])
    assert (found.verdict, found.face, found.likeness) == (Verdict.SUBJECT, 1, TAKEN)


def test_faces_unlike_the_template_are_somebody_elses() -> None:
    found = recognise([Compared(0.1, WIDE), Compared(NOT_TAKEN - 0.01, WIDE)])
    assert (found.verdict, found.face) == (Verdict.SOMEBODY_ELSE, None)


@pytest.mark.parametrize(
    "faces",
    [
        [],
        [Compared((TAKEN + NOT_TAKEN) / 2, WIDE)],
        [Compared(0.7, WIDE), Compared(0.7 - MARGIN / 2, WIDE)],
        [Compared(0.9, TINY - 1)],
        [Compared(0.1, WIDE), Compared(-1.0, TINY - 1)],
        [Compared((TAKEN + TAKEN_SMALL) / 2, SMALL - 1)],
    ],
    ids=["none", "in between", "two alike", "tiny", "one is tiny", "small and not alike enough"],
)
def test_what_is_not_sure_is_not_taken(faces: list[Compared]) -> None:
    found = recognise(faces)
    assert (found.verdict, found.face) == (Verdict.UNSURE, None)


@given(
    st.lists(
        st.builds(Compared, st.floats(-1, 1, width=32), st.floats(1, 4000, width=32)), max_size=8
    )
)
def test_nobody_is_taken_who_is_not_alike_enough_wide_enough_and_alone(
    faces: list[Compared],
) -> None:
    found = recognise(faces)
    if found.face is None:
        assert found.verdict is not Verdict.SUBJECT
        return
    taken = faces[found.face]
    others = [face for index, face in enumerate(faces) if index != found.face]
    assert taken.width >= TINY
    assert taken.likeness >= TAKEN
    assert all(other.likeness < taken.likeness for other in others if other.width >= TINY)


def test_the_pose_that_has_the_face_is_found() -> None:
    boxes = [Box(0.02, 0.1, 0.3, 0.9), Box(0.35, 0.1, 0.65, 0.9)]
    poses = [person(box).landmarks for box in boxes]
    assert [nearest(poses, face_of(box), 1000, 1000) for box in boxes] == [0, 1]
    assert nearest(poses, face_of(Box(0.7, 0.1, 0.98, 0.9)), 1000, 1000) is None
    assert nearest([], face_of(boxes[0]), 1000, 1000) is None
    # A head between two people, such as a pose has that is put together from both.
    beside = face_of(boxes[0]).moved(1.0, 0.62 * face_of(boxes[0]).width, 0.0)
    assert nearest(poses, beside, 1000, 1000) is None


@given(st.floats(-50, 1050), st.floats(-50, 850), st.floats(5, 900), st.sampled_from([(1000, 800)]))
def test_crops_around_a_face_lie_in_the_picture(
    left: float, top: float, size: float, picture: tuple[int, int]
) -> None:
    face = Face(left, top, size, size * 1.3, np.zeros((5, 2), np.float32), 0.9)
    for box in crops(face, *picture):
        assert 0 <= box.left <= 1
        assert 0 <= box.top <= 1
        assert box.left <= box.right <= 1
        assert box.top <= box.bottom <= 1


def test_the_mask_of_one_person_leaves_the_others_out() -> None:
    both = mask_of(MIDDLE, LEFT)
    choice = choose_subject([MIDDLE, LEFT])
    assert choice.subject is MIDDLE
    alone = mask_of_one(both, Identified(Verdict.SUBJECT, 0.9, choice), (1000, 1000))
    assert alone.covers(MIDDLE.landmarks[11:, :2]).mean() > 0.9
    assert not alone.covers(LEFT.landmarks[:, :2]).any()
    nobody_else = Identified(Verdict.SUBJECT, 0.9, choose_subject([MIDDLE]))
    assert mask_of_one(both, nobody_else, (1000, 1000)) is both


def test_the_head_of_a_stranger_without_a_pose_is_off_the_mask() -> None:
    whole = mask_of(MIDDLE, LEFT)
    stranger = face_of(Box(0.02, 0.1, 0.3, 0.9))
    alone = mask_of_one(
        whole,
        Identified(Verdict.SUBJECT, 0.9, choose_subject([MIDDLE]), (stranger,)),
        (1000, 1000),
    )
    assert not alone.covers(LEFT.landmarks[:11, :2]).any()
    assert alone.covers(MIDDLE.landmarks[11:, :2]).mean() > 0.9


def test_what_an_observation_says_of_whom_it_shows_is_a_reason_of_its_own() -> None:
    somebody, unsure = (
        observation(1, excluded=str(verdict)) for verdict in (Verdict.SOMEBODY_ELSE, Verdict.UNSURE)
    )
    assert judge(somebody) == Excluded(Exclusion.SOMEBODY_ELSE)
    assert judge(unsure) == Excluded(Exclusion.UNSURE)
