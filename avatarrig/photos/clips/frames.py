"""Frames of a clip, decoded by OpenCV: native code that runs in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import cv2
import msgspec
import numpy as np

from avatarrig.files import opened
from avatarrig.photos.looks.look import LONG_SIDE, reduced, sharpness
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.wire.reasons import RejectReason

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WITH_COLOURS: Final = 3
"""Dimensions of a frame that is not grey."""
LOOKS_A_SECOND: Final = 4.0
"""Frames of each second of a clip that are looked at."""

MOST_LOOKS: Final = 1200
"""Frames of a clip that are looked at; of a longer clip fewer each second."""

MOST_FRAMES: Final = 40
"""Frames of a clip that are chosen at most."""

LEAST_CHANGE: Final = 0.06
"""Share of the range of brightness by which a chosen frame differs from the one before it, where
it differs most: a ninth of the picture. A person who stands still is chosen once."""

_BEGINNINGS: Final = (
    b"\x1a\x45\xdf\xa3",
    b"FLV",
    b"OggS",
    b"\x30\x26\xb2\x75",
    b"\x00\x00\x01\xba",
    b"\x00\x00\x01\xb3",
)
"""Of Matroska and WebM, Flash, Ogg, Windows Media, MPEG programs and MPEG video."""

_HEAD: Final = 200
_CELLS: Final = 3
_USUAL_RATE: Final = 30.0
_MOST_RATE: Final = 1000.0


class Look(msgspec.Struct, frozen=True):
    """A frame that was looked at.

    Attributes:
        seconds: From the clip's beginning.
        sharpness: Variance of the Laplacian, in grey levels squared.
        picture: The frame in grey, small.
    """

    seconds: float
    sharpness: float
    picture: NDArray[np.uint8]


def choose_frames(clip: Path) -> list[float]:
    """Chooses frames that show something new, the sharpest of their moment.

    Of every second the sharpest frame is taken; of these each that differs from the last one
    that was chosen.

    Returns:
        Seconds from the beginning; nothing where no frame can be decoded.
    """
    sharpest: dict[int, Look] = {}
    for look in _looks(clip):
        known = sharpest.get(int(look.seconds))
        if known is None or look.sharpness > known.sharpness:
            sharpest[int(look.seconds)] = look
    chosen: list[Look] = []
    for look in sharpest.values():
        if not chosen or change(chosen[-1].picture, look.picture) >= LEAST_CHANGE:
            chosen.append(look)
    if len(chosen) > MOST_FRAMES:
        places = np.linspace(0, len(chosen) - 1, MOST_FRAMES).round().astype(int)
        chosen = [chosen[place] for place in places]
    return [round(look.seconds, 3) for look in chosen]


def change(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """How far two small grey pictures differ, 0..1, in that ninth where they differ most."""
    if before.shape != after.shape:
        return 1.0
    apart = cv2.absdiff(before, after).astype(np.float32)
    cells = cv2.resize(apart, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    return float(cells.max()) / 255


def read_frame(clip: Path, seconds: float, most_pixels: int) -> bytes:
    """Decodes one frame, upright, as the bytes of a BMP.

    Args:
        seconds: From its beginning, as `choose_frames` gave it.
        most_pixels: Larger frames are refused.

    Raises:
        PhotoRefusedError: It cannot be decoded, or is too large.
    """
    sides = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    with _opened(clip) as capture:
        width, height = (int(capture.get(side)) for side in sides)
        if width * height > most_pixels:
            raise PhotoRefusedError(
                RejectReason.TOO_LARGE,
                f"frames of {width} × {height} pixels are more than {most_pixels}: save the clip "
                "smaller",
            )
        capture.set(cv2.CAP_PROP_POS_FRAMES, round(seconds * _rate(capture)))
        is_read, frame = capture.read()
    written, data = cv2.imencode(".bmp", frame) if is_read else (False, np.empty(0, np.uint8))
    if not written:
        raise PhotoRefusedError(
            RejectReason.UNREADABLE,
            f"no frame of the clip can be decoded at {seconds:g} s: it is damaged, or of a coding "
            "that is not read; save it anew as MP4 (H.264)",
        )
    return bytes(data)


def _looks(clip: Path) -> Iterator[Look]:
    with _opened(clip) as capture:
        rate = _rate(capture)
        frames = max(capture.get(cv2.CAP_PROP_FRAME_COUNT), 0.0)
        step = max(1, round(rate / LOOKS_A_SECOND), round(frames / MOST_LOOKS))
        for number in range(step * MOST_LOOKS):
            if not capture.grab():
                return
            if number % step:
                continue
            is_read, frame = capture.retrieve()
            if is_read:
                yield _look(cast("NDArray[np.uint8]", frame), number / rate)


def _look(frame: NDArray[np.uint8], seconds: float) -> Look:
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) if frame.ndim == _WITH_COLOURS else frame
    small = reduced(cast("NDArray[np.uint8]", grey), LONG_SIDE)
    return Look(seconds, sharpness(small), small)


def _rate(capture: cv2.VideoCapture) -> float:
    rate = float(capture.get(cv2.CAP_PROP_FPS))
    return rate if 0 < rate <= _MOST_RATE else _USUAL_RATE


def is_clip(head: bytes) -> bool:
    """Whether a file begins as a clip does; its first 200 bytes are enough.

    FFmpeg would take a playlist for one, and open what that names.
    """
    return (
        head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
        or head.startswith(_BEGINNINGS)
        or (head.startswith(b"RIFF") and head[8:12] == b"AVI ")
        or (head[:1] == head[188:189] == b"G")
        or (head[4:5] == head[196:197] == b"G")
    )


@contextmanager
def _opened(clip: Path) -> Iterator[cv2.VideoCapture]:
    with opened(clip) as (stream, _):
        is_known = is_clip(stream.read(_HEAD))
    capture = cv2.VideoCapture()
    if is_known:
        capture.open(str(clip), cv2.CAP_FFMPEG)
    try:
        yield capture
    finally:
        capture.release()
