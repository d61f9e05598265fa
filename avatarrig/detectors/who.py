"""Who a photo is about: the most prominent of the people in it, and how sure that is."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from avatarrig.body.landmarks import QUALITY_JOINTS
from avatarrig.detectors.quality import inside_photo, landmark_confidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avatarrig.detectors.tasks import Floats, FoundPose

JOINT_CONFIDENCE: Final = 0.35
"""Least confidence of a joint that counts as seen."""

SAME_PERSON_IOU: Final = 0.6
"""Two boxes that overlap by more are of one person."""

SAME_PERSON_DISTANCE: Final = 0.10
"""Two poses whose joints are closer, as a share of the box's diagonal, are of one person."""

TOSS_UP: Final = 0.6
"""Where the second person is this prominent compared with the first, the choice is open."""

_JOINTS: Final = np.array(QUALITY_JOINTS)


@dataclass(frozen=True)
class Box:
    """An upright rectangle in shares of the photo's width and height."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Share of the photo, 0..1."""
        return max(self.right - self.left, 0.0) * max(self.bottom - self.top, 0.0)

    def overlap(self, other: Box) -> float:
        """Intersection over union."""
        shared = Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        ).area
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0


@dataclass(frozen=True)
class Choice:
    """Who was chosen.

    Attributes:
        subject: The chosen pose; None where nobody was found.
        people: Everybody found, each once, most prominent first.
        confidence: 1 where nobody rivals the subject, 0 where another is as prominent.
        ambiguous: Whether it was a toss-up.
    """

    subject: FoundPose | None
    people: tuple[FoundPose, ...]
    confidence: float
    ambiguous: bool


def visible_box(landmarks: Floats) -> Box:
    """Encloses the seen landmarks, cut off at the photo's edges.

    Args:
        landmarks: (33, 5) in shares of the photo. Where none is seen, all are enclosed.
    """
    return _enclose(landmarks, _seen(landmarks))


def _seen(landmarks: Floats) -> NDArray[np.bool_]:
    seen: NDArray[np.bool_] = landmark_confidence(landmarks) >= JOINT_CONFIDENCE
    return seen & inside_photo(landmarks)


def _enclose(landmarks: Floats, seen: NDArray[np.bool_]) -> Box:
    points = np.clip(landmarks[seen, :2] if seen.any() else landmarks[:, :2], 0.0, 1.0)
    left, top = points.min(axis=0)
    right, bottom = points.max(axis=0)
    return Box(float(left), float(top), float(right), float(bottom))


def prominence(landmarks: Floats) -> float:
    """Size x centrality x completeness, each 0..1.

    Size is the square root of the share of the photo that the visible box takes, so that it
    grows like a length. Centrality falls from 1 in the centre to a half in a corner.
    Completeness is the share of the 13 joints that are seen inside the photo.

    Args:
        landmarks: (33, 5) in shares of the photo.
    """
    seen = _seen(landmarks)
    box = _enclose(landmarks, seen)
    across, down = (box.left + box.right) / 2 - 0.5, (box.top + box.bottom) / 2 - 0.5
    centrality = 1.0 - math.hypot(across, down) / (2 * math.hypot(0.5, 0.5))
    return math.sqrt(box.area) * centrality * float(seen[_JOINTS].mean())


def joint_distance(first: Floats, second: Floats) -> float:
    """Median distance of the 13 joints of two poses, in diagonals of the larger visible box."""
    diagonal = max(
        float(np.hypot(box.right - box.left, box.bottom - box.top))
        for box in (visible_box(first), visible_box(second))
    )
    distances = np.hypot(*(first[_JOINTS, :2] - second[_JOINTS, :2]).T)
    return float(np.median(distances)) / max(diagonal, float(np.finfo(np.float32).tiny))


def same_person(first: Floats, second: Floats) -> bool:
    """Tells whether two poses of one photo are of one person: duplicates overlap."""
    if visible_box(first).overlap(visible_box(second)) > SAME_PERSON_IOU:
        return True
    return joint_distance(first, second) < SAME_PERSON_DISTANCE


def choose_subject(found: Sequence[FoundPose], most: int | None = None) -> Choice:
    """Chooses the subject among the poses of one photo.

    Args:
        found: In shares of the whole photo; one person may be there several times.
        most: Only so many people are kept, the most prominent ones; None keeps all.
    """
    if len(found) == 1:
        return Choice(found[0], tuple(found), 1.0, ambiguous=False)
    weighed = [(prominence(pose.landmarks), pose) for pose in found]
    weighed.sort(key=operator.itemgetter(0), reverse=True)
    kept: list[tuple[float, FoundPose]] = []
    for weight, pose in weighed:
        if not any(same_person(pose.landmarks, known.landmarks) for _, known in kept):
            kept.append((weight, pose))
    kept = kept[:most]
    if not kept:
        return Choice(None, (), 0.0, ambiguous=False)
    first, second = kept[0][0], kept[1][0] if len(kept) > 1 else 0.0
    rivalry = second / first if first > 0 else float(len(kept) > 1)
    people = tuple(pose for _, pose in kept)
    return Choice(people[0], people, 1.0 - rivalry, ambiguous=rivalry >= TOSS_UP)


def weigh_stranger(choice: Choice, stranger: float) -> Choice:
    """Lowers the confidence for somebody whom the mask shows and no pose explains.

    Args:
        stranger: Area of that part of the mask in areas of the subject's part.
    """
    if choice.subject is None:
        return choice
    confidence = min(choice.confidence, max(1.0 - stranger, 0.0))
    ambiguous = choice.ambiguous or stranger >= TOSS_UP
    return replace(choice, confidence=confidence, ambiguous=ambiguous)
