"""What a photo's file says about the photo, beside its pixels.

Whoever finds photos reads this of every file, in a process that must not fall: so no decoder is
asked, and no library in C but zlib, whose output is limited. Pixels are looked at by detectors
alone, in their sandbox.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from avatarrig.photos.coding import boxes, iptc, jpeg, png, webp
from avatarrig.photos.coding.jpeg_xl import read_jpeg_xl_header
from avatarrig.photos.coding.search import holds_any
from avatarrig.photos.damage import unless_damaged
from avatarrig.photos.formats import Format, sniff_format
from avatarrig.photos.xmp import PACKET_BEGINS

_LARGEST_PACKET: Final = 4 << 20
_LAST_ORIENTATION: Final = 8
FIRST_TRANSPOSED_ORIENTATION: Final = 5
"""From this EXIF orientation on, width and height change places."""

_XMP_OF_TIFF: Final = 700
_WIDTH_OF_TIFF: Final = 256
_HEIGHT_OF_TIFF: Final = 257
_TIFF_BEGINS: Final = {b"II", b"MM"}
_EXIF_MARKS: Final = (b"CMT2", b"Exif\0\0")
"""What stands before EXIF in Canon's CR3, and in every JPEG, such as a preview."""
_NOTES_BEGIN: Final = (*PACKET_BEGINS, iptc.BLOCK)
_PACKET_ENDS: Final = (b"</x:xmpmeta>", b"</x:xapmeta>", b"</rdf:RDF>")
_PNG_PACKET: Final = "XML:com.adobe.xmp"
_PNG_MADE: Final = "Creation Time"


@dataclass(frozen=True)
class Metadata:
    """What is said beside the pixels.

    Attributes:
        exif: The EXIF fields; empty where there are none or they are damaged.
        packet: XMP; empty where there is none.
        extension: More XMP, as a packet of its own, where one segment of a JPEG held not all.
        orientation: How the stored picture is to be turned: EXIF's numbers, 1..8.
        width: Stored width in pixels; 0 where it was not looked for.
        height: Stored height in pixels; 0 where it was not looked for.
        is_raw: Whether it is a raw photo.
        made: When the picture was made, as a text of the file's own kind says.
        notes: All of the file in which XMP or IPTC's records may lie; empty where neither does.
    """

    exif: Image.Exif
    packet: bytes = b""
    extension: bytes = b""
    orientation: int = 1
    width: int = 0
    height: int = 0
    is_raw: bool = False
    made: str = ""
    notes: bytes = b""


