"""A second look where the first one was poor: at crops in which people are larger.

The pose landmarker finds people on a picture reduced to 224 pixels, so somebody who takes a
third of the photo's height is found one time in three, and landmarks of small people are
coarse. `tests/bench/detector.py` measures what each look costs and brings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.detectors.outline import explain_mask
from avatarrig.detectors.quality import landmark_confidence
from avatarrig.detectors.tasks import MIN_SIDE, FoundPose
from avatarrig.detectors.who import Box, choose_subject, visible_box
from avatarrig.landmarks import QUALITY_JOINTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avatarrig.detectors.person_mask import PersonMask
    from avatarrig.detectors.tasks import GuardedTask, Pixels

SMALL_PERSON: Final = 0.5
"""Somebody whose box is smaller than this share of the photo's long side is looked at again."""

_STRANGERS: Final = 2
"""At most so many unexplained parts of the mask are looked at."""

_TILE: Final = 0.6
"""Side of each of the four overlapping tiles, as a share of the photo's."""

_TILES: Final = tuple(
    Box(left, top, left + _TILE, top + _TILE)
    for top in (0.0, 1 - _TILE)
    for left in (0.0, 1 - _TILE)
)

_SAME_PLACE: Final = 0.3
"""Least overlap of a refined pose's box with the coarse one's."""

_JOINTS: Final = np.array(QUALITY_JOINTS)


@dataclass(frozen=True)
class SecondLook:
    """Everything that looking again needs.

    Attributes:
        task: The pose landmarker.
        rgb: The working picture, uint8.
        mask: Where people are.
        padding: Added to each side of a crop, as a share of its longer side.
    """

    task: GuardedTask[tuple[FoundPose, ...]]
    rgb: Pixels
    mask: PersonMask
    padding: float

    def improve(self, first: Sequence[FoundPose]) -> tuple[FoundPose, ...]:
        """Adds people whom the first look missed, and refines a small subject.

        Args:
            first: What the first look found, in shares of the photo.

        Returns:
            The poses, some person perhaps twice, in shares of the photo.
        """
        found = list(first) or self._search()
        if found:
            found += self._strangers(found)
        subject = choose_subject(found).subject
        if subject is None or self._extent(subject) >= SMALL_PERSON:
            return tuple(found)
        refined = self._refined(subject)
        return tuple(refined if pose is subject else pose for pose in found)

    def _search(self) -> list[FoundPose]:
        """Looks where the mask shows somebody, and failing that in four overlapping tiles."""
        height, width = self.rgb.shape[:2]
        parts = explain_mask(self.mask, None, (), width, height).unexplained
        found = [pose for part in parts[:_STRANGERS] for pose in self._look(part.box)]
        if found:
            return found
        return [pose for tile in _TILES for pose in self._look(tile, padding=0.0)]

    def _strangers(self, found: Sequence[FoundPose]) -> list[FoundPose]:
        height, width = self.rgb.shape[:2]
        known = [pose.landmarks for pose in found]
        parts = explain_mask(self.mask, known[0], known[1:], width, height).unexplained
        return [pose for part in parts[:_STRANGERS] for pose in self._look(part.box)]

    def _refined(self, coarse: FoundPose) -> FoundPose:
        """Looks at a small person again; keeps the coarse pose where that finds another."""
        box = visible_box(coarse.landmarks)
        there = [
            pose
            for pose in self._look(box)
            if visible_box(pose.landmarks).overlap(box) >= _SAME_PLACE
        ]
        return max(there, key=_confidence, default=coarse)

    def _extent(self, pose: FoundPose) -> float:
        """Longer side of the person's box as a share of the photo's longer side."""
        height, width = self.rgb.shape[:2]
        box = visible_box(pose.landmarks)
        longer = max((box.right - box.left) * width, (box.bottom - box.top) * height)
        return float(longer / max(width, height))

    def _look(self, box: Box, padding: float | None = None) -> list[FoundPose]:
        height, width = self.rgb.shape[:2]
        left, right = box.left * width, box.right * width
        top, bottom = box.top * height, box.bottom * height
        pad = (self.padding if padding is None else padding) * max(right - left, bottom - top)
        x0, y0 = max(int(left - pad), 0), max(int(top - pad), 0)
        x1, y1 = min(int(np.ceil(right + pad)), width), min(int(np.ceil(bottom + pad)), height)
        if min(x1 - x0, y1 - y0) < MIN_SIDE:
            return []
        scale = np.array([(x1 - x0) / width, (y1 - y0) / height, (x1 - x0) / width, 1, 1])
        offset = np.array([x0 / width, y0 / height, 0, 0, 0])
        return [
            FoundPose((pose.landmarks * scale + offset).astype(np.float32), pose.world)
            for pose in self.task.run(self.rgb[y0:y1, x0:x1])
        ]


def _confidence(pose: FoundPose) -> float:
    return float(landmark_confidence(pose.landmarks)[_JOINTS].mean())
