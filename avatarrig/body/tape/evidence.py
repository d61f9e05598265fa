"""What measured lengths say about a person, beside what photos say.

A person has proportions x, size-free log lengths, and a size s of which photos tell nothing. A
measured length y of a bone, or of several end to end, says log y = f(x) + s + e. Where several
are measured, the size drops out of their differences, and the rest is evidence of proportions
like any photo's; one alone says how large the person is, and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.bones import HELMERT, POOLED_BONES, PROTOTYPE_BONES, FloatArray
from avatarrig.body.population.anthropometry import STATURE_LOG_ERROR, STATURE_OVER_LEG_AND_TORSO
from avatarrig.body.tape.measure import pooled
from avatarrig.wire.estimate import FURTHER_LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from avatarrig.wire.estimate import Measured

HEIGHT: Final = "height"
_STATURE: Final = tuple(
    STATURE_OVER_LEG_AND_TORSO * (bone in {"thigh", "shank", "torso"}) for bone in POOLED_BONES
)
_ROUNDS: Final = 4
"""Lengths end to end are not linear in log lengths; it is settled to 1e-9 after these."""
_FOR_A_RATIO: Final = 2
_FAR: Final = 3.5
"""Standard deviations by which a length may be off what all else says."""


@dataclass(frozen=True)
class Tape:
    """Measured lengths.

    Attributes:
        keys: What was measured: a key of an estimate without side, or `HEIGHT`.
        parts: (n, 7) how often each bone is in it.
        logs: (n,) natural logarithms of metres.
        precision: (n,) inverse variances of these.
    """

    keys: tuple[str, ...]
    parts: FloatArray
    logs: FloatArray
    precision: FloatArray

    @classmethod
    def of(cls, measures: Mapping[str, Measured], height: float | None) -> Tape:
        """Takes what was measured.

        Args:
            measures: Key of a bone, with a side or without, to its length.
            height: Metres.
        """
        rows = [
            (key, _parts_of(key), math.log(one.value), (one.error / one.value) ** 2)
            for key, one in sorted(measures.items())
            if key not in FURTHER_LABELS
        ]
        if height is not None:
            rows.append((HEIGHT, _STATURE, math.log(height), STATURE_LOG_ERROR**2))
        return cls(
            tuple(row[0] for row in rows),
            np.array([row[1] for row in rows]).reshape(-1, len(POOLED_BONES)),
            np.array([row[2] for row in rows]),
            np.array([1 / row[3] for row in rows]),
        )

    @property
    def tells_ratios(self) -> bool:
        """Whether it tells of proportions, and not of size alone."""
        return len(self.keys) >= _FOR_A_RATIO

    @property
    def tells_size(self) -> bool:
        """Whether it tells how large the person is."""
        return bool(self.keys)

    def given(self, mean: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Returns a person's mean (6,) and covariance (6, 6), with what was measured.

        Args:
            mean: (6,) what is known of the person without.
            covariance: (6, 6) of that.
        """
        if not self.tells_ratios:
            return mean, covariance
        weight = np.diag(self.precision)
        weight -= np.outer(self.precision, self.precision) / self.precision.sum()
        known = mean
        for _ in range(_ROUNDS):
            says, slope = self._lengths(HELMERT.T @ known)
            slope = slope @ HELMERT.T
            information = slope.T @ weight @ slope
            vector = slope.T @ weight @ (self.logs - says + slope @ (known - mean))
            gain = covariance @ np.linalg.inv(np.eye(len(mean)) + information @ covariance)
            known = mean + gain @ vector
        rest = covariance - gain @ information @ covariance
        return known, (rest + rest.T) / 2

    def metres(
        self, log_lengths: FloatArray, covariance: FloatArray, parts: FloatArray
    ) -> tuple[float, float]:
        """Returns how long bones are end to end.

        Args:
            log_lengths: (7,) of the person, on any scale.
            covariance: (7, 7) of them.
            parts: (7,) how often each bone is in it.

        Returns:
            Natural logarithm of metres, and its standard error.
        """
        return self.metres_of(*_length(log_lengths, parts), log_lengths, covariance)

    def metres_of(
        self, middle: float, gradient: FloatArray, log_lengths: FloatArray, covariance: FloatArray
    ) -> tuple[float, float]:
        """Returns how long something is that is known on the scale of the log lengths.

        Args:
            middle: Its natural logarithm there.
            gradient: (7,) of it by the log lengths.
            log_lengths: (7,) of the person.
            covariance: (7, 7) of them.

        Returns:
            Natural logarithm of metres, and its standard error.
        """
        says, slope = self._lengths(log_lengths)
        share = self.precision / self.precision.sum()
        gradient = gradient - share @ slope
        variance = float(gradient @ covariance @ gradient) + 1 / float(self.precision.sum())
        return middle + float(share @ (self.logs - says)), math.sqrt(max(variance, 0.0))

    def contradictions(self, mean: FloatArray, covariance: FloatArray) -> tuple[str, ...]:
        """Names lengths that do not fit what photos and the other lengths say.

        Args:
            mean: (6,) what is known of the person without any.
            covariance: (6, 6) of that.
        """
        if not self.tells_ratios:
            return ()
        return tuple(
            key for place, key in enumerate(self.keys) if self._is_far(place, mean, covariance)
        )

    def _is_far(self, place: int, mean: FloatArray, covariance: FloatArray) -> bool:
        others = [row for row in range(len(self.keys)) if row != place]
        rest = Tape(
            tuple(self.keys[row] for row in others),
            self.parts[others],
            self.logs[others],
            self.precision[others],
        )
        known, doubt = rest.given(mean, covariance)
        lengths = HELMERT.T @ known, HELMERT.T @ doubt @ HELMERT
        expected, error = rest.metres(*lengths, self.parts[place])
        error = math.hypot(error, 1 / math.sqrt(self.precision[place]))
        return abs(float(self.logs[place]) - expected) > _FAR * error

    def _lengths(self, log_lengths: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Logarithms (n,) of the lengths on the scale of the log lengths, and gradients (n, 7)."""
        told = [_length(log_lengths, parts) for parts in self.parts]
        return np.array([value for value, _ in told]), np.array([slope for _, slope in told])


def _parts_of(key: str) -> tuple[float, ...]:
    bones = {pooled(known): bone for known, bone in PROTOTYPE_BONES.items()}
    return tuple(float(bone == bones[pooled(key)]) for bone in POOLED_BONES)


def _length(log_lengths: FloatArray, parts: FloatArray) -> tuple[float, FloatArray]:
    """Logarithm of bones end to end, and its gradient (7,) by their log lengths."""
    lengths = parts * np.exp(log_lengths)
    total = lengths.sum()
    return math.log(total), np.asarray(lengths / total)


NOTHING: Final = Tape.of({}, None)
"""Nothing was measured."""
