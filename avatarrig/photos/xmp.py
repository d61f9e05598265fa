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
_ENCODINGS: Final = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_NAMES: Final = (
    ("exif", "DateTimeOriginal"),
    ("photoshop", "DateCreated"),
    ("xmp", "CreateDate"),
    ("xap", "CreateDate"),
    ("exif", "DateTimeDigitized"),
)
_SPACES: Final = {
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}
"""Prefix to the namespace that it stands for, if it does: others may stand for it as well."""
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_AROUND: Final = re.compile(r"<!\[CDATA\[|\]\]>|</?rdf:(?:Seq|Bag|Alt|li)\b[^<>]*>")
"""What may stand around a date, and tells nothing."""


def dates_in_xmp(data: bytes) -> list[str]:
    """Finds when a photo was taken according to its XMP.

    Args:
        data: The file's bytes.

    Returns:
        The dates as they are written, the moment of exposure first.
    """
    packet = _packet(data)
    if not packet:
        return []
    found = (
        _value(f"{prefix}:{name}", packet)
        for space, name in _NAMES
        for prefix in (space, *_other_prefixes(space, packet))
    )
    return [value for value in found if value]


def _packet(data: bytes) -> str:
    """The text of the packet, from its beginning to its end; empty where there is none."""
    for encoding in _ENCODINGS:
        begins = (begin.decode().encode(encoding) for begin in PACKET_BEGINS)
        starts = [at for begin in begins if (at := data.find(begin)) >= 0]
        if starts:
            text = data[min(starts) : min(starts) + _MOST_BYTES].decode(encoding, "replace")
            return _AROUND.sub("", _COMMENT.sub("", text.partition("</rdf:RDF>")[0]))
    return ""


def _other_prefixes(space: str, packet: str) -> list[str]:
    if space not in _SPACES:
        return []
    declared = re.findall(rf"xmlns:([\w.-]{{1,40}})\s*=\s*[\"']{_SPACES[space]}[\"']", packet)
    return [re.escape(prefix) for prefix in declared if prefix != space]


def _value(name: str, packet: str) -> str:
    match = re.search(
        rf"<{name}(?:\s[^<>]*)?>([^<]{{0,80}})<|\s{name}\s*=\s*(?:\"([^\"]{{0,80}})\"|'([^']{{0,80}})')",
        packet,
    )
    if match is None:
        return ""
    return html.unescape(next(group for group in match.groups() if group is not None)).strip()
