"""Who is in a folder's photos, as Picasa notes it in the folder's ``.picasa.ini``.

A photo's section has ``faces=rect64(3f845bcb59418507),8e62b2035b74b477;...``: left, top, right and
bottom in 65,535ths, 16 bits each, and a person's number, whose name ``[Contacts2]`` has, or since
version 3.9 Picasa's own ``contacts.xml``: ``<contact id="8e62b2035b74b477" name="Anna" .../>``.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from avatarrig.photos.metadata import read_metadata
from avatarrig.photos.named_people.written import NamedFace, Region, upright

_SECTION: Final = re.compile(r"(?m)^[^\S\n]*\[(.+)\]\s*$")
_FACES: Final = re.compile(r"(?m)^[^\S\n]*faces=(.*)$")
_FACE: Final = re.compile(r"rect64\(([0-9a-fA-F]{1,16})\),([0-9a-fA-F]{1,16})")
_CONTACT: Final = re.compile(r"(?m)^[^\S\n]*([0-9a-fA-F]{1,16})=([^;\n]*)")
_CONTACTS: Final = "contacts2"
_CONTACT_TAG: Final = re.compile(r"<contact\s[^<>]*>")
_CONTACT_PART: Final = re.compile(r"""\s(id|name)=(?:"([^"]*)"|'([^']*)')""")
_NUMBER: Final = re.compile(r"[0-9a-fA-F]{1,16}")
_NOBODY: Final = 0xFFFFFFFFFFFFFFFF
"""Number of a face that nobody named."""

_MOST: Final = 0xFFFF


def people_in_picasa(
    notes: bytes, name: str, photo: bytes, read_contacts: Callable[[], bytes] = bytes
) -> tuple[NamedFace, ...]:
    """Reads whom Picasa names in a photo.

    Args:
        notes: The bytes of ``.picasa.ini``.
        name: The photo's file name.
        photo: The photo's bytes, or the first few megabytes: they say how it is to be turned.
        read_contacts: Reads ``contacts.xml``, which may be empty, where the notes lack a name.

    Returns:
        Whom it names; nobody where it says nothing of the photo.
    """
    if not re.search(rb"(?m)^\s*faces=rect64", notes):
        return ()
    text = _text(notes)
    wanted = _plain(name)
    faces: list[tuple[int, int]] = []
    names: dict[int, str] = {}
    for section, body in _sections(text):
        if _plain(section) == wanted:
            faces += [(int(at, 16), int(who, 16)) for at, who in _faces(body)]
        elif section.casefold() == _CONTACTS:
            contacts = _CONTACT.findall(html.unescape(body))
            names |= {int(who, 16): said.strip() for who, said in contacts}
    faces = [(at, who) for at, who in faces if who != _NOBODY]
    if any(who not in names for _, who in faces):
        names = _names_in(_text(read_contacts())) | names
    named = [(at, names[who]) for at, who in faces if names.get(who)]
    if not named:
        return ()
    header = read_metadata(photo)
    # Of a raw photo Picasa notes places in the picture that it shows, which is upright.
    orientation = 1 if header.is_raw else header.orientation
    return tuple(NamedFace(who, upright(_region(at), orientation)) for at, who in named)


def _names_in(contacts: str) -> dict[int, str]:
    """Reads numbers and names; an XML parser would refuse all of a damaged file."""
    names = {}
    for tag in _CONTACT_TAG.findall(contacts):
        parts = {
            part: html.unescape(one or other) for part, one, other in _CONTACT_PART.findall(tag)
        }
        if _NUMBER.fullmatch(parts.get("id", "")):
            names[int(parts["id"], 16)] = parts.get("name", "").strip()
    return names


def _text(notes: bytes) -> str:
    """Older versions write as Windows does in the west."""
    try:
        return notes.decode("utf-8-sig")
    except UnicodeDecodeError:
        return notes.decode("cp1252", errors="replace")


def _sections(text: str) -> Iterator[tuple[str, str]]:
    heads = list(_SECTION.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    for head, end in zip(heads, ends, strict=True):
        yield head[1], text[head.end() : end]


def _faces(body: str) -> Iterator[tuple[str, str]]:
    for line in _FACES.findall(body):
        yield from _FACE.findall(line)


def _region(packed: int) -> Region:
    left, top, right, bottom = (packed >> shift & _MOST for shift in (48, 32, 16, 0))
    return (left / _MOST, top / _MOST, (right - left) / _MOST, (bottom - top) / _MOST)


def _plain(name: str) -> str:
    """A file name as Windows and macOS know it."""
    return unicodedata.normalize("NFC", name).casefold()
