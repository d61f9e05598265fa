"""A log-histogram with integer counts: what many photos say about one ratio, in few bytes.

Values fall into bins that are 1 % wide, as in DDSketch (Masson, Rim and Lee, VLDB 2019), on a
grid that is the same for everyone. Counts are integers, so the order of values and of merges
cannot change a bit, and what was added can be taken away again.
"""

from __future__ import annotations

import math
from typing import Any

from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.keyed_sums import KeyedSums

BIN_WIDTH = math.log(1.01)
"""Width of a bin on the natural logarithm: 1 %, a fifth of the noise of one photo."""

LOWEST_BIN = -256
HIGHEST_BIN = 64
"""Values beyond 1.01 ** -256 to 64 (0.078 to 1.9) count in the outermost bins, so state is
bounded: the bones of an average body are 0.2 to 0.5 long."""

_BINS = range(LOWEST_BIN, HIGHEST_BIN + 1)
_ONE = (1,)
_NOTHING: KeyedSums[int] = KeyedSums(1)


def bin_of(value: float) -> int:
    """Returns the bin of a value.

    Args:
        value: A ratio or length, finite and greater than 0.

    Returns:
        Bin index; bin ``i`` is centred on ``1.01 ** i``.

    Raises:
        ValueError: The value has no logarithm.
    """
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"a ratio is finite and greater than 0, this is {value!r}")
    index = round(math.log(value) / BIN_WIDTH)
    return max(LOWEST_BIN, min(HIGHEST_BIN, index))


def value_of(index: float) -> float:
    """Returns the value at the centre of a bin; fractions of bins interpolate on the logarithm."""
    return math.exp(index * BIN_WIDTH)


class Histogram:
    """Counts by bin. `add`, `subtract` change it in place; ``+``, ``-`` make a new one.

    >>> histogram = Histogram()
    >>> for value in (0.9, 1.0, 1.1):
    ...     histogram.add(bin_of(value))
    >>> histogram.total, round(value_of(histogram.quantile(0.5)), 2)
    (3, 1.0)
    """

    __slots__ = ("_sums",)

    def __init__(self, sums: KeyedSums[int] | None = None) -> None:
        self._sums: KeyedSums[int] = KeyedSums(1) if sums is None else sums

    @property
    def total(self) -> int:
        """How many values are counted."""
        return self._sums.count

    def __bool__(self) -> bool:
        return bool(self._sums.rows)

    def add(self, index: int, count: int = 1) -> None:
        """Counts a value in its bin, or several that have the same."""
        self._sums.add((index, (count,)))

    def subtract(self, index: int) -> None:
        """Takes back one value. Raises StateRefusedError: No such value was counted."""
        self._sums.subtract((index, _ONE))

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(self._sums + other._sums)

    def __sub__(self, other: Histogram) -> Histogram:
        """Takes away everything that another histogram counts.

        Raises:
            StateRefusedError: The other one holds values that this one never counted.
        """
        return Histogram(self._sums - other._sums)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self._sums == other._sums

    def __repr__(self) -> str:
        return f"Histogram({self._bins()})"

    def _bins(self) -> list[tuple[int, int]]:
        return sorted((index, row[0]) for index, row in self._sums.rows.items())

    def quantile(self, share: float) -> float:
        """Returns the bin, with fractions, below which a share of the values lies.

        Values are taken as spread evenly over their bin, so the result is within half a bin
        (0.5 %) of the values' own quantile.

        Args:
            share: 0 to 1.

        Raises:
            ValueError: Nothing was counted, or the share is out of range.
        """
        total = self.total
        if not total or not 0 <= share <= 1:
            raise ValueError(f"no quantile {share!r} of {total} values")
        wanted = share * total
        below = 0
        for index, count in self._bins():
            if below + count >= wanted:
                return index - 0.5 + (wanted - below) / count
            below += count
        raise AssertionError("unreachable: the counts add up to the total")  # pragma: no cover

    def midmean_and_error(self) -> tuple[float, float]:
        """Returns the mean of the middle half of the values and its standard error, in bins.

        The mean is computed in integers up to the final division, so it is exact in any order. The
        error is the winsorised standard deviation over half the root of the count (Tukey
        and McLaughlin 1963; Wilcox, Introduction to Robust Estimation, 3.3), and never less
        than the rounding to bins leaves.

        Raises:
            ValueError: Nothing was counted.
        """
        bins = self._bins()
        total = self.total
        if not total:
            raise ValueError("nothing was counted: there is no midmean")
        # In quarters of a count, so that the middle half begins and ends at an integer.
        below = first = second = 0
        low = high = bins[0][0]
        for index, count in bins:
            above = below + 4 * count
            inside = min(above, 3 * total) - max(below, total)
            if inside > 0:
                first += inside * index
                second += inside * index * index
            low = index if below < total <= above else low
            high = index if below < 3 * total <= above else high
            below = above
        middle = first / (2 * total)
        within = second / (2 * total) - middle * middle
        tails = ((low - middle) ** 2 + (high - middle) ** 2) / 4
        return middle, 2 * math.sqrt((max(0.0, within / 2 + tails) + 1 / 12) / total)

    def pack(self) -> list[Any]:
        """Returns the bins and their counts."""
        return self._sums.pack()

    @classmethod
    def unpack(cls, packed: object) -> Histogram:
        """Reads what `pack` made. Raises StateRefusedError: It holds something else."""
        sums = _NOTHING.unpacked(packed)
        if not all(type(index) is int and index in _BINS for index in sums.rows):
            raise StateRefusedError("no histogram has such bins")
        return cls(sums)
