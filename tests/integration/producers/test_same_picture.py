"""The same picture counts once, whatever was written beside it; another picture is another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.body.landscape import landscape, tagged
from support.photos import encode, encode_heic, in_format

from avatarrig.photos.formats import SUFFIXES, Format
from avatarrig.photos.picture_digest import picture_digest
from avatarrig.wire import PhotoReference
from producers.hashing import read_content
from producers.references import Dataset, describe
from producers.scan import scan

PICTURE, OTHER = landscape(400, 300), landscape(300, 400)
TAGGED: tuple[Format, ...] = ("JPEG", "PNG", "WebP", "TIFF", "AVIF", "HEIC")


def with_text(name: Format, text: str) -> bytes:
    """The same pixels, encoded the same way, with a text beside them."""
    exif = Image.Exif()
    exif[270] = text
    kinds = {"WebP": "WEBP"}
    settings: dict[str, object] = {"speed": 10} if name == "AVIF" else {}
    if name == "HEIC":
        return encode_heic(PICTURE, exif=exif.tobytes())
    return encode(PICTURE, kinds.get(name, name), exif=exif.tobytes(), **settings)


@pytest.mark.parametrize("name", TAGGED)
def test_what_is_written_beside_a_picture_does_not_change_it(name: Format) -> None:
    first, second = with_text(name, "one"), with_text(name, "another, and longer")
    assert first != second
    assert picture_digest(first) == picture_digest(second) != ""


@pytest.mark.parametrize("name", [name for name in SUFFIXES if name != "GIF"])
def test_another_picture_is_another_one(name: Format) -> None:
    changed = np.asarray(PICTURE).copy()
    changed[150:170, 200:220] = (255, 0, 255)
    digests = {
        picture_digest(in_format(name, picture))
        for picture in (PICTURE, OTHER, Image.fromarray(changed))
    }
    assert len(digests) == 3
    assert "" not in digests


@pytest.mark.parametrize("cut", [0, 1, 20, 200])
@pytest.mark.parametrize("name", SUFFIXES)
def test_of_a_damaged_file_nothing_is_claimed_that_is_wrong(name: Format, cut: int) -> None:
    whole = in_format(name, PICTURE)
    assert picture_digest(whole[:cut]) != picture_digest(whole) or name == "GIF"


def test_a_rated_copy_of_a_photo_is_published_as_the_same(tmp_path: Path) -> None:
    photo = encode(PICTURE, "JPEG", quality=90)
    rated = photo[:2] + b"\xff\xfe\x00\x0arating 5" + photo[2:]
    turned = tagged(PICTURE, "JPEG", 6)
    for name, data in (("a", photo), ("b", rated), ("c", encode(OTHER, "JPEG")), ("d", turned)):
        (tmp_path / f"{name}.jpg").write_bytes(data)
    records = list(
        describe(
            scan(tmp_path),
            Dataset(name="d"),
            read_content=lambda found: read_content(found.file, lambda *_: None),
            now=lambda: 1.0,
        )
    )
    first, copy, other, _ = records
    assert isinstance(first, PhotoReference)
    assert isinstance(copy, PhotoReference)
    assert isinstance(other, PhotoReference)
    assert copy.duplicate_of == first.image_id
    assert (first.duplicate_of, other.duplicate_of) == (None, None)
