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

    from avatarrig.body.bones import FloatArray

MOST: Final = 31
"""Numbers of a likeness are 0 to this."""

_ACROSS, _DOWN, _UNLEVEL, _ASIDE = range(4)
_SHOULDERS, _ELBOWS, _WRISTS, _KNEES = (11, 12), (13, 14), (15, 16), (25, 26)
_POSE: Final = (
    (_WRISTS, _ACROSS, -0.9),
    (_WRISTS, _DOWN, -1.1),
    (_WRISTS, _UNLEVEL, 0.0),
    (_KNEES, _DOWN, -0.1),
    (_KNEES, _ACROSS, -0.8),
    (_SHOULDERS, _ACROSS, -0.8),
    (_WRISTS, _ASIDE, 0.0),
    (_ELBOWS, _ACROSS, -0.8),
)
"""Joints, what is told of them, and the metres that 0 stands for."""

_LEFT = [left for (left, _), _, _ in _POSE]
_RIGHT = [right for (_, right), _, _ in _POSE]
_TOLD = np.array([told for _, told, _ in _POSE])
_LEAST = np.array([least for _, _, least in _POSE])
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
    left, right = np.asarray(world, np.float64)[_LEFT], np.asarray(world, np.float64)[_RIGHT]
    apart, together = left - right, left + right
    told = np.choose(
        _TOLD, [apart[:, 0], together[:, 1], np.abs(apart[:, 1]), np.abs(together[:, 0])]
    )
    return _whole((told - _LEAST) / _POSE_STEP)


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
    return _whole((np.concatenate([even.ravel(), odd.ravel()]) - _LOOK_LEAST) / _LOOK_STEP)


def is_look(numbers: Sequence[int]) -> bool:
    """Tells whether these are what `look_likeness` gives."""
    return len(numbers) == LOOK_LENGTH and all(0 <= number <= MOST for number in numbers)


def _whole(values: FloatArray) -> tuple[int, ...]:
    usual = np.nan_to_num(values, nan=0.0, posinf=MOST, neginf=0)
    return tuple(np.clip(np.rint(usual), 0, MOST).astype(int).tolist())
