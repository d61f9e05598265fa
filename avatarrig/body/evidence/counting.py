"""Which photos count in an estimate, and why the others do not: the one place that decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from avatarrig.body.evidence.current_evidence import check_evidence, unchecked_evidence
from avatarrig.body.evidence.learned import learned_of
from avatarrig.body.refused import LearnedRefusedError, StateRefusedError
from avatarrig.wire import Evidence, Observation
from avatarrig.wire.reasons import Exclusion


class Counted(msgspec.Struct, frozen=True):
    """The photo counts, with what it says about bone lengths."""

    evidence: Evidence


class Excluded(msgspec.Struct, frozen=True):
    """The photo does not count."""

    reason: Exclusion


_EXCLUDED: Final = {
    Exclusion.DUPLICATE.value: Exclusion.DUPLICATE,
    **{reason.words: reason for reason in Exclusion},
}
"""What an observation says where it is excluded, to the reason."""


class Learnt(Protocol):
    """Evidence, of which only its origin is asked."""

    @property
    def learned(self) -> str:
        """Version of what was learned."""


class Seen(Protocol):
    """What of an observation tells whether it counts; see `Observation`."""

    @property
    def excluded(self) -> str | None:
        """Why the photo does not count, where the rest does not tell."""

    @property
    def ambiguous(self) -> bool:
        """Whether it was a toss-up who the subject is."""

    @property
    def pose(self) -> object | None:
        """Landmarks; None where nobody was found."""

    @property
    def world(self) -> object | None:
        """Landmarks in space; None where nobody was found."""

    @property
    def meta(self) -> Mapping[str, float | str | None]:
        """Quality metrics by their documented names."""

    @property
    def evidence(self) -> Learnt | None:
        """What it says about bone lengths; None where it says nothing."""


class CountingRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a photo needs to count.

    The rule only keeps out poses that are not of the person at all. A photo that shows half a
    body, or shows it badly, counts: its evidence knows how little it says. The prototype's
    stricter rule leaves out a fifth of the photos of rendered people and raises the error of
    their ratios by 2 to 8 %.

    Attributes:
        min_inmask: Least share of visible joints that lie on the person mask.
        max_oob: Largest share of the 13 quality joints that may lie outside the photo.
        min_bones: Fewest well-seen bones; a single one has no ratio.
    """

    min_inmask: float = 0.60
    max_oob: float = 0.70
    min_bones: int = 2


DEFAULT_RULE: Final = CountingRule()


def judge(observation: Observation, rule: CountingRule = DEFAULT_RULE) -> Counted | Excluded:
    """Decides whether a photo counts.

    A metric that the detector could not compute (no mask, for example) holds nothing against
    the photo.

    Raises:
        StateRefusedError: The evidence does not hold what evidence holds.
    """
    verdict = _checked(_unchecked(observation, rule))
    if isinstance(verdict, StateRefusedError):
        raise verdict
    return verdict


def judge_all(
    observations: Sequence[Observation], rule: CountingRule = DEFAULT_RULE
) -> list[Counted | Excluded | StateRefusedError]:
    """Decides of many photos at once, which costs less than to `judge` each.

    Returns:
        What `judge` gives or raises, photo by photo.
    """
    verdicts = [_unchecked(observation, rule) for observation in observations]
    try:
        check_evidence(verdict.evidence for verdict in verdicts if isinstance(verdict, Counted))
    except StateRefusedError:  # of whom, is found out one by one
        return [_checked(verdict) for verdict in verdicts]
    return list(verdicts)


def possible(observations: Sequence[Observation]) -> list[Observation]:
    """Leaves out photos whose evidence no photo gives: aggregators reject them as well."""
    verdicts = judge_all(observations)
    return [
        seen
        for seen, verdict in zip(observations, verdicts, strict=True)
        if not isinstance(verdict, StateRefusedError)
    ]


def _unchecked(observation: Observation, rule: CountingRule) -> Counted | Excluded:
    reason = why_not(observation, rule)
    if reason is not None:
        return Excluded(reason)
    evidence = unchecked_evidence(observation)
    return Excluded(Exclusion.NO_EVIDENCE) if evidence is None else Counted(evidence)


def _checked(verdict: Counted | Excluded) -> Counted | Excluded | StateRefusedError:
    if isinstance(verdict, Counted):
        try:
            check_evidence([verdict.evidence])
        except StateRefusedError as error:
            return error
    return verdict


def why_not(observation: Seen, rule: CountingRule = DEFAULT_RULE) -> Exclusion | None:
    """Tells why a photo does not count, without making sure that its evidence is possible.

    It is for those who show many photos. What no photo gives, `judge` refuses.

    Returns:
        The reason; None where the photo counts.
    """
    reason = _excluded_unseen(observation) or _poor_pose(observation, rule)
    if reason is not None:
        return reason
    if observation.evidence is None:
        return Exclusion.NO_EVIDENCE
    try:
        learned_of(observation.evidence.learned)
    except LearnedRefusedError:
        return Exclusion.NO_WEIGHTS
    return None


def _excluded_unseen(observation: Seen) -> Exclusion | None:
    if observation.excluded is not None:
        return _EXCLUDED.get(observation.excluded.partition(" of ")[0], Exclusion.ON_REQUEST)
    if observation.pose is None or observation.world is None:
        return Exclusion.NO_PERSON
    return Exclusion.AMBIGUOUS if observation.ambiguous else None


def _poor_pose(observation: Seen, rule: CountingRule) -> Exclusion | None:
    inmask = _number(observation, "pose_inmask_ratio")
    if inmask is not None and inmask < rule.min_inmask:
        return Exclusion.OFF_MASK
    oob = _number(observation, "pose_oob_ratio")
    if oob is not None and oob > rule.max_oob:
        return Exclusion.OUT_OF_FRAME
    bones = _number(observation, "pose_supported_bones")
    if bones is not None and bones < rule.min_bones:
        return Exclusion.TOO_FEW_BONES
    return None


def _number(observation: Seen, metric: str) -> float | None:
    value = observation.meta.get(metric)
    return value if isinstance(value, int | float) else None
