"""The error of a midmean is what repeated samples show."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from avatarrig.body.sums.histogram import Histogram


def counted(bins: list[int]) -> Histogram:
    histogram = Histogram()
    for index in bins:
        histogram.add(index)
    return histogram


def test_the_midmeans_error_is_what_repeated_samples_show() -> None:
    random = np.random.default_rng(2)
    samples = [counted(random.normal(0, 6, 200).round().astype(int).tolist()) for _ in range(400)]
    seen = statistics.stdev(sample.midmean_and_error()[0] for sample in samples)
    said = statistics.mean(sample.midmean_and_error()[1] for sample in samples)
    assert said == pytest.approx(seen, rel=0.15)
