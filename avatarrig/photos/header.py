"""What a photo's header says, read before memory for a single pixel is taken."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from PIL import ExifTags, Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif.as_plugin import HeifImageFile

from avatarrig.photos.formats import SUFFIXES, Format, sniff_format
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.wire.reasons import RejectReason

# Opened by class and not with `Image.open`, whose limit on pixels is a global of the process
# and would refuse before the dimensions are known.
_OPENERS: Final[dict[Format, Callable[[io.BytesIO], Any]]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WebP": WebPImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
    "GIF": GifImageFile,
    "AVIF": AvifImageFile,
    "HEIC": HeifImageFile,
}
_APPLIED_BY_DECODER: Final = frozenset({"TIFF", "HEIC"})
"""Formats whose decoder turns the picture upright and reports the upright size."""

_UNKNOWN_PIXELS: Final = "unknown pixel mode"
"""What Pillow says of layouts that it has no name for."""

_TIFF_BEGINS: Final = (b"II", b"MM")
_LAST_ORIENTATION: Final = 8
_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNK_HEADER: Final = struct.Struct(">I4s")
_PNG_CHECKSUM: Final = 4
_PNG_TEXTS: Final = frozenset({b"tEXt", b"zTXt", b"iTXt", b"iCCP"})
FIRST_TRANSPOSED_ORIENTATION: Final = 5
"""From this EXIF orientation on, width and height change places."""


@dataclass(frozen=True)
class PhotoHeader:
    """A photo of which only the header was read.

    Attributes:
        format: What the content is, whatever the file is called.
        width: Stored width in pixels, before `orientation` is applied.
        height: Stored height in pixels, before `orientation` is applied.
        mode: Pillow's name for the pixel layout, such as ``RGB``, ``L``, ``I;16``, ``CMYK``.
        orientation: EXIF orientation 1..8 that is still to be applied; 1 for upright.
        transparent: Whether some pixels may be transparent.
        progressive: Whether a JPEG is progressive, which takes more memory to decode.
        exif: The EXIF fields; empty where there are none or they are damaged.
        picture: The opened file, its pixels not decoded.
    """

    format: Format
    width: int
    height: int
    mode: str
    orientation: int
    transparent: bool
    progressive: bool
    exif: Image.Exif
    picture: ImageFile

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height after `orientation` is applied."""
        if self.orientation >= FIRST_TRANSPOSED_ORIENTATION:
            return self.height, self.width
        return self.width, self.height


def read_header(data: bytes) -> PhotoHeader:
    """Reads the header of a photo.

    Args:
        data: The file's bytes.

    Returns:
        The header.

    Raises:
        PhotoRefusedError: Reason ``empty``, ``unsupported`` or ``unreadable``.
    """
    if not data:
        raise PhotoRefusedError(
            RejectReason.EMPTY, "The file is empty. Copy it again from the camera or the backup."
        )
    name = sniff_format(data)
    if name is None:
        raise PhotoRefusedError(
            RejectReason.UNSUPPORTED,
            "The content is no photo that can be read, whatever the file's name says. "
            f"Export it as one of {', '.join(SUFFIXES)}.",
        )
    try:
        with warnings.catch_warnings():
            # Damaged metadata is worth a warning to Pillow; here a photo is usable or refused.
            warnings.simplefilter("ignore")
            if name == "PNG":
                data = _without_texts(data)
            picture = _OPENERS[name](io.BytesIO(data))
            exif = _read_exif(name, picture, data)
    except Exception as error:  # parsers of damaged files raise almost anything
        if _UNKNOWN_PIXELS in str(error):
            raise PhotoRefusedError(
                RejectReason.UNSUPPORTED,
                f"This {name} stores its pixels in a way that is not known here, such as "
                "floating-point colours. Export it with 8 bits a colour.",
            ) from error
        raise PhotoRefusedError(
            RejectReason.UNREADABLE,
            f"The content begins as {name}, but its header is damaged ({_first_line(error)}). "
            "Copy it again from the camera or the backup.",
        ) from error
    return PhotoHeader(
        format=name,
        width=picture.width,
        height=picture.height,
        mode=picture.mode,
        orientation=1 if name in _APPLIED_BY_DECODER else _orientation(exif),
        transparent=_may_be_transparent(picture),
        progressive="progressive" in picture.info,
        exif=exif,
        picture=picture,
    )


def read_exif(data: bytes) -> Image.Exif:
    """Reads the EXIF fields of a photo; empty where there are none, or nothing can be read."""
    try:
        return read_header(data).exif
    except PhotoRefusedError:
        exif = Image.Exif()
        if data.startswith(_TIFF_BEGINS):  # as most raw files do
            with contextlib.suppress(Exception):  # damaged EXIF is like none
                exif.load(data)
        return exif


def _may_be_transparent(picture: ImageFile) -> bool:
    return picture.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in picture.info


def _read_exif(name: Format, picture: ImageFile, data: bytes) -> Image.Exif:
    # `picture.getexif()` of a PNG decodes all its pixels in search of a late EXIF chunk.
    if name == "TIFF":
        return picture.getexif()
    exif = Image.Exif()
    block = picture.info.get("exif")
    if block is None and name == "PNG":
        block = _late_png_exif(data)
    if block:
        try:
            exif.load(block)
        except Exception:  # noqa: BLE001 - damaged EXIF must not cost the photo
            return Image.Exif()
    return exif


def _late_png_exif(data: bytes) -> bytes | None:
    """Finds an ``eXIf`` chunk after the pixels, where Pillow would only see it by decoding."""
    chunks = _png_chunks(data)
    return next((data[start:end] for kind, start, end in chunks if kind == b"eXIf"), None)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Walks over the chunks of a PNG: kind, start and end of the content.

    Raises:
        ValueError: A chunk claims more bytes than the file has.
    """
    position = len(_PNG_SIGNATURE)
    while position + _PNG_CHUNK_HEADER.size <= len(data):
        length, kind = _PNG_CHUNK_HEADER.unpack_from(data, position)
        start = position + _PNG_CHUNK_HEADER.size
        if start + length > len(data):
            raise ValueError("a chunk is longer than the file")
        yield kind, start, start + length
        position = start + length + _PNG_CHECKSUM


def _without_texts(data: bytes) -> bytes:
    """Leaves out of a PNG what is no picture: texts and colour profiles.

    Pillow refuses photos whose texts are long, such as the recipes that image generators add.
    Walking over the chunks also refuses what no header limit foresees: OpenCV's decoder takes
    the memory that a chunk claims, up to 2 GB, before it reads it.

    Raises:
        ValueError: A chunk claims more bytes than the file has.
    """
    chunks = list(_png_chunks(data))
    if not any(kind in _PNG_TEXTS for kind, _, _ in chunks):
        return data
    kept = [
        data[start - _PNG_CHUNK_HEADER.size : end + _PNG_CHECKSUM]
        for kind, start, end in chunks
        if kind not in _PNG_TEXTS
    ]
    return _PNG_SIGNATURE + b"".join(kept)


def _orientation(exif: Image.Exif) -> int:
    try:
        value = exif.get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF must not cost the photo
        return 1
    return value if isinstance(value, int) and 1 <= value <= _LAST_ORIENTATION else 1


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__
