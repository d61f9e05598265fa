"""A glance at a photo: how sharp it is, and a small picture of it to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, cast

import cv2
import msgspec
import numpy as np
from msgspec import Meta

from avatarrig.photos.decode import decode_photo
from avatarrig.photos.refused import PhotoRefusedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONG_SIDE: Final = 320
"""Pixels at which sharpness is measured: the landmark models see at most 256 of a person."""

SMALL_SIDE: Final = 96
"""Pixels of the long side of the small picture."""

ALIKE: Final = 0.5
"""Nearly alike are photos that are less apart: see `apart`. Of rendered people, consecutive frames
of a burst are mostly 0.2 to 0.6 apart, photos of one session 1 and more."""

_MOST_PIXELS: Final = 50_000_000
"""Larger photos, which no camera makes by the hundred, are not looked at."""

_CELLS: Final = 6
_LEAST_CONTRAST: Final = 10.0
_FARTHEST: Final = 0.12
"""Share of the long side by which near-copies are shifted at most."""

_OTHER_SHAPE: Final = 0.02
_BORDER: Final = 2
_NARROWEST: Final = 2 * (_BORDER + round(_FARTHEST * SMALL_SIDE) + _CELLS)
"""Narrower pictures, 1 to 2.5, have too little in common when one is moved."""


class Look(msgspec.Struct, frozen=True):
    """What a glance tells.

    Attributes:
        sharpness: Variance of the Laplacian, in grey levels squared.
        width: Of the small picture.
        picture: Its grey levels, row by row.
    """

    sharpness: Annotated[float, Meta(ge=0)]
    width: Annotated[int, Meta(ge=1, le=SMALL_SIDE)]
    picture: Annotated[bytes, Meta(min_length=1, max_length=SMALL_SIDE**2)]

    def __post_init__(self) -> None:
        """Refuses half a row: the process that looks at photos may have gone astray."""
        if len(self.picture) % self.width:
            raise ValueError("the rows of a small picture are not whole")

    @property
    def levels(self) -> NDArray[np.float32]:
        """The small picture's grey levels, without their mean."""
        levels = np.frombuffer(self.picture, np.uint8).reshape(-1, self.width).astype(np.float32)
        return cast("NDArray[np.float32]", levels - levels.mean())


def look_at(data: bytes) -> Look | None:
    """Looks at a photo; None where it cannot be decoded, or is too large for a glance."""
    try:
        photo = decode_photo(data, max_pixels=_MOST_PIXELS, long_side=LONG_SIDE)
    except PhotoRefusedError:
        return None
    grey = cast("NDArray[np.uint8]", cv2.cvtColor(photo.rgb, cv2.COLOR_RGB2GRAY))
    small = reduced(reduced(grey, LONG_SIDE), SMALL_SIDE)
    return Look(sharpness(reduced(grey, LONG_SIDE)), small.shape[1], small.tobytes())


def reduced(grey: NDArray[np.uint8], long_side: int) -> NDArray[np.uint8]:
    """Reduces a picture to that many pixels on its long side, where it has more."""
    scale = long_side / max(grey.shape)
    if scale >= 1:
        return grey
    size = [max(1, round(side * scale)) for side in grey.shape[::-1]]
    return cast("NDArray[np.uint8]", cv2.resize(grey, size, interpolation=cv2.INTER_AREA))


def sharpness(grey: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian, in grey levels squared; of pictures of one size."""
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def apart(one: Look, other: Look) -> float:
    """How far two photos differ, in that 36th of the picture where they differ most.

    A hand that holds a camera moves: they are first laid over each other. What is measured is the
    mean difference of grey levels, in shares of their standard deviation, so that a person who
    moves before a wall that stands tells more than all of the wall.

    Returns:
        0 of the same picture; infinity of pictures of another shape.
    """
    before, after = one.levels, other.levels
    height, width = before.shape
    if abs(after.shape[0] / after.shape[1] - height / width) > _OTHER_SHAPE * height / width:
        return np.inf
    if after.shape != before.shape:
        after = np.asarray(cv2.resize(after, (width, height)), np.float32)
    if min(width, height) <= _NARROWEST:
        return 0.0 if np.array_equal(before, after) else np.inf
    shift = _shift(before, after)
    border = _BORDER + int(np.ceil(np.abs(shift).max()))
    inside = (slice(border, height - border), slice(border, width - border))
    as_they_lie = cv2.absdiff(before, after)[inside]
    laid_over = cv2.absdiff(before, _moved(after, shift))[inside]
    nearer = min(as_they_lie, laid_over, key=lambda apart: float(apart.mean()))
    cells = cv2.resize(nearer, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    return float(cells.max()) / max(float(before.std()), _LEAST_CONTRAST)


def _shift(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pixels by which a picture lies to the right of another and below it; 0 where it is far."""
    window = cv2.createHanningWindow(before.shape[::-1], cv2.CV_32F)
    shift = np.asarray(cv2.phaseCorrelate(before, after, window)[0])
    return shift if np.abs(shift).max() <= _FARTHEST * max(before.shape) else np.zeros(2)


def _moved(picture: NDArray[np.float32], shift: NDArray[np.float64]) -> NDArray[np.float32]:
    matrix = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], np.float32)
    size = picture.shape[::-1]
    moved = cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)
