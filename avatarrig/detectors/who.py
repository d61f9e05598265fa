"""Who a photo is about: the most prominent of the people in it, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.detectors.quality import inside_photo, landmark_confidence
from avatarrig.landmarks import QUALITY_JOINTS

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
    seen = (landmark_confidence(landmarks) >= JOINT_CONFIDENCE) & inside_photo(landmarks)
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
    box = visible_box(landmarks)
    centre = np.array([box.left + box.right, box.top + box.bottom]) / 2
    centrality = 1.0 - float(np.hypot(*(centre - 0.5))) / (2 * np.hypot(0.5, 0.5))
    seen = (landmark_confidence(landmarks) >= JOINT_CONFIDENCE) & inside_photo(landmarks)
    return float(np.sqrt(box.area) * centrality * seen[_JOINTS].mean())


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
    ranked = sorted(found, key=lambda pose: prominence(pose.landmarks), reverse=True)
    people: list[FoundPose] = []
    for pose in ranked:
        if not any(same_person(pose.landmarks, known.landmarks) for known in people):
            people.append(pose)
    people = people[:most]
    if not people:
        return Choice(None, (), 0.0, ambiguous=False)
    first = prominence(people[0].landmarks)
    second = prominence(people[1].landmarks) if len(people) > 1 else 0.0
    rivalry = second / first if first > 0 else float(len(people) > 1)
    return Choice(people[0], tuple(people), 1.0 - rivalry, ambiguous=rivalry >= TOSS_UP)


def weigh_stranger(choice: Choice, stranger: float) -> Choice:
    """Lowers the confidence for somebody whom the mask shows and no pose explains.

    Args:
        choice: The choice among the poses.
        stranger: Area of that part of the mask in areas of the subject's part.
    """
    if choice.subject is None:
        return choice
    confidence = min(choice.confidence, max(1.0 - stranger, 0.0))
    ambiguous = choice.ambiguous or stranger >= TOSS_UP
    return replace(choice, confidence=confidence, ambiguous=ambiguous)
