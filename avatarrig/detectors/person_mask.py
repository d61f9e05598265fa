"""Where people are in a photo: the selfie segmenter's confidences on the size it works at.

The segmenter sees 256 x 256 pixels whatever it is given, so it is given no more: a larger
picture only makes its own enlarging and copying slower.

The pose landmarker could give a mask for half of the segmenter's cost, but it shows only the
people whose pose was found, and them as the pose has them. Of four photos of groups, two show
one sure pose and, by the segmenter alone, somebody else of about the same size or larger; in two
portraits of twelve the pose's mask leaves out half of the visible joints; and of joints that are
hidden it covers more. On pictures of one whole person the two agree (IoU 0.95).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from avatarrig.detectors.tasks import Floats, GuardedTask, Pixels

SEGMENTER_SIDE: Final = 256
"""Width and height of the selfie segmenter's input and output."""

PERSON: Final = 128
"""Least confidence, of 255, that counts as a person."""


@dataclass(frozen=True)
class PersonMask:
    """How sure the segmenter is that there is a person, over the whole photo.

    Attributes:
        confidence: uint8, 256 x 256, 255 = surely a person. It is stretched over the photo,
            whatever the photo's aspect.
    """

    confidence: NDArray[np.uint8]

    @property
    def person_share(self) -> float:
        """Share of the photo that people cover, 0..1."""
        return float(np.count_nonzero(self.confidence >= PERSON)) / self.confidence.size

    def covers(self, points: Floats) -> NDArray[np.bool_]:
        """Tells which points lie on a person.

        Args:
            points: (n, 2): shares of the photo's width and height; points outside the photo
                lie on nobody.
        """
        height, width = self.confidence.shape
        inside = np.all((points >= 0) & (points <= 1), axis=1)
        columns, rows = (np.where(inside[:, None], points, 0) * (width, height)).astype(int).T
        columns, rows = np.minimum(columns, width - 1), np.minimum(rows, height - 1)
        on_person: NDArray[np.bool_] = inside & (self.confidence[rows, columns] >= PERSON)
        return on_person


def segment_people(task: GuardedTask[Floats], rgb: Pixels) -> PersonMask:
    """Runs the segmenter on a photo of any size.

    Args:
        rgb: uint8, height x width x 3.
    """
    # Bilinear like the segmenter's own: averaging areas costs ten times as much.
    size = (SEGMENTER_SIDE, SEGMENTER_SIDE)
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return PersonMask(np.asarray(cv2.convertScaleAbs(task.run(small), alpha=255.0), np.uint8))
