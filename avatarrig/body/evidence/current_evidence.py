"""Evidence as this program's weights make it, whatever version a record carries."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from avatarrig.body.evidence.evidence import check_possible, evidence_from_landmarks
from avatarrig.body.evidence.face import with_face
from avatarrig.body.evidence.learned import learned_of
from avatarrig.body.ratios import SHOWN_KEYS
from avatarrig.body.refused import LearnedRefusedError, StateRefusedError
from avatarrig.body.sums.histogram import HIGHEST_BIN, LOWEST_BIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from avatarrig.wire import Evidence, Observation

_KEYS = frozenset(SHOWN_KEYS)


def current_evidence(observation: Observation) -> Evidence | None:
    """Returns a photo's evidence in the version of the weights that are installed.

    A record of another version is evaluated again from its landmarks.

    Args:
        observation: What the detector saw.

    Returns:
        The evidence; None where the photo says nothing.

    Raises:
        LearnedRefusedError: Nothing was learned for the pose model that saw the photo.
        StateRefusedError: The evidence does not hold what evidence holds.
    """
    evidence = unchecked_evidence(observation)
    if evidence is not None:
        check_evidence([evidence])
    return evidence


def unchecked_evidence(observation: Observation) -> Evidence | None:
    """The same, for those who have `check_evidence` look at many photos at once.

    Raises:
        LearnedRefusedError: Nothing was learned for the pose model that saw the photo.
    """
    evidence = observation.evidence
    if evidence is None:
        return None
    learned = learned_of(evidence.learned)
    if evidence.learned == learned.version:
        return evidence
    if observation.pose is None or observation.world is None:
        return None
    again = evidence_from_landmarks(
        observation.pose.unpack(),
        observation.world.unpack(),
        observation.width,
        observation.height,
        learned=learned,
    )
    return None if again is None else with_face(again, observation)


def check_evidence(photos: Iterable[Evidence]) -> None:
    """Checks that evidence of the installed versions is such as photos give.

    Raises:
        StateRefusedError: That of one is not; it does not say whose.
    """
    by_version: dict[str, list[Evidence]] = defaultdict(list)
    bins = {0}
    for evidence in photos:
        bins.update(evidence.ratios.values())
        if not evidence.ratios.keys() <= _KEYS:
            raise StateRefusedError("evidence holds a ratio that no photo gives")
        by_version[evidence.learned].append(evidence)
    if min(bins) < LOWEST_BIN or max(bins) > HIGHEST_BIN:
        raise StateRefusedError("evidence holds a ratio that no photo gives")
    for version, same in by_version.items():
        check_possible(same, learned_of(version))


def slim(observation: Observation) -> Observation:
    """Leaves out the points of the face: what they tell stays, as evidence."""
    with contextlib.suppress(LearnedRefusedError, StateRefusedError):  # it will not count
        evidence = current_evidence(observation)
        observation = msgspec.structs.replace(observation, evidence=evidence)
    return msgspec.structs.replace(observation, face=None, blendshapes=None)
