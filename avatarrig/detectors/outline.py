"""Body outlines drawn from landmarks: which parts of a person mask the poses explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarrig.body.landmarks import LEFT_HIP, LEFT_SHOULDER, RIGHT_HIP, RIGHT_SHOULDER
from avatarrig.detectors.person_mask import PERSON
from avatarrig.detectors.who import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avatarrig.detectors.person_mask import PersonMask
    from avatarrig.detectors.tasks import Floats

Flags = NDArray[np.bool_]

OUTLINE_SIDE: Final = 128
"""Long side of the grid that outlines are drawn on."""

TIGHT: Final = 0.35
"""Width of a limb, in lengths of the torso, for comparison with the person mask."""

GENEROUS: Final = 0.63
"""Width that also covers clothes, hair and what people carry."""

SMALLEST_STRANGER: Final = 0.02
"""Smallest unexplained part, as a share of the photo, that is looked at."""

_SHORTEST_SIDE: Final = 16
_FAR: Final = 8 * OUTLINE_SIDE
_HEAD: Final = slice(0, 11)
_HEAD_RADIUS: Final = 1.3
_TORSO: Final = (LEFT_SHOULDER, RIGHT_SHOULDER, RIGHT_HIP, LEFT_HIP)
_LIMBS: Final = (
    *((11, 12), (11, 13), (13, 15), (15, 19), (12, 14), (14, 16), (16, 20)),
    *((11, 23), (12, 24), (23, 24)),
    *((23, 25), (25, 27), (27, 31), (24, 26), (26, 28), (28, 32)),
)


@dataclass(frozen=True)
class Unexplained:
    """A connected part of the person mask that belongs to no pose.

    Attributes:
        box: Its box in shares of the photo.
        share: Its area as a share of the photo.
    """

    box: Box
    share: float


@dataclass(frozen=True)
class Explained:
    """How poses and a person mask fit together.

    Attributes:
        agreement: Intersection over union of the person mask and the subject's outline; None
            where both are empty. Below about a half there is somebody else, or the pose is
            not where the person is.
        subject_share: Part of the mask that the subject explains, as a share of the photo.
        unexplained: Parts that nobody explains, largest first.
    """

    agreement: float | None
    subject_share: float
    unexplained: tuple[Unexplained, ...]

    @property
    def stranger(self) -> float:
        """The largest unexplained part in areas of the subject's part."""
        if not self.unexplained:
            return 0.0
        return self.unexplained[0].share / max(self.subject_share, SMALLEST_STRANGER)


def explain_mask(
    mask: PersonMask, subject: Floats | None, others: Sequence[Floats], width: int, height: int
) -> Explained:
    """Compares a person mask with the outlines of the people found.

    Args:
        mask: Where people are.
        subject: (33, 5) in shares of the photo; None where nobody was found.
        width: The photo's width in any unit.
        height: Its height in the same unit.
    """
    scale = OUTLINE_SIDE / max(width, height)
    columns, rows = (max(round(side * scale), _SHORTEST_SIDE) for side in (width, height))
    person = cv2.resize(mask.confidence, (columns, rows)) >= PERSON
    poses = [] if subject is None else [subject]
    tight = draw_outline(poses, columns, rows, TIGHT)
    own = draw_outline(poses, columns, rows, GENEROUS)
    generous = own | draw_outline(others, columns, rows, GENEROUS) if others else own
    union = int(np.count_nonzero(person | tight))
    return Explained(
        agreement=int(np.count_nonzero(person & tight)) / union if union else None,
        subject_share=float((person & own).mean()),
        unexplained=_parts(person & ~generous),
    )


def draw_outline(poses: Sequence[Floats], columns: int, rows: int, width: float) -> Flags:
    """Draws people as thick limbs, a torso and a round head.

    Args:
        poses: (33, 5) each, in shares of the photo.
        width: Width of a limb in lengths of the torso.
    """
    drawing = np.zeros((rows, columns), np.uint8)
    for pose in poses:
        points = np.clip(pose[:, :2].astype(float) * (columns, rows), -_FAR, _FAR)
        shoulders = points[[LEFT_SHOULDER, RIGHT_SHOULDER]]
        hips = points[[LEFT_HIP, RIGHT_HIP]]
        torso = max(
            float(np.hypot(*(shoulders[0] - shoulders[1]))),
            float(np.hypot(*(shoulders.mean(axis=0) - hips.mean(axis=0)))),
        )
        thickness = max(round(width * torso), 1)
        head, extent = points[_HEAD].mean(axis=0), float(np.ptp(points[_HEAD], axis=0).max())
        pixels = np.round(points).astype(np.int32)
        cv2.fillConvexPoly(drawing, cv2.convexHull(pixels[list(_TORSO)]), 1)
        places = pixels.tolist()
        for start, end in _LIMBS:
            cv2.line(drawing, places[start], places[end], 1, thickness)
        neck = np.round(shoulders.mean(axis=0)).astype(int)
        middle = np.round(head).astype(int)
        cv2.line(drawing, middle.tolist(), neck.tolist(), 1, thickness)
        cv2.circle(drawing, middle.tolist(), max(round(_HEAD_RADIUS * extent), 1), 1, -1)
    return drawing > 0


def _parts(unexplained: Flags) -> tuple[Unexplained, ...]:
    if np.count_nonzero(unexplained) < SMALLEST_STRANGER * unexplained.size:
        return ()
    rows, columns = unexplained.shape
    _, _, boxes, _ = cv2.connectedComponentsWithStats(unexplained.astype(np.uint8))
    parts = [
        Unexplained(
            Box(left / columns, top / rows, (left + width) / columns, (top + height) / rows),
            area / unexplained.size,
        )
        for left, top, width, height, area in boxes[1:].tolist()
        if area >= SMALLEST_STRANGER * unexplained.size
    ]
    return tuple(sorted(parts, key=lambda part: part.share, reverse=True))
