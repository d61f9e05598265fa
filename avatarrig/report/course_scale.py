"""The axes of a ratio's course: photos across on a logarithmic scale, the ratio upwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from avatarrig.report.convergence import Curve

_FEWEST_TICKS: Final = 2


class CourseScale(msgspec.Struct, frozen=True):
    """From photos and ratios to shares of a chart's width and height.

    Attributes:
        most: Photos at the right; 1 stands at the left.
    """

    low: float
    high: float
    most: int

    @classmethod
    def of(cls, curve: Curve) -> CourseScale:
        """Fits a curve's intervals; it has at least one point."""
        return cls(
            low=min(point.low for point in curve.points),
            high=max(point.high for point in curve.points),
            most=max(curve.points[-1].photos, 2),
        )

    def across(self, photos: float) -> float:
        """From 0 at the left to 1 at the right."""
        return math.log(photos) / math.log(self.most)

    def up(self, value: float) -> float:
        """From 0 at the bottom to 1 at the top."""
        return (value - self.low) / (self.high - self.low)

    @property
    def value_ticks(self) -> Sequence[float]:
        """Round values between the ends, two to ten of them."""
        size = 10.0 ** math.floor(math.log10(self.high - self.low))
        for step in (size, size / 2, size / 5):
            first, last = math.ceil(self.low / step), math.floor(self.high / step)
            values: list[float] = (np.arange(first, last + 1) * step).tolist()
            if len(values) >= _FEWEST_TICKS:
                return values
        return values

    @property
    def photo_ticks(self) -> list[int]:
        """1, 3, 10, 30 and so on, and the last number where it stands clear of the one before."""
        steps = [base * 10**power for power in range(len(str(self.most))) for base in (1, 3)]
        return [*(step for step in steps if step * 1.35 < self.most), self.most]
