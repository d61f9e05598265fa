"""Proportions of a face, from what many photos show of it."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from avatarrig.body.sums.histogram import value_of
from avatarrig.wire.estimate import FACE_RATIOS, FaceRatio, ends, rounded

if TYPE_CHECKING:
    from avatarrig.body.sums.histogram import Histogram
    from avatarrig.body.sums.tally import Tally

_NINETY: Final = NormalDist().inv_cdf(0.95)

_PHOTO_NOISE: Final = 2.5
"""Bins by which a ratio differs between moments, at least."""

_SHARED: Final = 1.0
"""Bins by which all photos of a person may be off alike."""


def face_ratios(tally: Tally, moments: float) -> dict[str, FaceRatio]:
    """Tells a face's proportions.

    Args:
        moments: How many moments these are of; frames of a moment count once.

    Returns:
        By `FACE_RATIOS`; without those that no photo shows.
    """
    share = min(1.0, moments / max(tally.used, 1))
    shown = {key: tally.histogram(f"face_{key}") for key in FACE_RATIOS}
    return {key: _ratio(seen, share) for key, seen in shown.items() if seen}


def _ratio(seen: Histogram, share: float) -> FaceRatio:
    middle, error = seen.midmean_and_error()
    moments = max(1.0, share * seen.total)
    error = max(error / math.sqrt(share), _PHOTO_NOISE / math.sqrt(moments))
    reach = _NINETY * math.hypot(error, _SHARED)
    return FaceRatio(
        value=rounded(value_of(middle)),
        interval=ends(value_of(middle - reach), value_of(middle + reach)),
        n=seen.total,
        moments=min(round(moments), seen.total),
    )
