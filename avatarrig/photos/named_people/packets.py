"""The text of an XMP packet, whichever way it is written and damaged."""

from __future__ import annotations

import codecs
import html
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
"""How a text begins, and which encoding that tells of."""

_DECLARED: Final = re.compile(rb"""<\?xml\b[^<>]{0,100}\sencoding\s*=\s*["']([\w.-]{1,40})["']""")
_BEGINS: Final = re.compile(r"<(x:xmpmeta|x:xapmeta|rdf:RDF)[\s>]")
_NO_CHARACTERS: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Of these no XML may hold any."""

_AMPERSAND: Final = re.compile(r"&(#?\w{1,32};)?")
_OWN_ENTITIES: Final = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"}


def text_of(packet: bytes) -> str:
    """Reads a packet's text, mended as far as nothing of it is lost.

    Signs that no XML may hold are left out, and ampersands that begin nothing stand for
    themselves; what stands around the packet is cut off.
    """
    text = _decoded(packet)
    begin = _BEGINS.search(text)
    if begin is not None:
        end = text.rfind(f"</{begin[1]}>")
        text = text[begin.start() : end + len(f"</{begin[1]}>") if end >= 0 else None]
    text = _NO_CHARACTERS.sub("", text)
    return _AMPERSAND.sub(_entity, text).strip()


def _decoded(packet: bytes) -> str:
    for mark, encoding in _MARKS:
        if packet.startswith(mark):
            return packet.decode(encoding, "replace").removeprefix("\ufeff")
    declared = _DECLARED.match(packet.lstrip())
    names = ("utf-8",) if declared is None else (declared[1].decode("ascii"), "utf-8")
    for name in names:
        try:
            return packet.decode(name)
        except (UnicodeError, LookupError):
            continue
    return packet.decode("cp1252", "replace")  # as older programs of Windows write


def _entity(found: re.Match[str]) -> str:
    written = found[0]
    if written in _OWN_ENTITIES:
        return written
    meant = html.unescape(written)
    if meant == written:
        return f"&amp;{written[1:]}"
    return html.escape(_NO_CHARACTERS.sub("", meant))
