"""What of a photo stays the same in its copies: the pose, and what the person looks like in it.

A re-encoded, scaled, cropped, filtered or mirrored copy of a photo, and the next frame of a
burst, show the same pose in the same surroundings; two photos that were taken at different times
hardly ever do. Both are told in a few small whole numbers that can be added up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

MOST: Final = 31
"""Numbers of a likeness are 0 to this."""


def _across(left: FloatArray, right: FloatArray) -> FloatArray:
    return left[:, 0] - right[:, 0]


def _down(left: FloatArray, right: FloatArray) -> FloatArray:
    return left[:, 1] + right[:, 1]


def _unlevel(left: FloatArray, right: FloatArray) -> FloatArray:
    return abs(left[:, 1] - right[:, 1])


def _aside(left: FloatArray, right: FloatArray) -> FloatArray:
    return abs(left[:, 0] + right[:, 0])


_SHOULDERS, _ELBOWS, _WRISTS, _KNEES = (11, 12), (13, 14), (15, 16), (25, 26)
_POSE: Final = (
    (_WRISTS, _across, -0.9),
    (_WRISTS, _down, -1.1),
    (_WRISTS, _unlevel, 0.0),
    (_KNEES, _down, -0.1),
    (_KNEES, _across, -0.8),
    (_SHOULDERS, _across, -0.8),
    (_WRISTS, _aside, 0.0),
    (_ELBOWS, _across, -0.8),
)
"""Joints, what is told of them, and the metres that 0 stands for."""

POSE_LENGTH: Final = len(_POSE)
_POSE_STEP: Final = 0.05
"""Metres; copies of a photo differ by less than one of these in most."""

LOOK_SIDE: Final = 4
LOOK_LENGTH: Final = LOOK_SIDE * LOOK_SIDE
_LOOK_STEP: Final = 0.2
_LOOK_LEAST: Final = -2.4
_FAINT: Final = 4.0
"""Spread of brightness, of 255, below which a picture hardly shows anything."""


def pose_likeness(world: NDArray[np.floating[Any]]) -> tuple[int, ...]:
    """Tells the pose by where wrists, elbows, shoulders and knees lie, seen from the camera.

    Of each pair the sum and the difference are told, without the sign that a mirror changes.

    Args:
        world: (33, 3) world landmarks, metres.

    Returns:
        `POSE_LENGTH` numbers.
    """
    return pose_likenesses(world[None])[0]


def pose_likenesses(worlds: NDArray[np.floating[Any]]) -> list[tuple[int, ...]]:
    """The same of many photos (n, 33, 3) at once."""
    points = np.asarray(worlds, np.float64)
    with np.errstate(invalid="ignore"):  # 0 stands for what is no number
        told = [
            (tell(points[:, left], points[:, right]) - least) / _POSE_STEP
            for (left, right), tell, least in _POSE
        ]
    return list(zip(*(_whole(column).tolist() for column in told), strict=True))


def look_likeness(patch: NDArray[np.floating[Any]]) -> tuple[int, ...]:
    """Tells how light and dark are spread around the person's trunk.

    What is even in left and right is told as it is, what is odd without its sign, so a mirror
    changes nothing; neither do brightness and contrast.

    Args:
        patch: (4, 4) mean brightness, 0 to 255; the trunk stands in the middle.

    Returns:
        `LOOK_LENGTH` numbers.
    """
    centred = patch - patch.mean()
    even_sided = centred / (np.sqrt(np.mean(centred**2)) + _FAINT)
    other = even_sided[:, ::-1]
    half = LOOK_SIDE // 2
    even, odd = (even_sided + other)[:, :half] / 2, np.abs(even_sided - other)[:, :half] / 2
    told = (np.concatenate([even.ravel(), odd.ravel()]) - _LOOK_LEAST) / _LOOK_STEP
    return tuple(_whole(told).tolist())


def is_look(numbers: Sequence[int]) -> bool:
    """Tells whether these are what `look_likeness` gives."""
    return len(numbers) == LOOK_LENGTH and min(numbers) >= 0 and max(numbers) <= MOST


def _whole(values: FloatArray) -> NDArray[np.int64]:
    """Rounds to the nearest of the numbers there are; 0 for what is none."""
    return np.rint(np.clip(np.nan_to_num(values, nan=0.0), 0, MOST)).astype(np.int64)
