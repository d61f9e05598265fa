"""Who is in a photo, as the file itself or a file beside it says."""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import msgspec

from avatarrig.photos.metadata import FIRST_TRANSPOSED_ORIENTATION, Metadata, read_metadata
from avatarrig.wire import decode_json

Region = tuple[float, float, float, float]
"""Left, top, width and height in shares of the upright photo."""

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


def people_in_photo(data: bytes, beside: bytes = b"") -> tuple[NamedFace, ...]:
    """Reads whom photo programs name in a photo.

    Face regions of the Metadata Working Group (guidelines 2.0: Lightroom, digiKam, Picasa, Apple
    Photos, Photo Mechanic), Microsoft's and IPTC's are understood, and names without places.

    Args:
        data: The file's bytes, or the first few megabytes.
        beside: XMP of a file beside it, taken where the photo itself names nobody.

    Returns:
        Whom the file names; nobody where it is damaged or no photo.
    """
    header = read_metadata(data)
    return _named_in(header) or (beside and _named_in(replace(header, packet=beside))) or ()


def _named_in(header: Metadata) -> tuple[NamedFace, ...]:
    packet = header.packet
    if not packet or len(packet) > _LARGEST or b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        return ()
    try:
        parser = ET.XMLParser(target=_ShallowTree())  # noqa: S314 - no DTD, so no entities
        parser.feed(packet.strip(b"\0 \r\n\t"))
        root = parser.close()
    except (ET.ParseError, ValueError, LookupError):
        return ()
    found: dict[str, NamedFace] = {}
    everybody = (
        *_of_working_group(root, header),
        *_of_microsoft(root, header),
        *_of_iptc_regions(root, header),
        *_without_places(root),
    )
    for face in everybody:
        known = found.get(face.name)
        if known is None or known.region is None:
            found[face.name] = face if face.region is not None or known is None else known
    return tuple(found.values())


def people_in_takeout(data: bytes) -> tuple[NamedFace, ...]:
    """Reads whom Google Photos names in the JSON that its export lays beside a photo.

    Args:
        data: The JSON file's bytes.

    Returns:
        Whom it names, without places; nobody where it is no such file.
    """
    try:
        sidecar = decode_json(data, _Takeout)
    except msgspec.MsgspecError:
        return ()
    return tuple(NamedFace(person.name) for person in sidecar.people if person.name.strip())


def same_name(first: str, second: str) -> bool:
    """Tells whether two names are one, whatever their case, spaces and way to write accents."""
    return _plain(first) == _plain(second)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split()).casefold())


class _Person(msgspec.Struct):
    name: str = ""


class _Takeout(msgspec.Struct):
    people: list[_Person] = []


def _of_working_group(root: ET.Element, header: Metadata) -> Iterator[NamedFace]:
    for regions in root.iter(f"{_MWG}Regions"):
        stored = _is_of_stored(regions, header)
        for entry in regions.iter():
            name, kind = _value(entry, f"{_MWG}Name"), _value(entry, f"{_MWG}Type")
            area = entry.find(f".//{_MWG}Area")
            if not name or kind not in {None, "Face"} or area is None:
                continue
            numbers = [_number(_value(area, f"{_AREA}{key}")) for key in ("x", "y", "w", "h")]
            if None in numbers or _value(area, f"{_AREA}unit") not in {None, "normalized"}:
                continue
            across, down, width, height = (float(number or 0) for number in numbers)
            region = (across - width / 2, down - height / 2, width, height)
            yield NamedFace(name, upright(region, header.orientation if stored else 1))


def _of_microsoft(root: ET.Element, header: Metadata) -> Iterator[NamedFace]:
    for entry in root.iter():
        name = _value(entry, f"{_MICROSOFT}PersonDisplayName")
        rectangle = _value(entry, f"{_MICROSOFT}Rectangle")
        if not name:
            continue
        numbers = [_number(part) for part in re.split(r"[,\s]+", (rectangle or "").strip())]
        if len(numbers) != _SIDES or None in numbers:
            yield NamedFace(name)
            continue
        left, top, width, height = (float(number or 0) for number in numbers)
        yield NamedFace(name, upright((left, top, width, height), header.orientation))


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


def _is_of_stored(regions: ET.Element, header: Metadata) -> bool:
    """Whether regions are of the picture as it is stored, before it is turned upright.

    The guidelines say so; what some programs do instead shows in the dimensions they note.
    """
    if header.orientation < FIRST_TRANSPOSED_ORIENTATION:
        return True
    dimensions = regions.find(f".//{_MWG}AppliedToDimensions")
    if dimensions is None:
        return True
    width = _number(_value(dimensions, f"{_DIMENSIONS}w"))
    height = _number(_value(dimensions, f"{_DIMENSIONS}h"))
    if not width or not height or width == height or not header.width:
        return True
    return (width > height) == (header.width > header.height)


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
        number = float(text or "")
    except ValueError:
        return None
    return number if abs(number) < _FARTHEST else None
