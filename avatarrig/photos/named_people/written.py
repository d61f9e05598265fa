"""Who is in a photo, as the file itself or a file beside it says."""

from __future__ import annotations

import html
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

import msgspec

from avatarrig.photos.metadata import FIRST_TRANSPOSED_ORIENTATION, Metadata, read_metadata
from avatarrig.photos.named_people.packets import text_of
from avatarrig.wire import decode_json

Region = tuple[float, float, float, float]
"""Left, top, width and height in shares of the upright photo."""

_Size = tuple[float, float]

_NOWHERE: Final = (0.0, 0.0, 0.0, 0.0)
"""Stands for the places of two people of one name."""

_UTF8_MARK: Final = b"\xef\xbb\xbf"

_SIDES: Final = 4
"""Left, top, width and height of a region."""
_FARTHEST: Final = 1e6
"""Larger numbers, and what is no number, are no part of a region."""
_LARGEST: Final = 4 << 20
_DEEPEST: Final = 40
_MWG: Final = "{http://www.metadataworkinggroup.com/schemas/regions/}"
_AREA: Final = "{http://ns.adobe.com/xmp/sType/Area#}"
_DIMENSIONS: Final = "{http://ns.adobe.com/xap/1.0/sType/Dimensions#}"
_MICROSOFT: Final = "{http://ns.microsoft.com/photo/1.2/t/Region#}"
_IPTC: Final = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
_PERSONS: Final = f"{_IPTC}PersonInImage"
_ACDSEE: Final = "{http://ns.acdsee.com/regions/}"
_ITEM: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
_DESCRIPTION: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"
_WHOLE: Final = 1e-6
_SAME_SHAPE: Final = 1.05
"""A picture whose sides are in another proportion than when places were noted was cut since."""
_BETWEEN_NUMBERS: Final = (r"[,;\s]+", r"[,;]?\s+|;")
"""The second where a decimal comma is written."""


class _ShallowTree(ET.TreeBuilder):
    """Refuses what is nested deeper than any XMP: looking through it could take hours."""

    _depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> ET.Element:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("elements are nested too deep")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ET.Element:
        self._depth -= 1
        return super().end(tag)


class NamedFace(msgspec.Struct, frozen=True):
    """Somebody whom a file names.

    Attributes:
        region: Where the face is; None where the file does not say.
    """

    name: str
    region: Region | None = None


def people_in_photo(data: bytes, *beside: bytes) -> tuple[NamedFace, ...]:
    """Reads whom photo programs name in a photo.

    Face regions of the Metadata Working Group (guidelines 2.0: Lightroom, digiKam, Picasa, Apple
    Photos, Photo Mechanic), Microsoft's and IPTC's are understood, and names without places.

    Args:
        data: The file's bytes, or the first few megabytes.
        beside: XMP of files beside it, the surest first.

    Returns:
        Whom they name; nobody where they are damaged or no photo.
    """
    header = read_metadata(data)
    packets = (header.packet, header.extension, *beside)
    return named_by_any(_named_in(replace(header, packet=packet)) for packet in packets)


def named_by_any(sources: Iterable[Iterable[NamedFace]]) -> tuple[NamedFace, ...]:
    """Puts together what several files say of one photo.

    Args:
        sources: Whom each names, the surest first: where two name the same face, it is right.
    """
    found: dict[str, NamedFace] = {}
    for source in sources:
        places = [face.region for face in found.values() if face.region is not None]
        for face in source:
            known = found.get(_plain(face.name))
            if known is not None and (known.region is not None or face.region is None):
                continue
            if known is not None or not any(_are_one(face.region, place) for place in places):
                found[_plain(face.name)] = face
    return tuple(found.values())


def _named_in(header: Metadata) -> tuple[NamedFace, ...]:
    root = _parsed(header.packet)
    if root is None:
        return ()
    return named_by_any(
        _once_each(faces)
        for faces in (
            _of_working_group(root, header),
            _of_microsoft(root, header),
            _of_iptc_regions(root, header),
            _without_places(root),
        )
    )


def _parsed(packet: bytes) -> ET.Element | None:
    text = text_of(packet[: _LARGEST + 1])
    if not text or len(packet) > _LARGEST or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        parser = ET.XMLParser(target=_ShallowTree())  # noqa: S314 - no DTD, so no entities
        parser.feed(text)
        return parser.close()
    except (ET.ParseError, ValueError, LookupError):
        return None


