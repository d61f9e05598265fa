"""From a photo's bytes to an upright RGB picture no larger than detection needs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avatarrig.photos.formats import Format
from avatarrig.photos.header import FIRST_TRANSPOSED_ORIENTATION, PhotoHeader, read_header
from avatarrig.photos.refused import PhotoRefusedError

Pixels = NDArray[np.uint8]

DEFAULT_MAX_PIXELS: Final = 200_000_000
"""Photos with more pixels than this are refused by their header."""

WORKING_LONG_SIDE: Final = 960
"""A photo is never reduced below this many pixels on its long side: the landmark models see at
most 256 pixels of a person, and area-resizing to 960 moves bones by less than a 3-pixel crop."""

MIN_SIDE: Final = 16
"""Pictures with a shorter side cannot show a person, and crash some of the models' graphs."""

LONGEST_STRIP: Final = 32_766
"""A strip that is longer than this even when it is reduced is refused: it is under 32 pixels
wide, and the models' own warping counts pixels in 16 bits."""

MEMORY_BUDGET: Final = 1_200_000_000
"""Bytes that decoding one photo may take, whatever the limit on pixels: with the models' 250 MB
a detector stays below 1.5 GB."""

WORKING_SHORT_SIDE: Final = 320
"""A panorama is not reduced below this many pixels on its short side, or people in it would be
smaller than what the landmark models see, 256 pixels."""

_JPEG_FLAGS: Final = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
_CV2_FORMATS: Final = frozenset({"JPEG", "PNG", "WebP"})
_GRAY_MODES: Final = frozenset({"1", "L", "I;16"})
_WIDE_MODES: Final = frozenset({"I;16", "I;16L", "I;16B", "I;16N", "I", "F"})

# Bytes that a pixel takes at the peak of decoding, measured and rounded up.
_OPENCV_BYTES_PER_CHANNEL: Final = 2.0
_PILLOW_BYTES: Final[dict[Format, float]] = {"AVIF": 10.0, "HEIC": 10.0}
_PILLOW_BYTES_OTHERWISE: Final = 9.0

_PNG_DEPTH_AT: Final = 24
"""Place of the bits per channel in a PNG, whose first chunk is always the header."""
_WITH_ALPHA: Final = 4
_OPAQUE: Final = 255

# After the transposition of orientations 5 to 8.
_FLIPPED_VERTICALLY: Final = frozenset({3, 4, 7, 8})
_FLIPPED_HORIZONTALLY: Final = frozenset({2, 3, 6, 7})

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


def decode_photo(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> DecodedPhoto:
    """Decodes a photo upright and reduced.

    Every format gives 8-bit RGB: gray, CMYK, palette and 16-bit pictures are converted,
    transparent ones are laid on white, of an animation the first frame is taken.

    Args:
        data: The file's bytes.
        max_pixels: Photos with more pixels are refused before any is decoded.

    Returns:
        The decoded photo.

    Raises:
        PhotoRefusedError: Reason ``empty``, ``unsupported``, ``unreadable``, ``too_large``,
            ``too_small`` or ``truncated_beyond_use``.
    """
    header = read_header(data)
    _check_size(header, max_pixels)
    factor = reduction(header.width, header.height)
    complete = True
    if header.format == "JPEG":
        stored, complete = _decode_jpeg(data, header, factor)
    elif header.format in _CV2_FORMATS and not header.transparent:
        stored = _decode_with_opencv(data, header, 0)
    elif _has_plain_alpha(data, header):
        # Pillow hands pixels to numpy at a third of the speed.
        stored = _decode_with_opencv(data, header, cv2.IMREAD_UNCHANGED)
    else:
        stored = _decode_with_pillow(header, factor)
    rgb = _to_rgb(_turn_upright(_reduce(stored, header, factor), header.orientation))
    width, height = header.upright_size
    return DecodedPhoto(rgb, width, height, header.format, complete)


def reduction(width: int, height: int) -> int:
    """Chooses the power of two by which a photo is reduced.

    Args:
        width: Pixels.
        height: Pixels.

    Returns:
        The largest power of two that leaves the long side at 960 pixels or more, and the short
        side at 320 or more. A strip that is too long for the models is reduced all the same, as
        long as its short side stays usable.
    """
    long_side, short_side = max(width, height), min(width, height)
    factor = 1
    while long_side // (2 * factor) >= WORKING_LONG_SIDE:
        too_long = long_side // factor >= LONGEST_STRIP
        if short_side // (2 * factor) < (MIN_SIDE if too_long else WORKING_SHORT_SIDE):
            break
        factor *= 2
    return factor


def _check_size(header: PhotoHeader, max_pixels: int) -> None:
    size = f"{header.width}×{header.height}"
    if min(header.width, header.height) < MIN_SIDE:
        raise PhotoRefusedError(
            "too_small",
            f"The photo has {size} pixels; both sides need at least {MIN_SIDE}. "
            "Use the original instead of a thumbnail.",
        )
    if header.pixels > max_pixels:
        raise PhotoRefusedError(
            "too_large",
            f"The photo has {size} = {header.pixels / 1e6:.0f} million pixels, the limit is "
            f"{max_pixels / 1e6:.0f} million. Save it smaller, or raise --max-pixels.",
        )
    longest = max(header.width, header.height)
    if longest // reduction(header.width, header.height) >= LONGEST_STRIP:
        raise PhotoRefusedError(
            "too_large",
            f"The photo is a strip of {size} pixels, too long and narrow to show a person. "
            "Cut out the part that does.",
        )
    needed = _decoding_bytes(header)
    if needed > MEMORY_BUDGET:
        raise PhotoRefusedError(
            "too_large",
            f"Opening this {header.format} photo of {size} pixels would take about "
            f"{needed / 1e9:.1f} GB of memory, the limit is {MEMORY_BUDGET / 1e9:.1f} GB. "
            "Save it smaller or as a plain (not progressive) JPEG.",
        )


def _decoding_bytes(header: PhotoHeader) -> float:
    channels = 1 if header.mode in _GRAY_MODES else 3
    if header.format == "JPEG":
        # A progressive JPEG keeps every 16-bit coefficient until the last scan is read.
        factor = min(reduction(header.width, header.height), 8)
        coefficients = 2.0 * len(header.picture.getbands()) if header.progressive else 0.0
        return header.pixels * (coefficients + _OPENCV_BYTES_PER_CHANNEL * channels / factor**2)
    if header.format in _CV2_FORMATS and not header.transparent:
        return header.pixels * channels * _OPENCV_BYTES_PER_CHANNEL
    return header.pixels * _PILLOW_BYTES.get(header.format, _PILLOW_BYTES_OTHERWISE)


def _decode_jpeg(data: bytes, header: PhotoHeader, factor: int) -> tuple[Pixels, bool]:
    flags = _JPEG_FLAGS[min(factor, 8)]
    picture = _imdecode(data, header, flags)
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
            "truncated_beyond_use",
            f"The file is cut off: only the top {share:.0%} of the picture is there. "
            "Copy it again from the camera or the backup.",
        )
    return picture, False


