"""What a photo's bytes say about it: hash, size, capture time."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from avatarrig.files import opened
from avatarrig.photos.coding import jpeg
from avatarrig.photos.formats import sniff_format
from avatarrig.photos.picture_digest import picture_digest
from avatarrig.photos.source import too_large

if TYPE_CHECKING:
    from avatarrig.photos.looks.look import Look

CaptureTime = Callable[[bytes, slice], float | None]
"""Reads when a photo was taken from its bytes, told where a JPEG's scans lie in them."""

Looks = Callable[[bytes], "Look | None"]
"""Looks at a photo's bytes; see `producers.looking`."""

HEAD_BYTES = 32 << 20
"""As much of a file is kept in memory, to look for capture time and names in it."""
PIECE_BYTES = 1 << 18


class PhotoContent(msgspec.Struct, frozen=True):
    """What was read from a photo's bytes.

    Attributes:
        content_hash: SHA-256, hexadecimal.
        size: Bytes.
        captured_at: Unix seconds, None where the file does not say.
        picture: Stands for what makes the picture, hexadecimal; empty where that cannot be told.
        frames: Of a clip, the frames to look at, seconds from its beginning.
        look: What it looks like at a glance; None where nobody asked, or it cannot be told.
    """

    content_hash: str
    size: int
    captured_at: float | None
    picture: str = ""
    frames: tuple[float, ...] = ()
    look: Look | None = None


def read_content(
    file: Path, capture_time: CaptureTime, looks: Looks | None = None, *, most: int | None = None
) -> PhotoContent:
    """Hashes a file in one pass, in bounded memory.

    Args:
        capture_time: Reads the capture time from a file's bytes, or from the first
            `HEAD_BYTES` of a larger one.
        looks: Looks at the photo, where that is asked for; not at a larger one.
        most: Bytes; a larger file is not read. None where there is no limit.

    Returns:
        What the bytes say.

    Raises:
        OSError: The file cannot be read, or is larger; IsADirectoryError also for a pipe or device.
    """
    with opened(file) as (stream, status):
        if most is not None and status.st_size > most:
            raise OSError(errno.EFBIG, too_large(status.st_size, most), str(file))
        return read_stream(stream, capture_time, looks, expected=status.st_size, most=most)


def begin_reading(file: Path) -> None:
    """Has the system fetch what will be read of a file, while others are being hashed.

    It is a hint: where it cannot be given, reading tells why.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    with contextlib.suppress(OSError), opened(file) as (stream, _):
        os.posix_fadvise(stream.fileno(), 0, HEAD_BYTES, os.POSIX_FADV_WILLNEED)


def read_stream(
    stream: BinaryIO | io.FileIO,
    capture_time: CaptureTime,
    looks: Looks | None = None,
    *,
    expected: int = 0,
    most: int | None = None,
) -> PhotoContent:
    """Hashes an open file, from where it stands to its end.

    Args:
        stream: Yields the bytes.
        capture_time, looks: As in `read_content`.
        expected: About how many bytes there are, where that is known: so many are read at once,
            as putting pieces together takes longer than hashing them.
        most: Bytes; what turns out to be more, since it grew meanwhile, is not read on.

    Raises:
        OSError: It cannot be read, or is larger.
    """
    digest = hashlib.sha256()
    head: list[bytes] = []
    size = 0
    wanted = max(PIECE_BYTES, min(expected + 1, HEAD_BYTES))
    while piece := stream.read(wanted):
        digest.update(piece)
        if size < HEAD_BYTES:
            head.append(piece[: HEAD_BYTES - size])
        size += len(piece)
        wanted = PIECE_BYTES
        if most is not None and size > most:
            raise OSError(errno.EFBIG, too_large(size, most))
    start = b"".join(head)
    is_whole = len(start) == size
    coded = jpeg.coded_pixels(start) if sniff_format(start) == "JPEG" else slice(0, 0)
    return PhotoContent(
        digest.hexdigest(),
        size,
        capture_time(start, coded),
        picture_digest(start, coded) if is_whole else "",
        look=looks(start) if looks is not None and is_whole else None,
    )