def _once_each(faces: Iterable[NamedFace]) -> list[NamedFace]:
    """Names everybody once; without a place where two people of one name are there."""
    found: dict[str, NamedFace] = {}
    for face in faces:
        known = found.setdefault(_plain(face.name), face)
        if known.region is None or face.region is None:
            found[_plain(face.name)] = face if known.region is None else known
        elif not _are_one(known.region, face.region):
            found[_plain(face.name)] = NamedFace(face.name, _NOWHERE)
    return [NamedFace(face.name) if face.region == _NOWHERE else face for face in found.values()]


def _are_one(first: Region | None, second: Region | None) -> bool:
    """Whether two regions are of one face: the middle of each lies in the other."""
    return (
        first is not None
        and second is not None
        and _holds_middle(first, second)
        and _holds_middle(second, first)
    )


def _holds_middle(region: Region, other: Region) -> bool:
    left, top, width, height = region
    across, down = other[0] + other[2] / 2, other[1] + other[3] / 2
    return left <= across <= left + width and top <= down <= top + height


def people_in_takeout(data: bytes) -> tuple[NamedFace, ...]:
    """Reads whom Google Photos names in the JSON that its export lays beside a photo.

    Args:
        data: The JSON file's bytes.

    Returns:
        Whom it names, without places; nobody where it is no such file.
    """
    try:
        people = decode_json(data.removeprefix(_UTF8_MARK), _Takeout).people
    except (msgspec.MsgspecError, RecursionError):
        return ()
    names = (_name_of(person) for person in (people if isinstance(people, list) else [people]))
    # Some exports write names as pages do, with &#39; for an apostrophe.
    return tuple(NamedFace(html.unescape(name)) for name in dict.fromkeys(names) if name)


def _name_of(person: object) -> str:
    said = person.get("name") if isinstance(person, dict) else person
    return said.strip() if isinstance(said, str) else ""


def same_name(first: str, second: str) -> bool:
    """Tells whether two names are one, whatever their case, spaces and way to write accents."""
    return _plain(first) == _plain(second)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split()).casefold())


class _Takeout(msgspec.Struct):
    people: Any = None


def _of_working_group(root: ET.Element, header: Metadata) -> Iterator[NamedFace]:
    for regions in root.iter(f"{_MWG}Regions"):
        noted = _noted_size(regions)
        stored = _is_of_stored(noted, header)
        is_cut = _is_of_another_shape(noted, header)
        for entry in regions.iter():
            name, kind = _value(entry, f"{_MWG}Name"), _value(entry, f"{_MWG}Type")
            if not name or (kind or "face").casefold() != "face":
                continue
            area = entry.find(f".//{_MWG}Area")
            region = None if area is None or is_cut else _of_area(area, noted, header)
            turn = header.orientation if stored else 1
            yield NamedFace(name, region and upright(region, turn))


def _of_area(area: ET.Element, noted: _Size | None, header: Metadata) -> Region | None:
    """Reads a rectangle, or a circle, whose diameter is in shares of the shorter side."""
    across, down, width, height, diameter = (
        _number(_value(area, f"{_AREA}{key}")) for key in ("x", "y", "w", "h", "d")
    )
    whole = noted or (float(header.width), float(header.height))
    match (_value(area, f"{_AREA}unit") or "normalized").casefold():
        case "pixel" | "pixels":
            unit, circle = whole, (1.0, 1.0)
        case "normalized":
            unit = (1.0, 1.0)
            circle = (min(whole) / whole[0], min(whole) / whole[1]) if all(whole) else (0.0, 0.0)
        case _:
            return None
    if diameter is not None and width is None and height is None:
        width, height = diameter * circle[0], diameter * circle[1]
    if across is None or down is None or width is None or height is None or not all(unit):
        return None
    left, top = across - width / 2, down - height / 2
    return (left / unit[0], top / unit[1], width / unit[0], height / unit[1])


def _of_microsoft(root: ET.Element, header: Metadata) -> Iterator[NamedFace]:
    for entry in root.iter():
        name = _value(entry, f"{_MICROSOFT}PersonDisplayName")
        rectangle = _value(entry, f"{_MICROSOFT}Rectangle")
        if not name:
            continue
        region = _of_rectangle(rectangle or "")
        yield NamedFace(name, region and upright(region, header.orientation))


def _of_rectangle(written: str) -> Region | None:
    for between in _BETWEEN_NUMBERS:
        numbers = [_number(part) for part in re.split(between, written.strip())]
        if len(numbers) == _SIDES and None not in numbers:
            left, top, width, height = (float(number or 0) for number in numbers)
            return (left, top, width, height)
    return None


def _of_iptc_regions(root: ET.Element, header: Metadata) -> Iterator[NamedFace]:
    """Regions of IPTC's standard of 2019, in shares of the stored picture.

    Who is there stands in the list of people, or, where that is missing, as the region's name.
    """
    for regions in root.iter(f"{_IPTC}ImageRegion"):
        for boundary, entry in _with_boundaries(regions):
            people = [*_names_in(entry, f"{_IPTC}PersonInImage")]
            named = people or [*_names_in(entry, f"{_IPTC}Name")]
            region = _of_boundary(boundary)
            for name in named:
                yield NamedFace(name, region and upright(region, header.orientation))


