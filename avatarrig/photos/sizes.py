"""How far a photo is reduced, and which ones are too large or too small to be decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.wire.reasons import RejectReason

if TYPE_CHECKING:
    from avatarrig.photos.formats import Format
    from avatarrig.photos.header import PhotoHeader

DEFAULT_MAX_PIXELS: Final = 200_000_000
"""Photos with more pixels than this are refused by their header."""

WORKING_LONG_SIDE: Final = 960
"""A photo is never reduced below this many pixels on its long side: the landmark models see at
most 256 pixels of a person, and area-resizing to 960 moves bones by less than a 3-pixel crop."""

LARGEST_FILE: Final = 256 << 20
"""Bytes of a photo's file; larger ones are refused unread."""

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

OPENCV_FORMATS: Final = frozenset({"JPEG", "PNG", "WebP"})
"""What OpenCV decodes, where no pixel is transparent; Pillow decodes the rest."""

GRAY_MODES: Final = frozenset({"1", "L", "I;16"})
"""Pillow's names of pixel layouts with one channel."""

# Bytes that a pixel takes at the peak of decoding, measured and rounded up.
_OPENCV_BYTES_PER_CHANNEL: Final = 2.0
_PILLOW_BYTES: Final[dict[Format, float]] = {"AVIF": 10.0, "HEIC": 10.0, "JPEG XL": 16.0}
_PILLOW_BYTES_OTHERWISE: Final = 9.0
_WIDE_BYTES: Final = 52.0
"""Up to four colours of 8 bytes as they are stored, and a colour's 4 more while it is narrowed."""


def reduction(width: int, height: int, least: int = WORKING_LONG_SIDE) -> int:
    """Chooses the power of two by which a photo is reduced.

    Args:
        width: Pixels.
        height: Pixels.
        least: Pixels that the long side keeps.

    Returns:
        The largest power of two that leaves the long side at `least` or more, and the short
        side at 320 or more. A strip that is too long for the models is reduced all the same, as
        long as its short side stays usable.
    """
    long_side, short_side = max(width, height), min(width, height)
    factor = 1
    while long_side // (2 * factor) >= least:
        too_long = long_side // factor >= LONGEST_STRIP
        if short_side // (2 * factor) < (MIN_SIDE if too_long else WORKING_SHORT_SIDE):
            break
        factor *= 2
    return factor


def check_size(header: PhotoHeader, max_pixels: int) -> None:
    """Refuses a photo by what its header says.

    Args:
        max_pixels: The most it may have.

    Raises:
        PhotoRefusedError: Reason ``too_large`` or ``too_small``.
    """
    size = f"{header.width}×{header.height}"
    if min(header.width, header.height) < MIN_SIDE:
        raise PhotoRefusedError(
            RejectReason.TOO_SMALL,
            f"The photo has {size} pixels; both sides need at least {MIN_SIDE}. "
            "Use the original instead of a thumbnail.",
        )
    if header.pixels > max_pixels:
        raise PhotoRefusedError(
            RejectReason.TOO_LARGE,
            f"The photo has {size} = {header.pixels / 1e6:.0f} million pixels, the limit is "
            f"{max_pixels / 1e6:.0f} million. Save it smaller, or raise --max-pixels.",
        )
    longest = max(header.width, header.height)
    if longest // reduction(header.width, header.height) >= LONGEST_STRIP:
        raise PhotoRefusedError(
            RejectReason.TOO_LARGE,
            f"The photo is a strip of {size} pixels, too long and narrow to show a person. "
            "Cut out the part that does.",
        )
    needed = _decoding_bytes(header)
    if needed > MEMORY_BUDGET:
        raise PhotoRefusedError(
            RejectReason.TOO_LARGE,
            f"Opening this {header.format} photo of {size} pixels would take about "
            f"{needed / 1e9:.1f} GB of memory, the limit is {MEMORY_BUDGET / 1e9:.1f} GB. "
            "Save it smaller or as a plain (not progressive) JPEG.",
        )


def _decoding_bytes(header: PhotoHeader) -> float:
    channels = 1 if header.mode in GRAY_MODES else 3
    if header.stored_as == "JPEG":
        # A progressive JPEG keeps every 16-bit coefficient until the last scan is read.
        factor = min(reduction(header.width, header.height), 8)
        bands = 3 if header.picture is None else len(header.picture.getbands())
        coefficients = 2.0 * bands if header.progressive else 0.0
        return header.pixels * (coefficients + _OPENCV_BYTES_PER_CHANNEL * channels / factor**2)
    if header.stored_as in OPENCV_FORMATS and not header.transparent:
        return header.pixels * channels * _OPENCV_BYTES_PER_CHANNEL
    if header.has_wide_reader:
        return header.pixels * _WIDE_BYTES
    return header.pixels * _PILLOW_BYTES.get(header.stored_as, _PILLOW_BYTES_OTHERWISE)
