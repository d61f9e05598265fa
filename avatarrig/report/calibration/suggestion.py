"""Thresholds suggested for a detector, from distributions or from labels."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from avatarrig.errors import AvatarRigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avatarrig.report.calibration.measured import MeasuredPhoto

WANTED_PRECISION: Final = 0.95
"""Share of good poses among those kept that labels are to reach."""

_PRESENCE_BELOW = 0.02
_LOWEST, _HIGHEST = 0.05, 0.95


class NothingToCalibrateError(AvatarRigError, ValueError):
    """The photos do not show enough to suggest thresholds."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """Values for the detector's options, two decimals each."""

    min_pose_det: float
    min_pose_presence: float
    overlay_thr: float

    def options(self) -> str:
        """The options of the command line, ready to paste."""
        return (
            f"--min-pose-det {self.min_pose_det:.2f} "
            f"--min-pose-presence {self.min_pose_presence:.2f} "
            f"--overlay-thr {self.overlay_thr:.2f}"
        )


class Separation(msgspec.Struct, frozen=True, kw_only=True):
    """What a threshold on ``pose_score`` does to labelled photos.

    Attributes:
        threshold: Photos with at least this score are kept.
    """

    threshold: float
    kept_good: int
    kept_bad: int
    lost_good: int
    lost_bad: int

    @property
    def precision(self) -> float:
        """Share of good photos among those kept; 1 where none is kept."""
        kept = self.kept_good + self.kept_bad
        return self.kept_good / kept if kept else 1.0

    @property
    def recall(self) -> float:
        """Share of the good photos that is kept; 1 where there is no good one."""
        good = self.kept_good + self.lost_good
        return self.kept_good / good if good else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def suggest_from_distributions(photos: Sequence[MeasuredPhoto]) -> Thresholds:
    """Suggests thresholds that keep most of the poses found, as the prototype did.

    Detection is the larger of the 15th percentile of the scores and 0.8 times the 10th
    percentile of the shares on the mask; presence lies 0.02 below the 15th
    percentile of the scores.

    Args:
        photos: Photos in which a pose was found; the others' zeros say nothing about poses.

    Raises:
        NothingToCalibrateError: There are none.
    """
    if not photos:
        raise NothingToCalibrateError("no photo shows a pose, so there is nothing to calibrate on")
    low_score = float(np.percentile([photo.score for photo in photos], 15))
    inmask = [photo.inmask for photo in photos if photo.inmask is not None]
    low_inmask = float(np.percentile(inmask, 10)) if inmask else 0.0
    return Thresholds(
        min_pose_det=_rounded(max(low_score, 0.8 * low_inmask)),
        min_pose_presence=_rounded(low_score - _PRESENCE_BELOW),
        overlay_thr=_overlay_threshold(photos),
    )


def suggest_from_labels(
    pairs: Sequence[tuple[MeasuredPhoto, bool]],
) -> tuple[Thresholds, Separation]:
    """Suggests the threshold that separates good from bad poses.

    The lowest threshold at which `WANTED_PRECISION` of the photos kept are good, and so the
    most good photos; where no threshold reaches that, the one with the best F1.

    Args:
        pairs: Photos with whether their pose is good, at least one of them good.

    Returns:
        The thresholds, and what they do to the labelled photos.

    Raises:
        NothingToCalibrateError: No photo with a pose is labelled good.
    """
    good = [photo for photo, is_good in pairs if is_good and photo.found]
    if not good:
        raise NothingToCalibrateError("no photo with a pose is labelled good: nothing to keep")
    candidates = sorted({_floored(photo.score) for photo in good})
    separations = [separate(pairs, candidate) for candidate in candidates]
    precise = [s for s in separations if s.precision >= WANTED_PRECISION]
    chosen = precise[0] if precise else max(separations, key=lambda s: (s.f1, -s.threshold))
    thresholds = Thresholds(
        min_pose_det=chosen.threshold,
        min_pose_presence=_rounded(chosen.threshold - _PRESENCE_BELOW),
        overlay_thr=_overlay_threshold(good),
    )
    return thresholds, chosen


def separate(pairs: Sequence[tuple[MeasuredPhoto, bool]], threshold: float) -> Separation:
    """Counts what a threshold on the score keeps and loses; no pose is always lost."""
    kept = [is_good for photo, is_good in pairs if photo.found and photo.score >= threshold]
    good = sum(is_good for _, is_good in pairs)
    kept_good = sum(kept)
    kept_bad = len(kept) - kept_good
    return Separation(
        threshold=threshold,
        kept_good=kept_good,
        kept_bad=kept_bad,
        lost_good=good - kept_good,
        lost_bad=len(pairs) - good - kept_bad,
    )


def _overlay_threshold(photos: Sequence[MeasuredPhoto]) -> float:
    """The prototype's steps: the more bones are seen, the choosier the overlay may be."""
    bones = statistics.median(photo.bones for photo in photos)
    for more_than, threshold in ((6.5, 0.42), (4.5, 0.38), (2, 0.35)):
        if bones > more_than:
            return threshold
    return 0.32


def _rounded(threshold: float) -> float:
    return round(min(max(threshold, _LOWEST), _HIGHEST), 2)


def _floored(score: float) -> float:
    """The threshold of two decimals that just keeps a score."""
    rounded = round(score, 2)
    return rounded if rounded <= score else round(rounded - 0.01, 2)