def _with_boundaries(regions: ET.Element) -> Iterator[tuple[ET.Element, ET.Element]]:
    for item in regions.iter(_ITEM):
        boundary = item.find(f".//{_IPTC}RegionBoundary")
        if boundary is not None:
            yield boundary, item


def _of_boundary(boundary: ET.Element) -> Region | None:
    """Left, top, width and height of a rectangle or a circle; None where it is neither."""
    if _value(boundary, f"{_IPTC}rbUnit") not in {None, "relative"}:
        return None
    names = ("rbX", "rbY", "rbW", "rbH", "rbRx")
    x, y, width, height, radius = (_number(_value(boundary, f"{_IPTC}{key}")) for key in names)
    if x is None or y is None:
        return None
    if _value(boundary, f"{_IPTC}rbShape") == "circle" and radius is not None:
        return (x - radius, y - radius, 2 * radius, 2 * radius)
    return None if width is None or height is None else (x, y, width, height)


def _names_in(entry: ET.Element, list_name: str) -> Iterator[str]:
    for names in entry.iter(list_name):
        yield from _texts_in(names)


def _without_places(root: ET.Element) -> Iterator[NamedFace]:
    """People of IPTC's lists, and those of ACDSee's regions, of which nobody says what they are."""
    for name in _names_in(root, _PERSONS):
        yield NamedFace(name)
    for entry in root.iter():
        for kind in (f"{_IPTC}PersonName", f"{_ACDSEE}Name"):
            if said := _value(entry, kind):
                yield NamedFace(said)
            elif (texts := entry.find(kind)) is not None:
                yield from (NamedFace(text) for text in _texts_in(texts))


def _texts_in(entry: ET.Element) -> Iterator[str]:
    for item in entry.iter(_ITEM):
        if text := (item.text or "").strip():
            yield text


def _noted_size(regions: ET.Element) -> _Size | None:
    """Width and height of the picture on which regions were noted, in pixels."""
    dimensions = regions.find(f".//{_MWG}AppliedToDimensions")
    if dimensions is None:
        return None
    width = _number(_value(dimensions, f"{_DIMENSIONS}w"))
    height = _number(_value(dimensions, f"{_DIMENSIONS}h"))
    return (width, height) if width and height and min(width, height) > 0 else None


def _is_of_stored(noted: _Size | None, header: Metadata) -> bool:
    """Whether regions are of the picture as it is stored, before it is turned upright.

    The guidelines say so; what some programs do instead shows in the dimensions they note.
    """
    if header.orientation < FIRST_TRANSPOSED_ORIENTATION:
        return True
    if noted is None or noted[0] == noted[1] or not header.width:
        return True
    return (noted[0] > noted[1]) == (header.width > header.height)


def _is_of_another_shape(noted: _Size | None, header: Metadata) -> bool:
    """Whether the photo was cut after regions were noted, so that they are elsewhere in it."""
    if noted is None or not (header.width and header.height):
        return False
    was, now = (
        max(noted) / min(noted),
        max(header.width, header.height) / min(header.width, header.height),
    )
    return max(was, now) / min(was, now) > _SAME_SHAPE


def upright(region: Region, orientation: int) -> Region | None:
    """Turns a region with its photo (EXIF 2.32, tag 274); None where it is none."""
    left, top, width, height = region
    right, bottom = left + width, top + height
    if width <= _WHOLE or height <= _WHOLE or right <= 0 or bottom <= 0 or left >= 1 or top >= 1:
        return None
    turned = {
        2: (1 - right, top, width, height),
        3: (1 - right, 1 - bottom, width, height),
        4: (left, 1 - bottom, width, height),
        5: (top, left, height, width),
        6: (1 - bottom, left, height, width),
        7: (1 - bottom, 1 - right, height, width),
        8: (top, 1 - right, height, width),
    }
    return turned.get(orientation, region)


def _value(element: ET.Element, name: str) -> str | None:
    """Value of a property, which may be written as an attribute or as an element."""
    if (text := element.get(name)) is not None:
        return text.strip()
    if (child := element.find(name)) is not None:
        return (child.text or "").strip()
    wrapped = element.find(_DESCRIPTION)
    return None if wrapped is None else _value(wrapped, name)


def _number(text: str | None) -> float | None:
    try:
        number = float((text or "").replace(",", "."))
    except ValueError:
        return None
    return number if abs(number) < _FARTHEST else None
