"""From a photo's bytes to an upright RGB picture no larger than detection needs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avatarrig.photos.coding import jpeg
from avatarrig.photos.coding.jpeg_xl import decode_jpeg_xl
from avatarrig.photos.coding.layouts import read_fields
from avatarrig.photos.coding.unwritten import is_unwritten
from avatarrig.photos.formats import Format
from avatarrig.photos.header import (
    PhotoHeader,
    read_header,
    unknown_coding,
    unusual_coding,
)
from avatarrig.photos.metadata import FIRST_TRANSPOSED_ORIENTATION
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.photos.sizes import (
    DEFAULT_MAX_PIXELS,
    GRAY_MODES,
    OPENCV_FORMATS,
    WORKING_LONG_SIDE,
    check_size,
    reduction,
)
from avatarrig.wire.reasons import RejectReason

Pixels = NDArray[np.uint8]

_GRAY: Final = 2
"""Dimensions of a picture without colours: height and width."""
_COLOURS: Final = 3
_BITS_OF_A_BYTE: Final = 8
_JPEG_FLAGS: Final = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
_WIDE_MODES: Final = frozenset({"I;16", "I;16L", "I;16B", "I;16N", "I", "F"})

_WHOLE_WHITES: Final = tuple((2**bits - 1, 2.0**bits - 1) for bits in (8, 15, 16, 32))
_FLOATING_WHITES: Final = ((32.0, 1.0), (256.0, 255.0), (65_536.0, 65_535.0))
"""The highest value that a picture may have, and what is white in it then."""

_PNG_DEPTH_AT: Final = 24
"""Place of the bits per channel in a PNG, whose first chunk is always the header."""
_WITH_ALPHA: Final = 4
_OPAQUE: Final = 255

_ALPHA_UNSET: Final = frozenset({"BMP", "TIFF"})
"""Where an alpha channel that is 0 everywhere was never set, and programs show the colours."""

_UPSIDE_DOWN: Final = 0
_LEFT_TO_RIGHT: Final = 1
_BOTH: Final = -1
_FLIPS: Final = {
    2: _LEFT_TO_RIGHT,
    3: _BOTH,
    4: _UPSIDE_DOWN,
    6: _LEFT_TO_RIGHT,
    7: _BOTH,
    8: _UPSIDE_DOWN,
}
"""OpenCV's number of the flip for each EXIF orientation (EXIF 2.32, tag 274), after those from 5
on are transposed. OpenCV turns a picture in a tenth of numpy's time."""

_MISSING_GRAY: Final = 128
"""What the JPEG decoder paints where the data ended early."""
_SMALLEST_USABLE_SHARE: Final = 1 / 3
"""A cut-off JPEG is used when at least this share of its rows is there."""


@dataclass(frozen=True)
class DecodedPhoto:
    """A photo ready for detection.

    Attributes:
        rgb: uint8, height x width x 3, C-contiguous, upright. It is reduced by a power of two
            so that its long side stays at 960 pixels or more where the photo has them.
        width: Upright width of the original in pixels.
        height: Upright height of the original in pixels.
        format: What the content is, whatever the file is called.
        complete: False where a cut-off file still gave a usable part of the picture.
    """

    rgb: Pixels
    width: int
    height: int
    format: Format
    complete: bool = True


def decode_photo(
    data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS, long_side: int = WORKING_LONG_SIDE
) -> DecodedPhoto:
    """Decodes a photo upright and reduced.

    Every format gives 8-bit RGB: gray, CMYK, palette and 16-bit pictures are converted,
    transparent ones are laid on white, of an animation the first frame is taken.

    Args:
        data: The file's bytes.
        max_pixels: Photos with more pixels are refused before any is decoded.
        long_side: Pixels that its long side keeps where the photo has them.

    Raises:
        PhotoRefusedError: Reason ``empty``, ``unsupported``, ``unreadable``, ``too_large``,
            ``too_small`` or ``truncated_beyond_use``.
    """
    header = read_header(data)
    check_size(header, max_pixels)
    factor = reduction(header.width, header.height, long_side)
    stored, complete = _decode(header, factor)
    rgb = _to_rgb(_turn_upright(_reduce(stored, header, factor), header.orientation))
    width, height = header.upright_size
    return DecodedPhoto(rgb, width, height, header.format, complete)


def _decode(header: PhotoHeader, factor: int) -> tuple[Pixels, bool]:
    """Gives the pixels as they are stored, and whether all of them are there."""
    if header.stored_as == "JPEG":
        return _decode_jpeg(header, factor)
    return _decode_whole(header, factor), True


