"""Very many photos are remembered, each once."""

from __future__ import annotations

import numpy as np

from aggregators.partitions.deduplication import Deduplication

# What counts.


# What a table holds.


def test_old_sights_are_found_among_very_many() -> None:
    seen = Deduplication()
    photos = np.random.default_rng(1).integers(0, 2**64, 150_000, dtype=np.uint64).tolist()
    for offset, photo in enumerate(photos):
        seen.first(photo, offset)
    assert len(seen) == len(photos)
    assert all(seen.first(photos[at], 0) == at for at in range(0, len(photos), 1000))


# Level 2.
