"""What a file holds that goes by a photo's name and is none that is read here."""

from __future__ import annotations

from typing import Final

_BEGINNINGS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop document"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"II\xbc", "a JPEG XR picture"),
    (b"v/1\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance HDR picture"),
    (b"qoif", "a QOI picture"),
    (b"\0\0\1\0", "an icon"),
    (b"icns", "an icon"),
    (b"DDS ", "a texture (DDS)"),
    (b"P5", "a PNM picture"),
    (b"P6", "a PNM picture"),
    (b"%!PS", "a PostScript document"),
    (b"PK\3\4", "a ZIP archive, or a document that is one"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1f\x8b", "something packed with gzip"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"\0\0\1\xba", "a video"),
    (b"version https://git-lfs", "a pointer of Git LFS (git lfs pull fetches the photo itself)"),
    (b"\0\5\x16\7", "what a Mac keeps beside a file (AppleDouble)"),
    (b"bplist00", "a property list, such as stands for a photo that is still in a cloud"),
)
_TEXTS: Final = (
    (b"<!doctype html", "a web page (a download gave that instead of the photo)"),
    (b"<html", "a web page (a download gave that instead of the photo)"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "XML"),
    (b"{", "JSON"),
)
_BOXES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"wide"})
_BRAND: Final = slice(4, 8)
_RIFF: Final = {b"AVI ": "a video", b"WAVE": "a sound"}


def name_content(data: bytes) -> str:
    """Names what a file holds.

    Args:
        data: Its bytes, or the first of them.

    Returns:
        For example ``a PDF document``; ``no photo that can be read`` where nobody knows.
    """
    for beginning, name in _BEGINNINGS:
        if data.startswith(beginning):
            return name
    if data[_BRAND] in _BOXES:
        return "a video"
    if data.startswith(b"RIFF") and data[8:12] in _RIFF:
        return _RIFF[data[8:12]]
    text = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    found = (name for beginning, name in _TEXTS if text.startswith(beginning))
    return next(found, "no photo that can be read")