def _decode_whole(header: PhotoHeader, factor: int) -> Pixels:
    if is_unwritten(header.stored_as, header.data, header.pixels):
        raise _unreadable(header)
    if header.stored_as == "JPEG XL":
        return _decode_jpeg_xl(header)
    if header.stored_as in OPENCV_FORMATS and not header.transparent:
        return _decode_with_either(header, factor)
    if _has_plain_alpha(header):
        # Pillow hands pixels to numpy at a third of the speed.
        return _decode_with_opencv(header.data, header, cv2.IMREAD_UNCHANGED)
    if header.has_wide_reader:
        return _decode_wide(header)
    try:
        return _decode_with_pillow(header, factor)
    except PhotoRefusedError:
        # Of a damaged TIFF OpenCV gives what was in the memory.
        if header.stored_as != "BMP":
            raise
    return _decode_wide(header)


def _decode_with_either(header: PhotoHeader, factor: int) -> Pixels:
    try:
        return _decode_with_opencv(header.data, header, 0)
    except PhotoRefusedError:
        # OpenCV refuses pixels that are all there where a checksum is not.
        return _decode_with_pillow(header, factor)


def _decode_jpeg(header: PhotoHeader, factor: int) -> tuple[Pixels, bool]:
    flags = _JPEG_FLAGS[min(factor, 8)]
    whole = header.data
    data = jpeg.written_part(whole)
    picture = _imdecode(data, header, flags) if data.rstrip(b"\0") == whole.rstrip(b"\0") else None
    if picture is not None:
        return picture, True
    # The decoder gives up at the end of the data; an end-of-image marker makes it paint the
    # missing blocks gray and hand over what there is.
    picture = _imdecode(data + b"\xff\xd9", header, flags)
    if picture is None:
        raise _unreadable(header)
    share = _share_of_rows(picture)
    if share < _SMALLEST_USABLE_SHARE:
        raise PhotoRefusedError(
            RejectReason.TRUNCATED,
            f"The file is cut off: only the top {share:.0%} of the picture is there. "
            "Copy it again from the camera or the backup.",
        )
    return picture, False


def _share_of_rows(picture: Pixels) -> float:
    painted = (picture == _MISSING_GRAY).all(axis=tuple(range(1, picture.ndim)))
    present = np.flatnonzero(~painted)
    return float(present[-1] + 1) / len(painted) if present.size else 0.0


def _has_plain_alpha(header: PhotoHeader) -> bool:
    if header.stored_as != "PNG" or header.mode != "RGBA":
        return False
    return header.data[_PNG_DEPTH_AT] == _BITS_OF_A_BYTE


def _decode_with_opencv(data: bytes, header: PhotoHeader, flags: int) -> Pixels:
    picture = _imdecode(data, header, flags)
    if picture is None:
        raise _unreadable(header)
    if picture.shape[:2] != (header.height, header.width):
        raise _unreadable(header)
    return picture


def _imdecode(data: bytes, header: PhotoHeader, flags: int) -> Pixels | None:
    if flags != cv2.IMREAD_UNCHANGED:  # which includes to leave the orientation alone
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
        flags |= cv2.IMREAD_GRAYSCALE if header.mode in GRAY_MODES else cv2.IMREAD_COLOR_RGB
    try:
        return cast("Pixels | None", cv2.imdecode(np.frombuffer(data, np.uint8), flags))
    except cv2.error:
        return None


def _decode_wide(header: PhotoHeader) -> Pixels:
    """Has OpenCV read a layout that Pillow does not know, or does not read rightly."""
    flags = cv2.IMREAD_UNCHANGED
    layout = header.layout
    if layout is not None and layout.fields is not None:
        try:
            return read_fields(header.data, layout, layout.fields)
        except ValueError as error:
            raise _unreadable(header) from error
    if header.stored_as == "BMP" or (layout is not None and layout.as_bytes):
        return _decode_with_opencv(header.data, header, cv2.IMREAD_COLOR_RGB)
    picture = _decode_with_opencv(header.data, header, flags)
    if picture.dtype != np.uint8:
        picture = _narrow(picture)
        if layout is not None and layout.white_is_zero:
            picture = _OPAQUE - picture
    if picture.ndim == _GRAY or picture.shape[2] == _WITH_ALPHA:
        return picture
    return cast("Pixels", cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


def _decode_with_pillow(header: PhotoHeader, factor: int) -> Pixels:
    if header.picture is None:
        raise _unreadable(header)
    try:
        with warnings.catch_warnings():
            # The limit on pixels was checked above; Pillow's own would only warn.
            warnings.simplefilter("ignore")
            picture = _to_eight_bits(header.picture)
            if factor > 1:
                picture = picture.reduce(factor)
            if picture.mode == "RGBA" and header.stored_as in _ALPHA_UNSET and _is_clear(picture):
                picture = picture.convert("RGB")
            if picture.mode == "RGBA":
                white = Image.new("RGBA", picture.size, "white")
                picture = Image.alpha_composite(white, picture).convert("RGB")
            return np.asarray(picture)
    except Exception as error:  # decoders of damaged files raise almost anything
        raise _unreadable(header) from error


def _decode_jpeg_xl(header: PhotoHeader) -> Pixels:
    try:
        values = decode_jpeg_xl(header.data)
    except PhotoRefusedError:
        raise
    except Exception as error:  # the library's own kinds
        raise _unreadable(header) from error
    picture = values.astype(np.uint8) if values.dtype == np.uint8 else _narrow(values)
    if picture.shape[:2] != (header.height, header.width):
        raise _unreadable(header)
    if picture.ndim == _GRAY:
        return picture
    if picture.shape[2] < _COLOURS:  # gray, and perhaps alpha
        return np.ascontiguousarray(picture[..., 0])
    if picture.shape[2] == _WITH_ALPHA:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA), np.uint8)
    return picture


