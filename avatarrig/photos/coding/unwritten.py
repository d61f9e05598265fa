"""Files of the right size whose rest was never written, as copies leave them that broke off.

Decoders of WebP, HEIC and AVIF take such a rest for a picture and make something up. What is coded
holds so long a run of one byte only where the picture is flat, and then few bytes for many pixels,
so that more is asked of large pictures. (A JPEG gives what is there of it: `jpeg.written_part`.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from avatarrig.photos.coding import boxes, webp
from avatarrig.photos.damage import unless_damaged

_PIXELS: Final[dict[str, Callable[[bytes], Iterator[bytes]]]] = {
    "WebP": webp.pixels_of,
    "HEIC": boxes.pixels_of,
    "AVIF": boxes.pixels_of,
}
_RUN: Final = 512
"""Bytes: a sector of a disk."""
_RUN_WITHOUT_LOSS: Final = 4096
_FLAT_PIXELS: Final = 500
"""Even of a white picture a lossy WebP has a byte for 560 pixels."""


def is_unwritten(name: str, data: bytes, pixels: int) -> bool:
    """Whether the end of a picture was never written.

    Args:
        name: The format; others than these three are not looked into.
        data: The file's bytes.
        pixels: How many the picture has.
    """
    pixels_of = _PIXELS.get(name)
    if pixels_of is None:
        return False
    least = _RUN_WITHOUT_LOSS if name == "WebP" and webp.is_lossless(data) else _RUN
    run = max(least, pixels // _FLAT_PIXELS)
    return unless_damaged(
        lambda: any(_ends_in(piece, run) for piece in pixels_of(data)), otherwise=False
    )


def _ends_in(piece: bytes, run: int) -> bool:
    end = piece[-run:]
    return len(end) == run and end == end[:1] * run
