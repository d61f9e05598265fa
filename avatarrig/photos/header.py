"""What a photo's header says, read before memory for a single pixel is taken."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
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

from avatarrig.photos.coding import boxes, jpeg, png, webp
from avatarrig.photos.coding.foreign import name_content
from avatarrig.photos.coding.jpeg_xl import read_jpeg_xl_header
from avatarrig.photos.coding.layouts import Layout, layout_of, with_head
from avatarrig.photos.coding.raw import read_preview
from avatarrig.photos.damage import unless_damaged
from avatarrig.photos.formats import SUFFIXES, Format, sniff_format
from avatarrig.photos.metadata import FIRST_TRANSPOSED_ORIENTATION, exif_in, orientation_in
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
_REPAIRS: Final[dict[Format, Callable[[bytes], bytes]]] = {
    "PNG": png.only_picture,
    "BMP": with_head,
    "WebP": webp.with_length,
}
"""What is done to a file's bytes so that decoders take them."""
_PNG_FIRST_CHUNK: Final = slice(12, 16)


@dataclass(frozen=True)
class PhotoHeader:
    """A photo of which only the header was read.

    Attributes:
        format: What the content is, whatever the file is called.
        stored_as: How its pixels are to be decoded; of a raw photo, those of its preview.
        width: Stored width in pixels, before `orientation` is applied.
        height: Stored height in pixels, before `orientation` is applied.
        mode: Pillow's name for the pixel layout, such as ``RGB``, ``L``, ``I;16``, ``CMYK``.
        orientation: EXIF orientation 1..8 that is still to be applied; 1 for upright.
        transparent: Whether some pixels may be transparent.
        progressive: Whether a JPEG is progressive, which takes more memory to decode.
        exif: The EXIF fields; empty where there are none or they are damaged.
        picture: The file as Pillow opened it, its pixels not decoded; None where it cannot.
        layout: How a TIFF or BMP lays its pixels out; None of other formats.
        data: The bytes to decode: the file's, without what would get in a decoder's way.
    """

    format: Format
    stored_as: Format
    width: int
    height: int
    mode: str
    orientation: int
    transparent: bool
    progressive: bool
    exif: Image.Exif
    picture: ImageFile | None
    layout: Layout | None
    data: bytes

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    @property
    def has_wide_reader(self) -> bool:
        """Whether OpenCV reads it where Pillow would not, or would not do so rightly."""
        layout = self.layout
        return layout is not None and (layout.has_own_reader or self.picture is None)

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height after `orientation` is applied."""
        if self.orientation >= FIRST_TRANSPOSED_ORIENTATION:
            return self.height, self.width
        return self.width, self.height


def _readable_format(data: bytes) -> Format:
    if not data:
        raise PhotoRefusedError(
            RejectReason.EMPTY, "The file is empty. Copy it again from the camera or the backup."
        )
    name = sniff_format(data)
    if name is not None:
        return name
    if not data.strip(b"\0"):
        raise PhotoRefusedError(
            RejectReason.UNREADABLE,
            "The file holds nothing but zeros: a copy broke off. "
            "Copy it again from the camera or the backup.",
        )
    raise PhotoRefusedError(
        RejectReason.UNSUPPORTED,
        f"The content is {name_content(data)}, whatever the file's name says. "
        f"Export it as one of {', '.join(SUFFIXES)}.",
    )


def read_header(data: bytes) -> PhotoHeader:
    """Reads the header of a photo.

    Args:
        data: The file's bytes.

    Raises:
        PhotoRefusedError: Reason ``empty``, ``unsupported`` or ``unreadable``.
    """
    name = _readable_format(data)
    if name == "RAW":
        return _header_of_raw(data)
    if name == "JPEG XL":
        return _header_of_jpeg_xl(data)
    try:
        with warnings.catch_warnings():
            # Damaged metadata is worth a warning to Pillow; here a photo is usable or refused.
            warnings.simplefilter("ignore")
            data = _REPAIRS.get(name, bytes)(data)
            picture = _OPENERS[name](io.BytesIO(data))
            exif = _read_exif(name, picture, data)
    except Exception as error:  # parsers of damaged files raise almost anything
        layout = layout_of(name, data)
        if layout is not None and layout.may_be_read:
            return _for_opencv(name, data, layout)
        raise _not_opened(name, data, layout, error) from error
    layout = layout_of(name, data)
    if layout is not None and layout.is_misread:
        raise unknown_coding(name, layout.unusual)
    return PhotoHeader(
        format=name,
        stored_as=name,
        width=picture.width,
        height=picture.height,
        mode=picture.mode,
        orientation=_orientation_left(name, data, picture, exif),
        transparent=_may_be_transparent(picture),
        progressive="progressive" in picture.info,
        exif=exif,
        picture=picture,
        layout=layout,
        data=data,
    )


def _header_of_raw(data: bytes) -> PhotoHeader:
    """Reads the header of the preview that a raw photo carries."""
    preview = read_preview(data)
    if preview.jpeg is not None:
        header = read_header(preview.jpeg)
        # Some previews say how they are turned, as the photo itself does; others leave it to that.
        is_said = ExifTags.Base.Orientation in header.exif
        orientation = header.orientation if is_said else preview.orientation
        return replace(header, format="RAW", orientation=orientation, stored_as=header.format)
    if preview.rgb is None:
        raise PhotoRefusedError(RejectReason.UNREADABLE, "The raw photo holds no picture.")
    header = read_header(_as_bmp(preview.rgb))
    return replace(header, format="RAW", orientation=preview.orientation, stored_as=header.format)


def _as_bmp(rgb: NDArray[np.uint8]) -> bytes:
    data = io.BytesIO()
    Image.fromarray(rgb).save(data, "BMP")
    return data.getvalue()


def _header_of_jpeg_xl(data: bytes) -> PhotoHeader:
    try:
        said = read_jpeg_xl_header(data)
    except (ValueError, IndexError) as error:
        raise _not_opened("JPEG XL", data, None, error) from error
    exif = Image.Exif()
    if said.exif:
        with contextlib.suppress(Exception):  # damaged EXIF must not cost the photo
            exif.load(said.exif)
    return _without_pillow("JPEG XL", data, (said.width, said.height), exif)


def _for_opencv(name: Format, data: bytes, layout: Layout) -> PhotoHeader:
    """Makes the header of a photo that Pillow does not know, and OpenCV may."""
    exif = Image.Exif()
    if name == "TIFF":
        with contextlib.suppress(Exception):  # damaged EXIF is like none
            exif.load(data)
    return _without_pillow(name, data, (layout.width, layout.height), exif, layout)


def _without_pillow(
    name: Format,
    data: bytes,
    size: tuple[int, int],
    exif: Image.Exif,
    layout: Layout | None = None,
) -> PhotoHeader:
    return PhotoHeader(
        format=name,
        stored_as=name,
        width=size[0],
        height=size[1],
        mode="RGB",
        orientation=1,
        transparent=False,
        progressive=False,
        exif=exif,
        picture=None,
        layout=layout,
        data=data,
    )


def _not_opened(
    name: Format, data: bytes, layout: Layout | None, error: Exception
) -> PhotoRefusedError:
    coding = unusual_coding(name, data, layout)
    if coding:
        return unknown_coding(name, coding)
    return PhotoRefusedError(
        RejectReason.UNREADABLE,
        f"The content begins as {name}, but is damaged or cut off ({_first_line(error)}). "
        "Copy it again from the camera or the backup.",
    )


def unusual_coding(name: Format, data: bytes, layout: Layout | None) -> str:
    """Names the way in which a photo is stored where no decoder here knows it; otherwise empty."""
    match name:
        case "TIFF" | "BMP":
            return "" if layout is None else layout.unusual
        case "JPEG":
            return jpeg.unusual_coding(data)
        case "PNG" if data[_PNG_FIRST_CHUNK].startswith(png.APPLE):
            return "Apple's own kind of PNG, as programs of phones hold it"
        case "HEIC" | "AVIF":
            return boxes.unusual_codec(data)
        case _:
            return ""


def unknown_coding(name: Format, coding: str) -> PhotoRefusedError:
    """The error of a photo that is whole, but stored in a way that no decoder here knows."""
    return PhotoRefusedError(
        RejectReason.UNSUPPORTED,
        f"This {name} is stored as {coding}, which cannot be read here. "
        "Export it uncompressed with 8 bits a colour, or as JPEG.",
    )


def _may_be_transparent(picture: ImageFile) -> bool:
    return picture.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in picture.info


def _read_exif(name: Format, picture: ImageFile, data: bytes) -> Image.Exif:
    # `picture.getexif()` of a PNG decodes all its pixels in search of a late EXIF chunk.
    if name == "TIFF":
        return picture.getexif()
    block = picture.info.get("exif")
    if block is None and name == "PNG":
        block = png.late_exif(data)
    return exif_in(block or b"")


def _orientation_left(name: Format, data: bytes, picture: ImageFile, exif: Image.Exif) -> int:
    """Which EXIF orientation the decoder leaves to be applied."""
    if name == "TIFF":
        return 1
    if name == "HEIC":
        # HEIF says how a picture is turned outside of EXIF; where nothing does, phones of one make
        # mean EXIF all the same, and every gallery shows their photos so.
        is_meant = _is_of_make(exif, "samsung") and not boxes.is_turned(data)
        return int(picture.info.get("original_orientation") or 1) if is_meant else 1
    return orientation_in(exif)


def _is_of_make(exif: Image.Exif, make: str) -> bool:
    written = unless_damaged(lambda: str(exif.get(ExifTags.Base.Make, "")), "")
    return written.strip().lower().startswith(make)


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__