def _share_of_rows(picture: Pixels) -> float:
    painted = (picture == _MISSING_GRAY).all(axis=tuple(range(1, picture.ndim)))
    present = np.flatnonzero(~painted)
    return float(present[-1] + 1) / len(painted) if present.size else 0.0


def _has_plain_alpha(data: bytes, header: PhotoHeader) -> bool:
    return header.format == "PNG" and header.mode == "RGBA" and data[_PNG_DEPTH_AT] == 8  # noqa: PLR2004 - bits


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
        flags |= cv2.IMREAD_GRAYSCALE if header.mode in _GRAY_MODES else cv2.IMREAD_COLOR_RGB
    try:
        picture: Pixels | None = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    return picture


def _decode_with_pillow(header: PhotoHeader, factor: int) -> Pixels:
    try:
        with warnings.catch_warnings():
            # The limit on pixels was checked above; Pillow's own would only warn.
            warnings.simplefilter("ignore")
            picture = _to_eight_bits(header.picture)
            if factor > 1:
                picture = picture.reduce(factor)
            if picture.mode == "RGBA":
                white = Image.new("RGBA", picture.size, "white")
                picture = Image.alpha_composite(white, picture).convert("RGB")
            return np.asarray(picture)
    except Exception as error:  # decoders of damaged files raise almost anything
        raise _unreadable(header) from error


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
    """Scales 16-bit, 32-bit and floating gray values to 0..255."""
    if values.dtype == np.uint16:
        high_bytes: Pixels = (values.astype(np.uint16) >> 8).astype(np.uint8)
        return high_bytes
    numbers = np.nan_to_num(values.astype(np.float32))
    # Such values say by their range what is white.
    whole = np.issubdtype(values.dtype, np.integer)
    scales = (255.0, 65535.0) if whole else (1.0, 255.0, 65535.0)
    highest = float(numbers.max(initial=0.0))
    white = next((scale for scale in scales if highest <= scale), highest)
    narrowed: Pixels = np.clip(numbers * (255.0 / white), 0, 255).astype(np.uint8)
    return narrowed


def _reduce(picture: Pixels, header: PhotoHeader, factor: int) -> Pixels:
    width, height = -(-header.width // factor), -(-header.height // factor)
    if picture.shape[:2] == (height, width):
        return picture
    reduced: Pixels = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return reduced


def _turn_upright(picture: Pixels, orientation: int) -> Pixels:
    """Applies an EXIF orientation; gives a view (EXIF 2.32, tag 274)."""
    if orientation >= FIRST_TRANSPOSED_ORIENTATION:
        picture = picture.swapaxes(0, 1)
    if orientation in _FLIPPED_VERTICALLY:
        picture = picture[::-1]
    if orientation in _FLIPPED_HORIZONTALLY:
        picture = picture[:, ::-1]
    return picture


def _to_rgb(picture: Pixels) -> Pixels:
    """Gives three colours, C-contiguous; the models ignore numpy's strides."""
    if picture.ndim == 2:  # noqa: PLR2004 - height and width, no colours
        picture = np.repeat(picture[:, :, np.newaxis], 3, axis=2)
    elif picture.shape[2] == _WITH_ALPHA:
        picture = _on_white(np.ascontiguousarray(picture))
    return np.ascontiguousarray(picture)


def _on_white(bgra: Pixels) -> Pixels:
    """Lays a picture on white, and gives it as RGB."""
    rgb: Pixels = cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGB)
    alpha = cv2.extractChannel(bgra, 3)
    if cv2.minMaxLoc(alpha)[0] == _OPAQUE:
        return rgb
    weight = alpha[:, :, np.newaxis].astype(np.uint16)
    blended = (rgb * weight + _OPAQUE * (_OPAQUE - weight) + _OPAQUE // 2) // _OPAQUE
    on_white: Pixels = blended.astype(np.uint8)
    return on_white


def _unreadable(header: PhotoHeader) -> PhotoRefusedError:
    return PhotoRefusedError(
        "unreadable",
        f"The header promises {header.width}×{header.height} pixels of {header.format}, "
        "but the rest is damaged or missing. Copy it again from the camera or the backup.",
    )
