"""Evidence as this program's weights make it, whatever version a record carries."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from avatarrig.body.evidence.evidence import check_possible, evidence_from_landmarks
from avatarrig.body.evidence.face import with_face
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.ratios import SHOWN_KEYS
from avatarrig.body.refused import LearnedRefusedError, StateRefusedError
from avatarrig.body.sums.histogram import HIGHEST_BIN, LOWEST_BIN

if TYPE_CHECKING:
    from avatarrig.body.evidence.learned import Learned
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
    evidence = observation.evidence
    if evidence is None:
        return None
    learned = load_learned(evidence.learned.rpartition("-")[0])
    if evidence.learned == learned.version:
        return _checked(evidence, learned)
    if observation.pose is None or observation.world is None:
        return None
    again = evidence_from_landmarks(
        observation.pose.unpack(),
        observation.world.unpack(),
        observation.width,
        observation.height,
        learned=learned,
    )
    return None if again is None else _checked(with_face(again, observation), learned)


def slim(observation: Observation) -> Observation:
    """Leaves out the points of the face: what they tell stays, as evidence."""
    with contextlib.suppress(LearnedRefusedError, StateRefusedError):  # it will not count
        evidence = current_evidence(observation)
        observation = msgspec.structs.replace(observation, evidence=evidence)
    return msgspec.structs.replace(observation, face=None, blendshapes=None)


def _checked(evidence: Evidence, learned: Learned) -> Evidence:
    check_possible(evidence, learned)
    low, high = min(bins := {0, *evidence.ratios.values()}), max(bins)
    if not _KEYS.issuperset(evidence.ratios) or low < LOWEST_BIN or high > HIGHEST_BIN:
        raise StateRefusedError("evidence holds a ratio that no photo gives")
    return evidence
