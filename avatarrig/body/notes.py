"""What a person has to know of an estimate: what it means, and what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from avatarrig.body.sums.capture_days import UNDATED
from avatarrig.body.tape.measure import words_of
from avatarrig.wire.counted import counted
from avatarrig.wire.reasons import words_for

if TYPE_CHECKING:
    from avatarrig.wire.estimate import Estimate

_BASIS: Final = (
    "Lengths are between joint centres, over shoulder width; intervals contain the truth with "
    "90 % probability. Left and right are estimated together."
)

ASYMMETRY_WARNING: Final = (
    "Left and right may differ because the detector sees them differently: shanks of 160 people "
    "were found to differ by about 60 mm (mediapipe issue 4125)."
)


class Doubts(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks against an estimate.

    Attributes:
        consistent: Whether the photos agree on one person.
        odd_days: Days, or months or years long ago, whose photos do not fit the others.
        odd_measures: Measured lengths that do not fit what all else says.
        disagreements: Pooled bone to plain over learned length, where they contradict.
    """

    consistent: bool = True
    odd_days: tuple[str, ...] = ()
    odd_measures: tuple[str, ...] = ()
    disagreements: dict[str, float] = {}

    @property
    def none(self) -> bool:
        """Whether nothing does."""
        return self.consistent and not (self.odd_days or self.odd_measures or self.disagreements)


def notes_on(estimate: Estimate, doubts: Doubts, undated: int) -> list[str]:
    """Puts into words what has to be known of an estimate.

    Args:
        undated: Photos that count and tell no time.
    """
    notes = [_BASIS]
    if estimate.moments is not None and estimate.moments < estimate.used:
        photos, moments = counted(estimate.used, "photo"), counted(estimate.moments, "moment")
        notes.append(f"{photos}, {moments}: frames of a burst and copies count once.")
    if not estimate.used:
        notes.append("No photo has counted yet, so there is no estimate.")
    if estimate.metres is None:
        notes.append("Without --height or --measure nothing is known about metres.")
    if estimate.measured:
        said = ", ".join(
            f"{words_of(key)} {100 * one.value:.4g} ± {100 * one.error:.2g} cm"
            for key, one in estimate.measured.items()
        )
        notes.append(f"Measured, and weighed beside the photos: {said}.")
    if estimate.measured and estimate.metres is None:
        notes.append(
            "Lengths of head, neck, hands and feet count with a height, or with another bone's."
        )
    elif len(estimate.measured) == 1 and estimate.height is None:
        notes.append("One measured length alone gives metres; with a height, it tells ratios too.")
    if estimate.asymmetry:
        notes.append(ASYMMETRY_WARNING)
    notes += _on_doubts(doubts)
    window = estimate.window
    if window is not None and window.drift:
        notes.append(f"Proportions of the last {window.days} days differ from before.")
    if window is not None and undated:
        tell = counted(undated, "photo tells", "photos tell")
        notes.append(f"{tell} no time and are in no window.")
    notes += [
        f"{counted(count, 'photo does', 'photos do')} not count: {words_for(reason)}."
        for reason, count in estimate.excluded.items()
    ]
    return notes


def _on_doubts(doubts: Doubts) -> Iterator[str]:
    if not doubts.consistent:
        yield "The photos do not agree on one person: somebody else may be in them."
    for day in doubts.odd_days:
        yield (
            f"{_photos_of(day)} do not fit the others: somebody else may be in them, or the person "
            "has grown."
        )
    for key in doubts.odd_measures:
        yield (
            f"The {words_of(key)} as measured does not fit the photos and what else was measured: "
            "measure again, from joint to joint."
        )
    for bone, plain in doubts.disagreements.items():
        yield (
            f"Plain ratios say {plain:.2f} times the estimated length for {bone}: some photos may "
            "show somebody else, or a camera distorts."
        )


def _photos_of(day: str) -> str:
    if day == UNDATED:
        return "The photos without a time"
    return f"The photos of {day}" if day else "The oldest photos"
