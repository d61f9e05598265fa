"""Which files are photos: by name when a folder is walked, by content when one is opened."""

from __future__ import annotations

from os.path import splitext
from typing import Final, Literal

from avatarrig.photos.coding.jpeg_xl import CODESTREAM, CONTAINER
from avatarrig.photos.coding.layouts import is_headless_bitmap
from avatarrig.photos.coding.raw import is_raw

Format = Literal["JPEG", "PNG", "WebP", "BMP", "TIFF", "GIF", "AVIF", "HEIC", "JPEG XL", "RAW"]

SUFFIXES: Final[dict[Format, tuple[str, ...]]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png",),
    "WebP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "AVIF": (".avif",),
    "HEIC": (".heic", ".heif", ".hif"),
}
"""The file name endings of each format that is read as it is, lower case."""

RAW_SUFFIXES: Final[frozenset[str]] = frozenset(
    f".{name}"
    for name in (
        *(
            "3fr",
            "arw",
            "cr2",
            "cr3",
            "crw",
            "dcr",
            "dng",
            "erf",
            "fff",
            "gpr",
            "iiq",
            "kdc",
            "mef",
        ),
        *(
            "mos",
            "mrw",
            "nef",
            "nrw",
            "orf",
            "pef",
            "raf",
            "raw",
            "rw2",
            "rwl",
            "sr2",
            "srf",
            "srw",
        ),
        "x3f",
    )
)
"""Endings of what cameras write for a raw photo, which an extra reads."""

WITH_EXTRAS: Final[dict[Format, tuple[str, ...]]] = {
    "JPEG XL": (".jxl",),
    "RAW": tuple(sorted(RAW_SUFFIXES)),
}
"""The endings of the formats that are read with an extra each."""

PHOTO_SUFFIXES: Final[frozenset[str]] = frozenset(
    suffix for suffixes in (SUFFIXES | WITH_EXTRAS).values() for suffix in suffixes
)
"""File name endings that mark a photo; compare with the lower-case suffix."""

_SIGNATURES: Final[tuple[tuple[bytes, Format], ...]] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"GIF8", "GIF"),
    (CODESTREAM, "JPEG XL"),
    (CONTAINER, "JPEG XL"),
)
_HEIC_BRANDS: Final = frozenset(
    {
        b"avci",
        b"heic",
        b"heix",
        b"heim",
        b"heis",
        b"hevc",
        b"hevx",
        b"hevm",
        b"hevs",
        b"mif1",
        b"msf1",
    }
)
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_BRANDS_READ: Final = 32
"""A file lists few brands; reading more would only follow a broken length field."""


def sniff_format(data: bytes) -> Format | None:
    """Tells a photo's format from its first bytes, whatever the file is called.

    Args:
        data: The file's bytes; the first 256 are enough but for raw photos.

    Returns:
        The format, or None where the content is none of them.
    """
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return "RAW" if name == "TIFF" and is_raw(data) else name
    if is_raw(data):
        return "RAW"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp":
        return _sniff_brands(data)
    return "BMP" if is_headless_bitmap(data) else None


def _sniff_brands(data: bytes) -> Format | None:
    """Reads the brands of an ISO base media file (ISO/IEC 14496-12, section 4.3)."""
    end = min(int.from_bytes(data[:4], "big"), len(data), 16 + 4 * _BRANDS_READ)
    brands = {data[8:12]} | {data[start : start + 4] for start in range(16, end - 3, 4)}
    # "mif1" alone says only "a still picture"; an AVIF brand beside it settles the codec.
    if brands & _AVIF_BRANDS:
        return "AVIF"
    if brands & _HEIC_BRANDS:
        return "HEIC"
    return None


def split_suffix(name: str) -> tuple[str, str]:
    """Splits a file's name, which may hold bytes that are no text: the stem, and the ending.

    The ending is in lower case and begins with its dot.
    """
    stem, suffix = splitext(name)  # noqa: PTH122 - PurePath.suffix says "" for "x.", ten times slower
    return stem, suffix.lower()
