"""Dates in XMP, which photo managers write beside EXIF or instead of it.

The packet is looked for in the file's bytes, as XMP part 3 foresees for programs that do not know
the format around it. Names are looked for as they are written: no XML parser meets what strangers
made.
"""

from __future__ import annotations

import html
import re
from typing import Final

_MOST_BYTES: Final = 1 << 20
PACKET_BEGINS: Final = (b"<x:xmpmeta", b"<x:xapmeta", b"<rdf:RDF")
_NAMES: Final = (
    "exif:DateTimeOriginal",
    "photoshop:DateCreated",
    "xmp:CreateDate",
    "xap:CreateDate",
    "exif:DateTimeDigitized",
)


def dates_in_xmp(data: bytes) -> list[str]:
    """Finds when a photo was taken according to its XMP.

    Args:
        data: The file's bytes.

    Returns:
        The dates as they are written, the moment of exposure first.
    """
    starts = [at for begin in PACKET_BEGINS if (at := data.find(begin)) >= 0]
    if not starts:
        return []
    packet = data[min(starts) : min(starts) + _MOST_BYTES].decode("utf-8", "replace")
    end = packet.find("</rdf:RDF>")
    packet = packet[: end if end >= 0 else None]
    found = (_value(name, packet) for name in _NAMES)
    return [value for value in found if value]


def _value(name: str, packet: str) -> str:
    match = re.search(
        rf"<{name}(?:\s[^<>]*)?>([^<]{{0,80}})<|\s{name}\s*=\s*(?:\"([^\"]{{0,80}})\"|'([^']{{0,80}})')",
        packet,
    )
    if match is None:
        return ""
    return html.unescape(next(group for group in match.groups() if group is not None)).strip()
