"""Standing people who fill a box of the photo, as the pose landmarker finds them."""

from __future__ import annotations

import numpy as np

from avatarrig.detectors.outline import draw_outline
from avatarrig.detectors.person_mask import PersonMask
from avatarrig.detectors.tasks import FoundPose
from avatarrig.detectors.who import Box

BODY = {
    **dict.fromkeys(range(11), (0.5, 0.08)),
    1: (0.53, 0.07),
    4: (0.47, 0.07),
    7: (0.56, 0.08),
    8: (0.44, 0.08),
    11: (0.7, 0.22),
    12: (0.3, 0.22),
    13: (0.8, 0.4),
    14: (0.2, 0.4),
    15: (0.85, 0.55),
    16: (0.15, 0.55),
    17: (0.86, 0.58),
    18: (0.14, 0.58),
    19: (0.86, 0.58),
    20: (0.14, 0.58),
    21: (0.84, 0.57),
    22: (0.16, 0.57),
    23: (0.62, 0.52),
    24: (0.38, 0.52),
    25: (0.62, 0.74),
    26: (0.38, 0.74),
    27: (0.62, 0.95),
    28: (0.38, 0.95),
    29: (0.62, 0.97),
    30: (0.38, 0.97),
    31: (0.64, 1.0),
    32: (0.36, 1.0),
}


def person(box: Box, confidence: float = 0.9) -> FoundPose:
    """A standing person who fills a box of the photo."""
    size = (box.right - box.left, box.bottom - box.top)
    points = np.array([BODY[joint] for joint in range(33)]) * size + (box.left, box.top)
    rest = np.tile((0.0, confidence, confidence), (33, 1))
    return FoundPose(np.hstack([points, rest]).astype(np.float32), np.zeros((33, 3), np.float32))


def mask_of(*people: FoundPose) -> PersonMask:
    """A mask that covers these people and nothing else."""
    outline = draw_outline([found.landmarks for found in people], 256, 256, 0.4)
    return PersonMask(outline.astype(np.uint8) * 255)


MIDDLE = person(Box(0.35, 0.1, 0.65, 0.9))
LEFT = person(Box(0.02, 0.1, 0.3, 0.9))
RIGHT_SMALL = person(Box(0.8, 0.3, 0.9, 0.6))