def _is_clear(picture: Image.Image) -> bool:
    return picture.getchannel("A").getextrema() == (0, 0)


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """Converts to L, RGB or RGBA."""
    if picture.mode in {"L", "RGB", "RGBA"} and "transparency" not in picture.info:
        picture.load()
        return picture
    if picture.mode in _WIDE_MODES:
        return Image.fromarray(_narrow(np.asarray(picture)))
    alpha = "A" in picture.mode or "a" in picture.mode or "transparency" in picture.info
    return picture.convert("RGBA" if alpha else "RGB")


def _narrow(values: NDArray[np.generic]) -> Pixels:
    """Scales 16-bit, 32-bit, 64-bit and floating values to 0..255."""
    if values.dtype == np.uint16:
        high_bytes: Pixels = (values.astype(np.uint16) >> 8).astype(np.uint8)
        return high_bytes
    numbers = np.nan_to_num(values.astype(np.float32))
    highest = float(numbers.max(initial=0.0))
    # Such values say by their range what is white; of floating ones, highlights are brighter.
    whole = np.issubdtype(values.dtype, np.integer)
    whites = _WHOLE_WHITES if whole else _FLOATING_WHITES
    white = next((white for most, white in whites if highest <= most), highest)
    narrowed: Pixels = np.clip(numbers * (255.0 / white), 0, 255).astype(np.uint8)
    return narrowed


def _reduce(picture: Pixels, header: PhotoHeader, factor: int) -> Pixels:
    width, height = -(-header.width // factor), -(-header.height // factor)
    if picture.shape[:2] == (height, width):
        return picture
    reduced = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return cast("Pixels", reduced)


def _turn_upright(picture: Pixels, orientation: int) -> Pixels:
    """Applies an EXIF orientation."""
    flip, turned = _FLIPS.get(orientation), None
    if orientation >= FIRST_TRANSPOSED_ORIENTATION:
        picture = turned = cast("Pixels", cv2.transpose(picture))
    # In place where it may be, as OpenCV's own rotation does it: a copy less of a large photo.
    return picture if flip is None else cast("Pixels", cv2.flip(picture, flip, turned))


def _to_rgb(picture: Pixels) -> Pixels:
    """Gives three colours, C-contiguous; the models ignore numpy's strides."""
    if picture.ndim == _GRAY:
        picture = cast("Pixels", cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB))
    elif picture.shape[2] == _WITH_ALPHA:
        picture = _on_white(np.ascontiguousarray(picture))
    return np.ascontiguousarray(picture)


def _on_white(bgra: Pixels) -> Pixels:
    """Lays a picture on white, and gives it as RGB."""
    rgb = cast("Pixels", cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGB))
    alpha = cv2.extractChannel(bgra, 3)
    if cv2.minMaxLoc(alpha)[0] == _OPAQUE:
        return rgb
    weight = alpha[:, :, np.newaxis].astype(np.uint16)
    blended = (rgb * weight + _OPAQUE * (_OPAQUE - weight) + _OPAQUE // 2) // _OPAQUE
    on_white: Pixels = blended.astype(np.uint8)
    return on_white


def _unreadable(header: PhotoHeader) -> PhotoRefusedError:
    if coding := unusual_coding(header.stored_as, header.data, header.layout):
        return unknown_coding(header.format, coding)
    return PhotoRefusedError(
        RejectReason.UNREADABLE,
        f"The header promises {header.width}×{header.height} pixels of {header.format}, "
        "but the rest is damaged or missing. Copy it again from the camera or the backup.",
    )
