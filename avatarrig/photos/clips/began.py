"""When a clip was taken: its container says so, or its name."""

from __future__ import annotations

import struct
import time
from pathlib import Path
from typing import Final

from avatarrig.files import opened
from avatarrig.photos.capture import EARLIEST, read_capture_time

_SHORTEST_HEADER: Final = 12
"""Bytes of a box's version, flags and a time of 64 bits."""
_MARK: Final = b"mvhd"
_PIECE: Final = 4 << 20
"""The movie header stands within so many bytes of either end."""

_SINCE_1904: Final = 2_082_844_800
"""Seconds from 1904, where QuickTime's clock begins, to 1970 (ISO/IEC 14496-12, 8.2.2)."""


def clip_began(head: bytes, tail: bytes, *, name: str = "") -> float | None:
    """Finds out when a clip begins.

    Args:
        head: The file's first bytes.
        tail: Its last ones.
        name: Its name, or path.

    Returns:
        Unix seconds; None where nothing says, or what does is implausible.
    """
    named = read_capture_time(b"", name=name)
    if named is not None:
        return named
    for piece in (head, tail):
        at = piece.find(_MARK)
        if at >= 0 and (made := _made(piece[at + len(_MARK) :])) is not None:
            return made
    return None


def _made(box: bytes) -> float | None:
    """Reads the time out of a movie header, version 0 or 1."""
    if len(box) < _SHORTEST_HEADER:
        return None
    seconds = struct.unpack(">Q" if box[0] else ">I", box[4:12] if box[0] else box[4:8])[0]
    made = float(seconds - _SINCE_1904)
    return made if EARLIEST <= made <= time.time() + 86_400 else None


def ends_of(clip: Path) -> tuple[bytes, bytes]:
    """Reads the first and last bytes of a file, as many as a movie header may be away.

    Raises:
        OSError: It cannot be read.
    """
    with opened(clip) as (stream, _):
        head = stream.read(_PIECE)
        size = stream.seek(0, 2)
        stream.seek(max(len(head), size - _PIECE))
        return head, stream.read(_PIECE)
