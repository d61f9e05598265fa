"""The boxes of HEIC and AVIF files (ISO/IEC 14496-12): how their pictures are coded."""

from __future__ import annotations

import re
from typing import Final

_ITEM: Final = re.compile(rb"infe[\x02\x03]...(?:..|....)..(\w{4})", re.DOTALL)
_NAMES: Final = {
    b"avc1": "H.264",
    b"evc1": "EVC",
    b"j2k1": "JPEG 2000",
    b"jpeg": "JPEG in a HEIF file",
    b"jxs1": "JPEG XS",
    b"lhv1": "layered HEVC",
    b"unci": "uncompressed pixels",
    b"vvc1": "VVC",
}
_READ: Final = 1 << 16
"""Bytes; the items are described at the beginning of a file."""


def unusual_codec(data: bytes) -> str:
    """Names the codec of a HEIF file whose pictures are coded as none of the usual ones.

    Args:
        data: The file's bytes.

    Returns:
        For example ``VVC``; empty where it is a usual codec, or none can be told.
    """
    codecs = {match[1] for match in _ITEM.finditer(data, 0, _READ)} & _NAMES.keys()
    return ", ".join(sorted(_NAMES[codec] for codec in codecs))


def is_turned(data: bytes) -> bool:
    """Whether a HEIF file itself says that a picture is to be turned or mirrored."""
    head = data[:_READ]
    return b"irot" in head or b"imir" in head
