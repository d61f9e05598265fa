"""Files of the right size whose rest was never written, as copies leave them that broke off.

Decoders of WebP, HEIC and AVIF take such a rest for a picture and make something up. What is coded
holds so long a run of one byte only where the picture is flat, and then few bytes for many pixels,
so that more is asked of large pictures. (A JPEG gives what is there of it: `jpeg.written_part`.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from avatarrig.photos.coding import boxes, webp
from avatarrig.photos.damage import unless_damaged

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
    flat = pixels // _FLAT_PIXELS
    return unless_damaged(
        lambda: any(_ends_in(piece, max(run, flat)) for piece, run in _pieces(name, data)),
        otherwise=False,
    )


def _pieces(name: str, data: bytes) -> Iterator[tuple[bytes, int]]:
    """Gives what is coded, and how long a run of one byte it does not hold."""
    if name == "WebP":
        for piece, is_lossless in webp.colours_of(data):
            yield piece, _RUN_WITHOUT_LOSS if is_lossless else _RUN
    elif name in {"HEIC", "AVIF"}:
        for piece in boxes.pixels_of(data):
            yield piece, _RUN


def _ends_in(piece: bytes, run: int) -> bool:
    end = piece[-run:]
    return len(end) == run and end == end[:1] * run
