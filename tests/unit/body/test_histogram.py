from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.histogram import HIGHEST_BIN, LOWEST_BIN, Histogram, bin_of, value_of
from avatarrig.body.sums.keyed_sums import KeyedSums

BINS = st.integers(LOWEST_BIN, HIGHEST_BIN)


def counted(bins: list[int]) -> Histogram:
    histogram = Histogram()
    for index in bins:
        histogram.add(index)
    return histogram


@given(st.floats(0.08, 1.88))
def test_a_bin_stands_for_its_value_within_half_a_percent(value: float) -> None:
    assert abs(math.log(value_of(bin_of(value)) / value)) <= math.log(1.01) / 2 + 1e-12


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_value_without_a_logarithm_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        bin_of(value)


def test_values_beyond_the_grid_count_in_the_outermost_bins() -> None:
    assert bin_of(1e-9) == LOWEST_BIN
    assert bin_of(1e9) == HIGHEST_BIN


@pytest.mark.parametrize("bins", [[LOWEST_BIN - 1], [HIGHEST_BIN + 1], ["0"]])
def test_other_bins_are_refused(bins: list[Any]) -> None:
    sums = KeyedSums[Any](1)
    for index in bins:
        sums.add((index, [1]))
    with pytest.raises(StateRefusedError):
        Histogram.unpack(sums.pack())


@given(st.lists(BINS, min_size=1, max_size=60), st.floats(0, 1))
def test_a_quantile_is_within_half_a_bin_of_the_values_own(bins: list[int], share: float) -> None:
    quantile = counted(bins).quantile(share)
    ordered = sorted(bins)
    rank = share * len(ordered)
    low = ordered[max(0, math.ceil(rank - 1e-9) - 1)]
    high = ordered[min(len(ordered) - 1, math.floor(rank + 1e-9))]
    assert low - 0.5 - 1e-6 <= quantile <= high + 0.5 + 1e-6


def test_nothing_has_no_quantile_and_no_midmean() -> None:
    with pytest.raises(ValueError, match="of 0 values"):
        Histogram().quantile(0.5)
    with pytest.raises(ValueError, match="nothing was counted"):
        Histogram().midmean_and_error()[0]


@given(st.lists(BINS, min_size=1, max_size=15))
def test_the_midmean_is_the_mean_of_the_middle_half(bins: list[int]) -> None:
    quartered = sorted(index for index in bins for _ in range(4))
    middle = quartered[len(bins) : 3 * len(bins)]
    assert counted(bins).midmean_and_error()[0] == pytest.approx(statistics.mean(middle), abs=1e-9)


def test_a_tenth_of_outliers_hardly_moves_the_midmean() -> None:
    noise = np.random.default_rng(1).normal(0, 7, 900).round().astype(int).tolist()
    clean, dirty = counted(noise), counted(noise + [120] * 100)
    assert abs(dirty.midmean_and_error()[0] - clean.midmean_and_error()[0]) < 1.5
    assert abs(statistics.mean(noise + [120] * 100) - statistics.mean(noise)) > 10
