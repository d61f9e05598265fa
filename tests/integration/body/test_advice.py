"""Which photo to take next."""

from __future__ import annotations

import numpy as np
import pytest
from support.body.standing import BODY, photo, tally_of

from avatarrig.body.advice import (
    Advice,
    Framing,
    Kind,
    View,
    advise,
    kind_of,
    ranked,
    typical_kinds,
)
from avatarrig.body.estimate import estimate
from avatarrig.body.evidence.counting import Counted, judge
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.landmarks import LEFT_ANKLE, LEFT_HIP, LEFT_KNEE, RIGHT_ANKLE, RIGHT_KNEE
from avatarrig.body.levels import Cell
from avatarrig.body.solver.person import imagine, solve_moments, weighed
from avatarrig.body.sums.evidence_sum import EvidenceSum
from avatarrig.body.sums.tally import Tally

LEARNED = load_learned()


def cells(count: int) -> list[Cell]:
    made = []
    for number in range(count):
        counted = judge(photo(number, BODY))
        assert isinstance(counted, Counted)
        total = EvidenceSum()
        total.add(counted.evidence)
        made.append(Cell(total, moment=number, session=number))
    return made


def seen(number: int = 0) -> tuple[np.ndarray, np.ndarray]:
    observation = photo(number, BODY)
    assert observation.pose is not None
    assert observation.world is not None
    pose = observation.pose.unpack().astype(float)
    pose[:, :2] = np.clip(pose[:, :2], 0.01, 0.99)
    pose[:, 3:] = 1.0
    return pose, observation.world.unpack().astype(float)


@pytest.mark.parametrize(
    ("hidden", "framing"),
    [
        ((), Framing.FULL),
        ((LEFT_ANKLE,), Framing.KNEES),
        ((LEFT_ANKLE, RIGHT_ANKLE, LEFT_KNEE), Framing.KNEES),
        ((LEFT_ANKLE, RIGHT_ANKLE, LEFT_KNEE, RIGHT_KNEE), Framing.UPPER),
    ],
)
def test_the_framing_is_told_by_what_is_seen(hidden: tuple[int, ...], framing: Framing) -> None:
    pose, world = seen()
    pose[list(hidden), 3] = 0.1
    found = kind_of(pose, world)
    assert found is not None
    assert found.framing is framing


@pytest.mark.parametrize(
    ("turn", "view"), [(0, View.FRONT), (90, View.SIDE), (180, View.BACK), (-90, View.SIDE)]
)
def test_the_view_is_told_by_the_shoulders(turn: int, view: View) -> None:
    pose, world = seen()
    world[11] = (np.cos(np.radians(turn)), 0.0, np.sin(np.radians(turn)))
    world[12] = -world[11]
    found = kind_of(pose, world)
    assert found is not None
    assert found.view is view


def test_a_limb_that_points_at_the_camera_is_not_straight() -> None:
    pose, world = seen()
    world[:] = np.arange(33)[:, None] * np.array([0.1, 0.2, 0.0])
    upright = kind_of(pose, world)
    world[LEFT_KNEE] = world[LEFT_HIP] + (0.0, 0.0, 0.4)
    pointing = kind_of(pose, world)
    assert upright is not None
    assert pointing is not None
    assert (upright.straight, pointing.straight) == (True, False)


def test_without_shoulders_there_is_no_kind() -> None:
    pose, world = seen()
    pose[[11, 12], 3] = 0.1
    assert kind_of(pose, world) is None


def test_imagined_photos_narrow_the_estimate() -> None:
    there = cells(4)
    added = np.array([np.zeros((6, 6)), 50 * np.eye(6)])
    plain, narrowed = imagine(weighed(there, LEARNED), added, LEARNED)
    assert plain == pytest.approx(solve_moments(there, LEARNED).covariance)
    assert np.trace(narrowed) < np.trace(plain)


def test_advice_narrows_and_says_so_in_a_sentence() -> None:
    advice = advise(weighed(cells(3), LEARNED), LEARNED)
    assert advice is not None
    assert advice.then < advice.now
    assert advice.words.startswith("two ")
    assert f"± {100 * advice.then:.0f} %" in advice.words


def test_the_kind_that_is_advised_ranks_first() -> None:
    there = weighed(cells(3), LEARNED)
    advice = advise(there, LEARNED, photos=1)
    assert advice is not None
    first = ranked(there, LEARNED)[0]
    assert first == Kind(advice.framing, advice.view, advice.straight)
    assert len(ranked(there, LEARNED)) == len(typical_kinds())


def test_an_estimate_says_which_photos_would_tell_most() -> None:
    tally = tally_of(3, BODY)
    advice = advise(weighed(tally.cells(), LEARNED), LEARNED)
    assert advice is not None
    assert estimate(tally).advice == advice.words
    assert not estimate(Tally.empty()).advice


def test_the_more_photos_there_are_the_less_is_to_be_gained() -> None:
    few, many = (advise(weighed(cells(count), LEARNED), LEARNED) for count in (2, 150))
    assert few is not None
    gain = 0.0 if many is None else 1 - many.then / many.now
    assert gain < 1 - few.then / few.now


def test_with_no_photo_at_all_a_whole_body_from_the_front_tells_most() -> None:
    advice = advise(weighed([], LEARNED), LEARNED)
    assert advice is not None
    assert (advice.framing, advice.view) == (Framing.FULL, View.FRONT)


@pytest.mark.parametrize(("photos", "begin"), [(1, "one full-body photo from"), (7, "7 full-body")])
def test_numbers_are_written_as_people_do(photos: int, begin: str) -> None:
    advice = Advice(
        photos=photos, framing=Framing.FULL, view=View.BACK, straight=False, bone="hip", now=0.2,
        then=0.1,
    )  # fmt: skip
    assert advice.words.startswith(begin)
    assert "from behind" in advice.words


def test_what_is_typical_is_known_for_each_framing_and_view() -> None:
    kinds = [one.kind for one in typical_kinds()]
    assert len(set(kinds)) == len(kinds)
    assert {(kind.framing, kind.view) for kind in kinds} == {
        (framing, view) for framing in Framing for view in View
    }
    for one in typical_kinds():
        assert np.linalg.eigvalsh(one.matrix()).min() > -1e-6
        assert isinstance(one.kind, Kind)
