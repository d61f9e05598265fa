"""The estimator for programs: observations in, an estimate out, no broker needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avatarrig.body.advice import Advice, advise
from avatarrig.body.estimate import EstimateOptions, estimate
from avatarrig.body.evidence.learned import learned_of, load_learned
from avatarrig.body.solver.person import weighed
from avatarrig.body.sums.tally import Tally
from avatarrig.wire.estimate import Estimate

if TYPE_CHECKING:
    from typing import Self

    from avatarrig.body.evidence.learned import Learned
    from avatarrig.body.solver.doubt import Weighed
    from avatarrig.wire import Observation


class Estimator:
    """Estimates one subject's proportions from observations.

    Estimators of the same subject add up: split the observations over machines, add the
    estimators, and the result is that of one estimator, bit for bit.

    Example:
        >>> from avatarrig import Estimator, load_run
        >>> estimator = Estimator()
        >>> for observation in load_run("outputs/runs/Demo"):
        ...     estimator = estimator.update(observation)
        >>> estimate = estimator.estimate()
        >>> estimate.used
        30
        >>> upper_arm = estimate.bones["upper_arm_L"]
        >>> upper_arm.low < upper_arm.value < upper_arm.high
        True

        Two estimators add up, and a photo can be taken back:

        >>> first, *others = load_run("outputs/runs/Demo")
        >>> both = Estimator().update(first)
        >>> for observation in others:
        ...     both += Estimator().update(observation)
        >>> both.estimate() == estimate
        True
        >>> both.revert(first).estimate().used
        29
    """

    def __init__(self, tally: Tally | None = None) -> None:
        self._tally = Tally.empty() if tally is None else tally

    @property
    def tally(self) -> Tally:
        """The statistics so far; `Tally.to_bytes` keeps them."""
        return self._tally

    def update(self, observation: Observation) -> Self:
        """Takes in one photo; `revert` takes it back.

        Raises:
            StateRefusedError: The observation's evidence is malformed.
        """
        self._tally.add(observation)
        return self

    def revert(self, observation: Observation) -> Self:
        """Takes a photo back. Raises StateRefusedError: It was never taken in."""
        self._tally.subtract(observation)
        return self

    def __add__(self, other: Estimator) -> Estimator:
        return Estimator(self._tally + other._tally)

    def estimate(self, *, subject: str = "", options: EstimateOptions | None = None) -> Estimate:
        """Returns what is known so far."""
        return estimate(self._tally, subject=subject, options=options)

    def advice(self) -> Advice | None:
        """Returns which photos would tell most; None where more would hardly tell anything.

        Example:
            >>> advice = Estimator().advice()
            >>> str(advice.framing), str(advice.view)
            ('full body', 'front')
        """
        return advise(self.evidence(), self._learned())

    def evidence(self) -> Weighed:
        """Returns all photos added up, each moment as far as it is to be trusted."""
        return weighed(self._tally.cells(), self._learned())

    def _learned(self) -> Learned:
        return load_learned() if self._tally.learned is None else learned_of(self._tally.learned)
