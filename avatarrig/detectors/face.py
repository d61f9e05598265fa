"""The subject's face: looked for around the head that the pose shows.

In a crop around the head the face landmarker finds more faces than in the whole photo, for
less, and it finds the subject's instead of the largest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.landmarks import NOSE
from avatarrig.detectors.tasks import MIN_SIDE, FoundFace

if TYPE_CHECKING:
    from avatarrig.detectors.tasks import Floats, GuardedTask, Pixels

HEAD_LANDMARKS: Final = 11
"""The first eleven of MediaPipe's pose landmarks lie on the head."""

NOSE_TIP: Final = 1
"""The face mesh's vertex at the tip of the nose."""

_CROP_REACH: Final = 1.6
"""Half the crop's side, in extents of the head's landmarks: hair and chin lie outside them."""

_SAME_HEAD: Final = 0.75
"""The face's nose is at most this many head extents from the pose's."""


def find_face(
    task: GuardedTask[tuple[FoundFace, ...]], rgb: Pixels, pose: Floats
) -> FoundFace | None:
    """Finds the face of the person with this pose.

    Args:
        rgb: The whole picture, uint8.
        pose: (33, 5) in shares of the picture.

    Returns:
        The face in shares of the picture, z in the scale of x; None where the head is outside
        the picture or turned away, or the face found there is somebody else's.
    """
    height, width = rgb.shape[:2]
    head = pose[:HEAD_LANDMARKS, :2].astype(float) * (width, height)
    extent = float(np.ptp(head, axis=0).max())
    centre = (head.min(axis=0) + head.max(axis=0)) / 2
    left, top = np.maximum(centre - _CROP_REACH * extent, 0).astype(int)
    right, bottom = np.minimum(np.ceil(centre + _CROP_REACH * extent), (width, height)).astype(int)
    if min(right - left, bottom - top) < MIN_SIDE:
        return None
    found = task.run(rgb[top:bottom, left:right])
    if not found:
        return None
    face = found[0].landmarks * (right - left, bottom - top, right - left) + (left, top, 0)
    nose = pose[NOSE, :2].astype(float) * (width, height)
    if np.hypot(*(face[NOSE_TIP, :2] - nose)) > _SAME_HEAD * extent:
        return None
    landmarks = (face / (width, height, width)).astype(np.float32)
    return FoundFace(landmarks, found[0].blendshapes)