def read_metadata(data: bytes, coded: slice | None = None) -> Metadata:
    """Reads what a file says; of a damaged one, what can be read.

    Args:
        data: The file's bytes, or the first few megabytes.
        coded: Where the scans of a JPEG lie (`jpeg.coded_pixels`); looked for where not given.
    """
    name = sniff_format(data)
    notes = _notes(name, data, coded)
    if name is None:
        return Metadata(Image.Exif(), notes=notes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged metadata is like none
        nothing = Metadata(Image.Exif())
        reader = _READERS.get(name)
        said = nothing if reader is None else unless_damaged(lambda: reader(data), nothing)
        turn = _orientation(name, data, said.exif)
        packet = said.packet or _packet(notes)
        is_raw = name == "RAW"
        return replace(said, packet=packet, orientation=turn, is_raw=is_raw, notes=notes)


def _notes(name: Format | None, data: bytes, coded: slice | None) -> bytes:
    pixels = slice(0, 0)
    if name == "JPEG":
        pixels = jpeg.coded_pixels(data) if coded is None else coded
    before = data[: pixels.start]
    if holds_any(data, _NOTES_BEGIN, pixels.stop):
        return before + data[pixels.stop :]
    return before if holds_any(before, _NOTES_BEGIN) else b""


def _read_jpeg(data: bytes) -> Metadata:
    picture = JpegImageFile(io.BytesIO(data))
    exif = exif_in(picture.info.get("exif", b""))
    packet = picture.info.get("xmp", b"")
    return Metadata(
        exif,
        packet,
        jpeg.extended_xmp(data, packet),
        width=picture.width,
        height=picture.height,
    )


def _read_tiff(data: bytes) -> Metadata:
    picture = TiffImageFile(io.BytesIO(data))
    packet = picture.tag_v2.get(_XMP_OF_TIFF, b"")
    return Metadata(
        picture.getexif(),
        packet if isinstance(packet, bytes) else b"",
        width=_number(picture, _WIDTH_OF_TIFF),
        height=_number(picture, _HEIGHT_OF_TIFF),
    )


def _number(picture: TiffImageFile, tag: int) -> int:
    # Pillow's own width and height are those of the upright picture.
    value = picture.tag_v2.get(tag, 0)
    return value if isinstance(value, int) else 0


def _read_webp(data: bytes) -> Metadata:
    chunks = {kind: data[start:end] for kind, start, end in webp.chunks_of(data)}
    return Metadata(exif_in(chunks.get(b"EXIF", b"")), chunks.get(b"XMP ", b""))


def exif_in(block: bytes) -> Image.Exif:
    """Reads a block of EXIF; empty where there is none or it is damaged."""

    def load() -> Image.Exif:
        exif = Image.Exif()
        if block:
            exif.load(block)
        return exif

    return unless_damaged(load, Image.Exif())


def _exif_of_raw(data: bytes) -> Image.Exif:
    """Reads EXIF where raw photos have it: they are a TIFF, or hold a block or a JPEG with it."""
    start = next((at + len(mark) for mark in _EXIF_MARKS if (at := data.find(mark)) >= 0), None)
    if data[:2] in _TIFF_BEGINS:
        start = 0
    return Image.Exif() if start is None else exif_in(data[start:])


def _packet(data: bytes) -> bytes:
    """Finds XMP in a file, as XMP part 3 foresees for programs that do not know its format."""
    for begin, end in zip(PACKET_BEGINS, _PACKET_ENDS, strict=True):
        at = data.find(begin)
        if at >= 0 and (to := data.find(end, at, at + _LARGEST_PACKET)) >= 0:
            return data[at : to + len(end)]
    return b""


def _read_png(data: bytes) -> Metadata:
    texts = png.texts_of(data, (_PNG_PACKET, _PNG_MADE, *png.EXIF_TEXTS))
    exif = exif_in(png.late_exif(data) or png.exif_in_text(texts))
    made = texts.get(_PNG_MADE, b"").decode("utf-8", "replace")
    width, height = png.size_of(data)
    return Metadata(exif, texts.get(_PNG_PACKET, b""), made=made, width=width, height=height)


def _orientation(name: Format, data: bytes, exif: Image.Exif) -> int:
    if name == "AVIF":
        return boxes.turn_of(data)
    if name in {"HEIC", "JPEG XL"}:
        # Decoders of both turn pictures upright by themselves.
        return 1
    return orientation_in(exif)


def orientation_in(exif: Image.Exif) -> int:
    """How EXIF says that the stored picture is to be turned, 1..8; 1 where it does not say."""
    value = unless_damaged(lambda: exif.get(ExifTags.Base.Orientation, 1), 1)
    if isinstance(value, bytes) and value:  # some programs write a byte where two are meant
        value = value[0]
    return value if isinstance(value, int) and 1 <= value <= _LAST_ORIENTATION else 1


_READERS: Final[dict[Format, Callable[[bytes], Metadata]]] = {
    "JPEG": _read_jpeg,
    "TIFF": _read_tiff,
    "WebP": _read_webp,
    "PNG": _read_png,
    "HEIC": lambda data: Metadata(exif_in(boxes.exif_of(data))),
    "AVIF": lambda data: Metadata(exif_in(boxes.exif_of(data))),
    "JPEG XL": lambda data: Metadata(exif_in(read_jpeg_xl_header(data).exif)),
    "RAW": lambda data: Metadata(_exif_of_raw(data)),
}
