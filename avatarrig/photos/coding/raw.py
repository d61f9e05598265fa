"""Raw photos: told from TIFF, and read by the preview that cameras put in, by an extra."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from avatarrig.photos.damage import unless_damaged
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.wire.reasons import RejectReason

SIGNATURES: Final = (
    b"FUJIFILMCCD-RAW",
    b"FOVb",  # Sigma
    b"IIRO",  # Olympus
    b"IIRS",
    b"MMOR",
    b"IIU\0",  # Panasonic
    b"\0MRM",  # Minolta
    b"HEAPCCDR",  # Canon's CRW, behind six bytes
)
_CANON_AT: Final = 8
_CANON: Final = b"CR"
_CRW_AT: Final = 6
_BRAND: Final = b"ftypcrx "
_BRAND_AT: Final = 4

_COMPRESSION, _PHOTOMETRIC, _SUB_DIRECTORIES, _DNG_VERSION = 259, 262, 330, 50706
_SENSOR: Final = {32803, 34892}
"""Colours as the sensor has them, before and after each pixel got all of them."""
_RAW_COMPRESSIONS: Final = {32767, 32769, 32770, 34713, 65000, 65535}
_MOST_DIRECTORIES: Final = 8

_ORIENTATIONS: Final = {0: 1, 3: 3, 5: 8, 6: 6}
"""LibRaw's number of a turn, and that of EXIF."""


@dataclass(frozen=True)
class Preview:
    """The picture that a raw photo carries.

    Attributes:
        jpeg: As a JPEG; None where it has none.
        rgb: Its pixels, where it has no JPEG: height x width x 3.
        orientation: EXIF orientation that the raw photo says is to be applied.
    """

    jpeg: bytes | None
    rgb: NDArray[np.uint8] | None
    orientation: int


def is_raw(data: bytes) -> bool:
    """Tells whether a file is a raw photo of a camera, DNG included."""
    if data.startswith(SIGNATURES) or data[_CRW_AT:].startswith(SIGNATURES[-1]):
        return True
    if data[_BRAND_AT:].startswith(_BRAND) or data[_CANON_AT:].startswith(_CANON):
        return True
    return unless_damaged(lambda: any(map(_is_of_sensor, _directories(data))), otherwise=False)


def _is_of_sensor(fields: dict[int, Any]) -> bool:
    return (
        _DNG_VERSION in fields
        or fields.get(_PHOTOMETRIC) in _SENSOR
        or fields.get(_COMPRESSION) in _RAW_COMPRESSIONS
    )


def read_preview(data: bytes) -> Preview:
    """Reads the preview of a raw photo; where it has none, half its pixels are developed.

    Raises:
        PhotoRefusedError: The extra is not installed, or the file is damaged.
    """
    try:
        import rawpy  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise PhotoRefusedError(
            RejectReason.UNSUPPORTED,
            "This is a raw photo, which is read with another package: "
            "pip install 'avatarrig[raw]' where detectors run, or export it as JPEG.",
        ) from error
    try:
        with rawpy.imread(io.BytesIO(data)) as photo:
            orientation = _ORIENTATIONS.get(photo.sizes.flip, 1)
            with contextlib.suppress(
                rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError
            ):
                thumbnail = photo.extract_thumb()
                if thumbnail.format == rawpy.ThumbFormat.JPEG:
                    return Preview(bytes(thumbnail.data), None, orientation)
                return Preview(None, np.ascontiguousarray(thumbnail.data, np.uint8), orientation)
            developed = photo.postprocess(half_size=True, use_camera_wb=True)
            return Preview(None, developed, 1)
    except rawpy.LibRawError as error:
        raise PhotoRefusedError(
            RejectReason.UNREADABLE,
            f"The raw photo is damaged, or of a camera that is not known here ({error}). "
            "Copy it again from the camera or the backup, or export it as JPEG.",
        ) from error


def _directories(data: bytes) -> Iterator[dict[int, Any]]:
    stream = io.BytesIO(data)
    header = stream.read(8)
    first = ImageFileDirectory_v2(header)
    waiting = [first.next]
    for _ in range(_MOST_DIRECTORIES):
        if not waiting:
            return
        directory = ImageFileDirectory_v2(header)
        stream.seek(waiting.pop(0))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is damaged only what is whole is used
            directory.load(stream)
            fields = dict(directory)
        yield fields
        inner = fields.get(_SUB_DIRECTORIES, ())
        waiting += inner if isinstance(inner, tuple) else [inner]
