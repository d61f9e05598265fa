"""A second look where the first one was poor: at crops in which people are larger.

The pose landmarker finds people on a picture reduced to 224 pixels, so somebody who takes a
third of the photo's height is found one time in three, and landmarks of small people are
coarse. `tests/bench/detector.py` measures what each look costs and brings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.landmarks import LEFT_HIP, QUALITY_JOINTS, RIGHT_HIP
from avatarrig.detectors.quality import landmark_confidence
from avatarrig.detectors.tasks import MIN_SIDE, FoundPose
from avatarrig.detectors.who import Box, Choice, choose_subject, joint_distance, visible_box

if TYPE_CHECKING:
    from avatarrig.detectors.outline import Explained
    from avatarrig.detectors.tasks import GuardedTask, Pixels

SMALL_PERSON: Final = 0.5
"""Somebody who takes less than this share of the photo's long side is looked at again."""

_HIP_SEEN: Final = 0.5
"""Least confidence of a hip that is in the picture and not only guessed."""

_STRANGERS: Final = 2
"""At most so many unexplained parts of the mask are looked at."""

_TILE: Final = 0.6
"""Side of each of the four overlapping tiles, as a share of the photo's."""

_TILES: Final = tuple(
    Box(left, top, left + _TILE, top + _TILE)
    for top in (0.0, 1 - _TILE)
    for left in (0.0, 1 - _TILE)
)

_PANORAMA: Final = 2.0
"""From this aspect on tiles are squares along the photo, or the wide ones would show nobody."""

_MOST_TILES: Final = 16

_SAME_PLACE: Final = 0.35
"""Least overlap of a pose's box with the box that was looked at."""

_SAME_POSE: Final = 0.15
"""Largest distance of the joints of two looks that agree, in diagonals of the box."""

_BELIEVED: Final = 0.5
"""Least mean confidence of somebody whom only the second look found."""

_CANDIDATES: Final = 3
_CONFIRMATIONS: Final = 2

_LARGE_STRANGER: Final = 0.12
"""Smallest unexplained part that may be a person, in areas of the subject's part: a helmet
under somebody's arm is smaller."""

_JOINTS: Final = np.array(QUALITY_JOINTS)


@dataclass(frozen=True)
class SecondLook:
    """Everything that looking again needs.

    Attributes:
        rgb: The working picture, uint8.
        padding: Added to each side of a crop, as a share of its longer side.
    """

    task: GuardedTask[tuple[FoundPose, ...]]
    rgb: Pixels
    padding: float

    def improve(self, choice: Choice, explained: Explained) -> tuple[FoundPose, ...]:
        """Adds people whom the first look missed, and refines a small subject.

        Where it is a toss-up who the subject is, nobody is looked at again: the estimate leaves
        the photo out, however closely it was looked at.

        Args:
            choice: The choice among what the first look found, in shares of the photo.
            explained: How the people and the person mask fit together.

        Returns:
            The chosen people, the same tuple, where a second look is not called for or shows
            nothing new; otherwise everybody found by both looks, some person perhaps twice.
        """
        people = choice.people
        if not people:
            return self._search(explained)
        if choice.ambiguous:
            return people
        strangers = self._strangers(explained)
        found = (*people, *strangers) if strangers else people
        choice = choose_subject(found) if strangers else choice
        subject = choice.subject
        if subject is None or choice.ambiguous or self.extent(subject) >= SMALL_PERSON:
            return found
        refined = self.again(subject)
        if refined is None:
            return found
        return tuple(refined if pose is subject else pose for pose in found)

    def _search(self, explained: Explained) -> tuple[FoundPose, ...]:
        """Looks where the mask shows somebody, and failing that in overlapping tiles.

        Crops show shapes to the model that it would never see in a whole photo, so what is
        found this way is believed only if another crop shows the same.
        """
        parts = explained.unexplained[:_STRANGERS]
        found = [pose for part in parts for pose in self.look(part.box)]
        if not found:
            height, width = self.rgb.shape[:2]
            tiles = _tiles(width, height)
            found = [pose for tile in tiles for pose in self.look(tile, padding=0.0)]
        candidates = choose_subject(found).people[:_CANDIDATES]
        confirmed = (self._confirmed(candidate) for candidate in candidates)
        return tuple(pose for pose in confirmed if pose is not None)

    def _confirmed(self, candidate: FoundPose) -> FoundPose | None:
        """Looks at somebody until two looks agree; None where they do not."""
        for _ in range(_CONFIRMATIONS):
            again = self.again(candidate)
            if again is None or _confidence(again) < _BELIEVED:
                return None
            if joint_distance(again.landmarks, candidate.landmarks) <= _SAME_POSE:
                return again
            candidate = again
        return None

    def _strangers(self, explained: Explained) -> list[FoundPose]:
        """Looks at the parts of the mask that nobody explains, where they are large enough."""
        return [
            pose
            for part in explained.unexplained[:_STRANGERS]
            if part.share >= _LARGE_STRANGER * explained.subject_share
            for pose in self.look(part.box)
            if visible_box(pose.landmarks).overlap(part.box) >= _SAME_PLACE
        ]

    def again(self, coarse: FoundPose) -> FoundPose | None:
        """Looks at a crop around somebody; None where nobody is found at that place."""
        box = visible_box(coarse.landmarks)
        there = [
            pose
            for pose in self.look(box)
            if visible_box(pose.landmarks).overlap(box) >= _SAME_PLACE
        ]
        return max(there, key=_confidence, default=None)

    def extent(self, pose: FoundPose) -> float:
        """How much of the photo's longer side the whole person would take.

        Of somebody without hips the picture shows half. Who is cut off by its edge is near, and
        a crop, which would show no more of them, only makes the landmarks worse.
        """
        height, width = self.rgb.shape[:2]
        box = visible_box(pose.landmarks)
        longer = max((box.right - box.left) * width, (box.bottom - box.top) * height)
        hips = landmark_confidence(pose.landmarks)[[LEFT_HIP, RIGHT_HIP]].max()
        shown = 1.0 if hips >= _HIP_SEEN else 0.5
        return float(longer / shown / max(width, height))

    def look(self, box: Box, padding: float | None = None) -> list[FoundPose]:
        """Looks for people in a crop.

        Args:
            box: Where, in shares of the photo.

        Returns:
            Whom it shows, in shares of the photo.
        """
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


def _tiles(width: int, height: int) -> tuple[Box, ...]:
    """Gives four tiles, or squares along a panorama that overlap by half."""
    aspect = max(width, height) / min(width, height)
    if aspect < _PANORAMA:
        return _TILES
    side = 1 / aspect
    starts = np.linspace(0, 1 - side, min(math.ceil(2 * aspect) - 1, _MOST_TILES)).tolist()
    if width > height:
        return tuple(Box(start, 0.0, start + side, 1.0) for start in starts)
    return tuple(Box(0.0, start, 1.0, start + side) for start in starts)


def _confidence(pose: FoundPose) -> float:
    return float(landmark_confidence(pose.landmarks)[_JOINTS].mean())
