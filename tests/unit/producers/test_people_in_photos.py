"""Who is in a photo, as photo programs write it into the file and Google's export beside it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps, PngImagePlugin
from support.photos import encode_heic
from support.references import reference
from support.texts import texts

from avatarrig.photos.metadata import read_metadata
from avatarrig.photos.named_people.picasa import people_in_picasa
from avatarrig.photos.named_people.written import (
    NamedFace,
    people_in_photo,
    people_in_takeout,
    same_name,
)
from avatarrig.wire import Sought
from producers.memory import Memory
from producers.naming import people_named
from producers.references import Dataset
from producers.settling import Stamp

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
HEAD = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
    '<rdf:Description xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" '
    'xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" '
    'xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#" '
    'xmlns:MP="http://ns.microsoft.com/photo/1.2/" '
    'xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#" '
    'xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#">'
)
TAIL = "</rdf:Description></rdf:RDF></x:xmpmeta>"


def lightroom(*faces: str, dimensions: tuple[int, int] = (400, 300)) -> str:
    """Properties as attributes, each region in a description of its own."""
    width, height = dimensions
    return (
        f'{HEAD}<mwg-rs:Regions rdf:parseType="Resource">'
        f'<mwg-rs:AppliedToDimensions stDim:w="{width}" stDim:h="{height}" stDim:unit="pixel"/>'
        f"<mwg-rs:RegionList><rdf:Bag>{''.join(faces)}</rdf:Bag></mwg-rs:RegionList>"
        f"</mwg-rs:Regions>{TAIL}"
    )


Area = tuple[float, float, float, float]
"""Middle, width and height in shares, as the working group has it."""


def with_attributes(name: str, area: Area, kind: str = "Face") -> str:
    x, y, w, h = area
    return (
        f'<rdf:li><rdf:Description mwg-rs:Name="{name}" mwg-rs:Type="{kind}">'
        f'<mwg-rs:Area stArea:x="{x}" stArea:y="{y}" stArea:w="{w}" stArea:h="{h}" '
        'stArea:unit="normalized"/></rdf:Description></rdf:li>'
    )


def with_elements(name: str, area: Area) -> str:
    """As digiKam and exiftool write it."""
    x, y, w, h = area
    return (
        f'<rdf:li rdf:parseType="Resource"><mwg-rs:Area rdf:parseType="Resource">'
        f"<stArea:h>{h}</stArea:h><stArea:unit>normalized</stArea:unit><stArea:w>{w}</stArea:w>"
        f"<stArea:x>{x}</stArea:x><stArea:y>{y}</stArea:y></mwg-rs:Area>"
        f"<mwg-rs:Name>{name}</mwg-rs:Name><mwg-rs:Type>Face</mwg-rs:Type></rdf:li>"
    )


def windows(name: str, rectangle: str) -> str:
    return (
        f'{HEAD}<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag><rdf:li '
        f'MPReg:PersonDisplayName="{name}" MPReg:Rectangle="{rectangle}"/></rdf:Bag>'
        f"</MPRI:Regions></MP:RegionInfo>{TAIL}"
    )


def photo(xmp: str | bytes, kind: str = "JPEG", orientation: int = 1) -> bytes:
    picture = Image.new("RGB", (400, 300), "gray")
    exif = Image.Exif()
    exif[274] = orientation
    packet = xmp.encode() if isinstance(xmp, str) else xmp
    stream = io.BytesIO()
    if kind == "TIFF":
        exif[700] = packet
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", packet.decode(), zip=True)
        picture.save(stream, kind, pnginfo=texts, exif=exif)
        return stream.getvalue()
    if kind == "RAW":
        exif[50706], exif[700] = b"\1\4\0\0", packet
        picture.save(stream, "TIFF", exif=exif)
        return stream.getvalue()
    if kind == "HEIC":
        return encode_heic(picture, exif=exif.tobytes(), xmp=packet)
    picture.save(stream, kind, xmp=packet, exif=exif)
    return stream.getvalue()


_DECODERS = ("pillow_heif", "rawpy", "cv2", "pylibjxl", "PIL._avif", "PIL._webp")
_READING = """
import sys
from pathlib import Path
import producers.service
from avatarrig.photos.capture import read_capture_time
from avatarrig.photos.named_people.written import people_in_photo
from producers.hashing import read_content
for file in map(Path, sys.argv[1:]):
    assert people_in_photo(file.read_bytes()), file
    assert read_content(file, read_capture_time).size
print(*sys.modules)
"""


def test_who_finds_photos_asks_no_decoder(tmp_path: Path) -> None:
    files = []
    for kind in ("JPEG", "WEBP", "TIFF", "AVIF", "PNG", "RAW", "HEIC"):
        files.append(tmp_path / f"a.{kind}")
        files[-1].write_bytes(photo(lightroom(with_attributes("Anna", (0.5, 0.4, 0.2, 0.3))), kind))
    said = subprocess.run(
        [sys.executable, "-c", _READING, *files], capture_output=True, text=True, check=True
    )
    assert set(said.stdout.split()).isdisjoint(_DECODERS)


@pytest.mark.parametrize("entry", [with_attributes, with_elements])
@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF", "AVIF", "PNG", "RAW", "HEIC"])
def test_regions_are_read_however_they_are_written(entry: Callable[..., str], kind: str) -> None:
    data = photo(
        lightroom(entry("Anna", (0.5, 0.4, 0.2, 0.3)), entry("Jo", (0.1, 0.1, 0.1, 0.1))), kind
    )
    anna, jo = people_in_photo(data)
    assert (anna.name, jo.name) == ("Anna", "Jo")
    assert anna.region == pytest.approx((0.4, 0.25, 0.2, 0.3))


def test_microsofts_regions_are_read() -> None:
    (anna,) = people_in_photo(photo(windows("Anna", "0.4, 0.25, 0.2, 0.3")))
    assert anna.name == "Anna"
    assert anna.region == pytest.approx((0.4, 0.25, 0.2, 0.3))
    assert people_in_photo(photo(windows("Anna", ""))) == (NamedFace("Anna"),)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_region_turns_with_its_photo(orientation: int) -> None:
    """The picture is white in the region and black elsewhere: Pillow turns it, and tells."""
    region = (0.55, 0.1, 0.3, 0.2)
    picture = Image.new("L", (400, 300))
    left, top = round(region[0] * 400), round(region[1] * 300)
    picture.paste(255, (left, top, left + 120, top + 60))
    exif = picture.getexif()
    exif[274] = orientation
    upright = ImageOps.exif_transpose(picture)
    x0, y0, x1, y1 = upright.getbbox() or (0, 0, 0, 0)
    width, height = upright.size
    entry = with_attributes("Anna", (0.7, 0.2, 0.3, 0.2))
    (anna,) = people_in_photo(photo(lightroom(entry), orientation=orientation))
    turned = (x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height)
    assert anna.region == pytest.approx(turned, abs=0.005)


def test_a_region_of_the_upright_picture_is_not_turned_again() -> None:
    entry = with_attributes("Anna", (0.5, 0.4, 0.2, 0.3))
    (anna,) = people_in_photo(photo(lightroom(entry, dimensions=(300, 400)), orientation=6))
    assert anna.region == pytest.approx((0.4, 0.25, 0.2, 0.3))


def test_what_is_no_face_names_nobody() -> None:
    entries = [
        with_attributes("Rex", (0.5, 0.5, 0.1, 0.1), kind="Pet"),
        with_attributes("", (0.5, 0.5, 0.1, 0.1)),
    ]
    assert people_in_photo(photo(lightroom(*entries))) == ()


WITHOUT_AREA = '<rdf:li><rdf:Description mwg-rs:Name="Anna" mwg-rs:Type="Face"/></rdf:li>'


@pytest.mark.parametrize(
    "entry",
    [
        with_attributes("Anna", (0.5, 0.5, 0.0, 0.1)),
        with_attributes("Anna", (0.5, 0.5, float("nan"), 0.1)),
        with_attributes("Anna", (1e9, 0.5, 0.1, 0.1)),
        with_attributes("Anna", (0.5, 0.5, 0.1, 0.1)).replace("normalized", "inch"),
        WITHOUT_AREA,
    ],
    ids=["empty", "no number", "far away", "another unit", "missing"],
)
def test_a_place_that_is_none_leaves_the_name(entry: str) -> None:
    assert people_in_photo(photo(lightroom(entry))) == (NamedFace("Anna"),)


PLACE = (0.4, 0.25, 0.2, 0.3)
AREA: Area = (0.5, 0.4, 0.2, 0.3)


@pytest.mark.parametrize(
    "entry",
    [
        with_attributes("Anna", AREA, kind="face"),
        with_attributes("Anna", AREA, kind=""),
        with_attributes("Anna", AREA).replace(".", ","),
        with_attributes("Anna", (200, 120, 80, 90)).replace("normalized", "pixel"),
        with_elements("Anna", AREA) + with_attributes("anna ", (0.51, 0.41, 0.2, 0.3)),
    ],
    ids=["lower case", "no type", "decimal comma", "pixels", "twice"],
)
def test_places_are_read_however_they_are_spelt(entry: str) -> None:
    (anna,) = people_in_photo(photo(lightroom(entry)))
    assert anna.region == pytest.approx(PLACE)


@pytest.mark.parametrize(
    "rectangle", ["0,4, 0,25, 0,2, 0,3", "0.4;0.25;0.2;0.3", "0.4 0.25 0.2 0.3"]
)
def test_microsofts_rectangles_are_read_however_they_are_spelt(rectangle: str) -> None:
    (anna,) = people_in_photo(photo(windows("Anna", rectangle)))
    assert anna.region == pytest.approx(PLACE)


def test_of_two_people_of_one_name_nobody_knows_which_is_meant() -> None:
    entries = [with_attributes("Anna", (at, 0.4, 0.1, 0.1)) for at in (0.2, 0.8)]
    assert people_in_photo(photo(lightroom(*entries))) == (NamedFace("Anna"),)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize(
    ("dimensions", "is_there"),
    [((4000, 3000), True), ((3000, 4000), True), ((4000, 1000), False), ((0, 0), True)],
    ids=["larger", "turned", "cut since", "none"],
)
def test_a_photo_that_was_cut_since_leaves_the_name(
    kind: str, dimensions: tuple[int, int], is_there: object
) -> None:
    entry = with_attributes("Anna", AREA)
    (anna,) = people_in_photo(photo(lightroom(entry, dimensions=dimensions), kind))
    assert (anna.region is not None) is is_there


@pytest.mark.parametrize(
    "packet",
    [
        lightroom(with_attributes("Ren\u00e9", AREA)).encode("utf-16"),
        lightroom(with_attributes("Ren\u00e9", AREA)).encode("utf-16-be"),
        lightroom(with_attributes("Ren\u00e9", AREA)).encode("utf-8-sig"),
        lightroom(with_attributes("Ren\u00e9", AREA)).encode("cp1252"),
        b'<?xml version="1.0" encoding="ISO-8859-1"?>\n'
        + lightroom(with_attributes("Ren\u00e9", AREA)).encode("latin-1"),
        lightroom(with_attributes("Ren&eacute;", AREA)).encode(),
        lightroom(with_attributes("Ren\u00e9\x01&#2;", AREA)).encode(),
        lightroom(with_attributes("Ren\u00e9", AREA)).encode() + b"\0\0garbage",
        lightroom(with_attributes("Ren\u00e9", AREA), with_attributes("A & B", AREA)).encode(),
    ],
    ids=[
        *("UTF-16", "UTF-16 without a mark", "a mark", "Windows", "declared", "entity"),
        *("signs of control", "garbage behind", "ampersand"),
    ],
)
def test_xmp_is_read_however_it_is_encoded_and_damaged(packet: bytes) -> None:
    rene = people_in_photo(photo(b""), packet)[0]
    assert rene.name == "Ren\u00e9"
    assert rene.region == pytest.approx(PLACE)


EXTENDED = "6B2D1F0A" * 4


def extended(xmp: str, order: tuple[int, ...] = (0, 1, 2), name: str = EXTENDED) -> bytes:
    """A JPEG whose packet tells of more XMP, which follows in three segments."""
    main = photo(
        f'{HEAD}</rdf:Description><rdf:Description xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
        f'xmpNote:HasExtendedXMP="{EXTENDED}">{TAIL}'
    )
    more = xmp.encode()
    third = len(more) // 3
    segments = []
    for number in order:
        portion = more[number * third : None if number == 2 else (number + 1) * third]
        content = b"http://ns.adobe.com/xmp/extension/\0" + name.encode()
        content += len(more).to_bytes(4, "big") + (number * third).to_bytes(4, "big") + portion
        segments.append(b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content)
    return main[:2] + b"".join(segments) + main[2:]


SHOWN = lightroom(with_attributes("Anna", (0.5, 0.4, 0.2, 0.3)))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (0, 0, 1, 2)])
def test_xmp_that_is_spread_over_several_segments_is_joined(order: tuple[int, ...]) -> None:
    (anna,) = people_in_photo(extended(SHOWN, order))
    assert anna.name == "Anna"
    assert anna.region == pytest.approx((0.4, 0.25, 0.2, 0.3))
    assert people_in_photo(extended(SHOWN, order, EXTENDED.lower())) == (anna,)


def test_xmp_of_which_a_portion_is_missing_or_anothers_names_nobody() -> None:
    assert people_in_photo(extended(SHOWN, (0, 2))) == ()
    assert people_in_photo(extended(SHOWN, (1, 2))) == ()
    assert people_in_photo(extended(SHOWN, name="0" * 32)) == ()
    one = extended(SHOWN)
    for end in range(2, len(one), 97):
        people_in_photo(one[:end])


def test_too_much_xmp_is_not_read() -> None:
    spread = b"".join(
        b"\xff\xe1\xff\xffhttp://ns.adobe.com/xmp/extension/\0"
        + EXTENDED.encode()
        + bytes(4)
        + (number * 65458).to_bytes(4, "big")
        + bytes(65458)
        for number in range(70)
    )
    one = extended(SHOWN, ())
    assert len(read_metadata(one[:2] + spread[: 65 * 65537] + one[2:]).extension) == 0
    assert len(read_metadata(one[:2] + spread[: 60 * 65537] + one[2:]).extension) == 60 * 65458


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"no XML",
        b"<x",
        b'<!DOCTYPE a [<!ENTITY b "Anna">]><a>&b;</a>',
        b"<a/>" + b" " * (5 << 20),
    ],
    ids=["empty", "text", "cut off", "entities", "huge"],
)
def test_damaged_packets_name_nobody(packet: bytes) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (400, 300)).save(stream, "WEBP", xmp=packet)
    assert people_in_photo(stream.getvalue()) == ()


@given(st.binary(max_size=400))
def test_no_bytes_bring_the_readers_down(data: bytes) -> None:
    assert people_in_photo(data) == ()
    people_in_takeout(data)


def test_googles_export_names_people_beside_the_photo(tmp_path: Path) -> None:
    data = photo(b"")
    sidecar = json.dumps({"title": "x.jpg", "people": [{"name": "Anna"}, {"name": " "}]})
    long = "a-very-long-name-that-the-export-cuts-off.jpg"
    for name, beside in (
        ("one.jpg", "one.jpg.json"),
        ("two.jpg", "two.jpg.supplemental-metadata.json"),
        (long, f"{long}.supplem"[:46] + ".json"),
        ("other.jpg", "unrelated.jpg.json"),
    ):
        (tmp_path / name).write_bytes(data)
        (tmp_path / beside).write_text(sidecar)
    named = {name: people_named(tmp_path / name) for name in ("one.jpg", "two.jpg", long)}
    assert set(named.values()) == {(NamedFace("Anna"),)}
    assert people_named(tmp_path / "other.jpg") == ()
    assert people_named(tmp_path / "missing.jpg") == ()


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (b'\xef\xbb\xbf{"people": [{"name": "Anna"}]}', ["Anna"]),
        (b'{"people": [{"name": null}, {"name": "Anna"}, {}, 5]}', ["Anna"]),
        (b'{"people": ["Anna", "Anna"], "title": 5}', ["Anna"]),
        (b'{"people": {"name": "O&#39;Brien"}}', ["O'Brien"]),
        (b'{"people": null}', []),
        (b'{"people": [{"name": "Anna"}, {"na', []),
        (b'{"people": ' + b"[" * 100_000, []),
    ],
    ids=["a mark", "damaged entries", "plain names", "escaped", "nobody", "cut off", "deep"],
)
def test_googles_files_are_read_however_they_are_spelt(written: bytes, names: list[str]) -> None:
    assert [face.name for face in people_in_takeout(written)] == names


NUMBERED_LONG = "PXL_20230922_144936660(2).jpg"


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("IMG_1.jpg", "IMG_1.json"),
        ("IMG_1(1).jpg", "IMG_1.jpg(1).json"),
        ("IMG_1(1).jpg", "IMG_1.jpg.supplemental-metadata(1).json"),
        ("IMG_1(1).jpg", "IMG_1(1).jpg.json"),
        ("IMG_1-edited.jpg", "IMG_1.jpg.json"),
        ("IMG_1-bearbeitet.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("IMG_1-modifie\u0301.jpg", "IMG_1.jpg.json"),
        ("IMG_1-edited(1).jpg", "IMG_1.jpg(1).json"),
        ("PXL_20230922_144936660.jpg", "PXL_20230922_144936660.jpg.supplemental-metada.json"),
        (NUMBERED_LONG, "PXL_20230922_144936660.jpg.supplemental-metada(2).json"),
        (f"{'s' * 47}.jpg", f"{'s' * 46}.json"),
        ("IMG_1.jpg", "IMG_1.jpg.supplemental-meta.json"),
        ("IMG_1.jpg", "IMG_1.jpg.s.json"),
        ("IMG_1(1).jpg", "IMG_1.jpg.supplemental-meta(1).json"),
        ("IMG_1.JPG", "IMG_1.jpg.json"),
        ("IMG_1.jpg", "IMG_1.JPG.supplemental-metadata.json"),
        ("IMG_1(1)-edited.jpg", "IMG_1.jpg(1).json"),
        ("IMG_1-edited.jpg", "IMG_1.HEIC.supplemental-metadata.json"),
        ("IMG_1.MP4", "IMG_1.HEIC.json"),
        ("Fr\u00fchling.jpg", "Fru\u0308hling.jpg.json"),
        (
            "Frühling 2019 am See mit allen.jpg",
            "Frühling 2019 am See mit allen.jpg.supplementa.json",
        ),
    ],
)
def test_googles_files_are_found_by_all_their_names(tmp_path: Path, name: str, beside: str) -> None:
    (tmp_path / name).write_bytes(photo(b""))
    (tmp_path / beside).write_text(json.dumps({"people": [{"name": "Anna"}]}))
    assert people_named(tmp_path / name) == (NamedFace("Anna"),)


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("IMG_1(1).jpg", "IMG_1.jpg.json"),
        ("IMG_1.jpg", "IMG_1.jpg(1).json"),
        ("IMG_1-party.jpg", "IMG_1.jpg.json"),
        ("IMG_12.jpg", "IMG_1.jpg.json"),
        ("IMG_1.jpg", "IMG_1.HEIC.json"),
    ],
)
def test_anothers_file_is_not_taken_for_a_photos(tmp_path: Path, name: str, beside: str) -> None:
    (tmp_path / name).write_bytes(photo(b""))
    (tmp_path / beside).write_text(json.dumps({"people": [{"name": "Anna"}]}))
    assert people_named(tmp_path / name) == ()


@pytest.mark.parametrize("beside", ["IMG_1.xmp", "IMG_1.jpg.xmp", "IMG_1.XMP"])
def test_xmp_beside_a_photo_names_who_is_where(tmp_path: Path, beside: str) -> None:
    """In the places of the photo as it is stored, as in the photo itself."""
    entry = with_attributes("Anna", (0.5, 0.4, 0.2, 0.2))
    (tmp_path / "IMG_1.jpg").write_bytes(photo(b"", orientation=3))
    (tmp_path / beside).write_text(lightroom(entry))
    (tmp_path / "IMG_1.jpg.json").write_text(json.dumps({"people": [{"name": "Jo"}]}))
    anna, jo = people_named(tmp_path / "IMG_1.jpg")
    assert (anna.name, jo) == ("Anna", NamedFace("Jo"))
    assert anna.region == pytest.approx((0.4, 0.5, 0.2, 0.2))


def test_what_a_photo_says_itself_comes_before_files_beside_it(tmp_path: Path) -> None:
    entry = with_attributes("Anna", (0.5, 0.4, 0.2, 0.2))
    (tmp_path / "a.jpg").write_bytes(photo(lightroom(entry)))
    (tmp_path / "a.xmp").write_text(lightroom(with_attributes("Jo", (0.5, 0.4, 0.2, 0.2))))
    assert [face.name for face in people_named(tmp_path / "a.jpg")] == ["Anna"]


def test_whoever_any_of_the_files_names_is_named_with_a_place_where_one_says_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.jpg").write_bytes(photo(lightroom(with_attributes("Jo", (0.2, 0.4, 0.1, 0.1)))))
    (tmp_path / "a.jpg.xmp").write_text(lightroom(with_attributes("Jo", (0.2, 0.4, 0.1, 0.1))))
    (tmp_path / "a.jpg.json").write_text(json.dumps({"people": [{"name": "Anna"}]}))
    assert [face.name for face in people_named(tmp_path / "a.jpg")] == ["Jo", "Anna"]
    (tmp_path / "a.xmp").write_text(lightroom(with_attributes("Anna", (0.7, 0.4, 0.1, 0.1))))
    anna = people_named(tmp_path / "a.jpg")[1]
    assert anna.region == pytest.approx((0.65, 0.35, 0.1, 0.1))


def test_names_at_the_end_of_a_large_photo_are_read(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return kind + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)

    chunks = chunk(b"VP8L", bytes(20 << 20)) + chunk(b"XMP ", SHOWN.encode())
    (tmp_path / "a.webp").write_bytes(
        b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WEBP" + chunks
    )
    assert [face.name for face in people_named(tmp_path / "a.webp")] == ["Anna"]


def test_xmp_beside_a_photo_may_hold_much_else(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photo(""))
    masks = f"<rdf:Description><crs:Mask xmlns:crs='x'>{'A' * (3 << 20)}</crs:Mask>"
    (tmp_path / "a.xmp").write_text(SHOWN.replace(TAIL, f"</rdf:Description>{masks}{TAIL}"))
    assert [face.name for face in people_named(tmp_path / "a.jpg")] == ["Anna"]


def test_a_place_may_be_a_circle() -> None:
    """Its diameter is in shares of the shorter side."""
    area = '<mwg-rs:Area stArea:x="0.5" stArea:y="0.4" stArea:d="0.2" stArea:unit="%s"/>'
    face = f'<rdf:li><rdf:Description mwg-rs:Name="Anna">{area}</rdf:Description></rdf:li>'
    (anna,) = people_in_photo(photo(lightroom(face % "normalized")))
    assert anna.region == pytest.approx((0.425, 0.3, 0.15, 0.2))
    pixels = face.replace("0.5", "200").replace("0.4", "120").replace("0.2", "60") % "pixel"
    (in_pixels,) = people_in_photo(photo(lightroom(pixels)))
    assert in_pixels.region == pytest.approx(anna.region)


@pytest.mark.parametrize("damage", [b"", b"<x", b"\xff" * 100, b"<!DOCTYPE a><a/>"])
def test_damaged_xmp_beside_a_photo_names_nobody(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(photo(b""))
    (tmp_path / "a.xmp").write_bytes(damage)
    assert people_named(tmp_path / "a.jpg") == ()


PICASA = (
    "[Picasa]\r\nname=Summer\r\n[Contacts2]\r\n8e62b2035b74b477=Anna M\u00fcller;;\r\n"
    "d7=Jo;jo@example.org;\r\n[IMG_1.JPG]\r\nrotate=rotate(0)\r\n"
    "faces=rect64({anna}),8e62b2035b74b477;rect64(1000200030004000),00000000000000d7;"
    "rect64(5000600070008000),ffffffffffffffff;rect64(5000600070008000),123\r\n"
    "backuphash=1\r\n[IMG_2.jpg]\r\nfaces=rect64(1000200030004000),d7\r\n"
)
"""Two faces with names, one without, and one of somebody whose name is elsewhere."""


def rect64(left: float, top: float, right: float, bottom: float) -> str:
    """As Picasa writes it, without leading zeros."""
    number = 0
    for share in (left, top, right, bottom):
        number = number << 16 | round(share * 65535)
    return f"{number:x}"


@pytest.mark.parametrize("ini", [".picasa.ini", "Picasa.ini"])
def test_picasa_names_who_is_where_beside_the_photos(tmp_path: Path, ini: str) -> None:
    (tmp_path / ini).write_bytes(PICASA.format(anna=rect64(0.05, 0.1, 0.25, 0.4)).encode())
    for name in ("IMG_1.JPG", "IMG_2.jpg", "IMG_3.jpg"):
        (tmp_path / name).write_bytes(photo(b""))
    anna, jo = people_named(tmp_path / "IMG_1.JPG")
    assert (anna.name, jo.name) == ("Anna M\u00fcller", "Jo")
    assert anna.region == pytest.approx((0.05, 0.1, 0.2, 0.3), abs=1e-4)
    assert [face.name for face in people_named(tmp_path / "IMG_2.jpg")] == ["Jo"]
    assert people_named(tmp_path / "IMG_3.jpg") == ()


@pytest.mark.parametrize(
    "written", ["M\u00fcller".encode(), "M\u00fcller".encode("cp1252"), b"M&#252;ller"]
)
def test_picasas_names_are_read_however_they_are_written(tmp_path: Path, written: bytes) -> None:
    notes = b"[Contacts2]\nd7=Anna %s;;\n[a.jpg]\nfaces=rect64(1000200030004000),d7\n" % written
    (tmp_path / ".picasa.ini").write_bytes(notes)
    (tmp_path / "a.jpg").write_bytes(photo(b""))
    assert [face.name for face in people_named(tmp_path / "a.jpg")] == ["Anna M\u00fcller"]


CONTACTS = """<?xml version="1.0" encoding="utf-8" ?>
<contacts>
 <contact id="8e62b2035b74b477" name="Anna M\u00fcller" display="Anna" modified_time="2010"/>
 <contact modified_time='2011' name='Jo &amp; Co' id='d7'><subject user="lh" id="f00"/></contact>
 <contact name="nobody"/><contact id="zz" name="odd"/><contact id="
"""


@pytest.mark.parametrize("folder", [".", ".."])
def test_picasas_later_versions_keep_the_names_in_a_file_of_their_own(
    tmp_path: Path, folder: str
) -> None:
    at = tmp_path / "2010" / "summer"
    at.mkdir(parents=True)
    notes = "[a.jpg]\nfaces=rect64(1000200030004000),d7;rect64(1),8e62b2035b74b477;rect64(2),5\n"
    (at / ".picasa.ini").write_text(notes)
    (at / "a.jpg").write_bytes(photo(b""))
    assert people_named(at / "a.jpg") == ()
    (at / folder / "contacts.xml").write_text(CONTACTS, encoding="utf-8")
    assert [face.name for face in people_named(at / "a.jpg")] == ["Jo & Co", "Anna M\u00fcller"]
    (at / ".picasa.ini").write_text(notes + "[Contacts2]\nd7=Joe;;\n")
    assert [face.name for face in people_named(at / "a.jpg")] == ["Joe", "Anna M\u00fcller"]


@pytest.mark.parametrize(("kind", "place"), [("JPEG", (0.4, 0.5)), ("RAW", (0.4, 0.3))])
def test_picasas_places_are_of_the_photo_as_it_is_stored_and_of_raw_ones_as_shown(
    tmp_path: Path, kind: str, place: tuple[float, float]
) -> None:
    (tmp_path / ".picasa.ini").write_text(PICASA.format(anna=rect64(0.4, 0.3, 0.6, 0.5)))
    (tmp_path / "img_1.jpg").write_bytes(photo(b"", kind, orientation=3))
    anna, _ = people_named(tmp_path / "img_1.jpg")
    assert anna.region == pytest.approx((*place, 0.2, 0.2), abs=1e-4)


@given(st.binary(max_size=200), texts(max_size=20))
def test_no_notes_of_picasa_bring_the_reader_down(junk: bytes, name: str) -> None:
    assert people_in_picasa(junk, name, b"") == ()
    for around in (b"[a]\nfaces=rect64(" + junk, b"[a]\nfaces=rect64(1),2\n[Contacts2]\n2=" + junk):
        people_in_picasa(around, "a", b"")
    people_in_picasa(b"[a]\nfaces=rect64(1),2", "a", b"", lambda: b'<contact id="2" ' + junk)


def test_iptc_names_people_without_places() -> None:
    """As Apple Photos exports them; a region of the same name says where."""
    persons = (
        '<Iptc4xmpExt:PersonInImage xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        "<rdf:Bag><rdf:li>Anna</rdf:li><rdf:li>Jo</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage>"
    )
    assert people_in_photo(photo(f"{HEAD}{persons}{TAIL}")) == (NamedFace("Anna"), NamedFace("Jo"))
    entry = with_attributes("Jo", (0.5, 0.4, 0.2, 0.2))
    both = lightroom(entry).replace(TAIL, persons + TAIL)
    named = {face.name: face.region is not None for face in people_in_photo(photo(both))}
    assert named == {"Anna": False, "Jo": True}


IPTC = 'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'


def iptc_region(boundary: str, inside: str) -> str:
    """As exiftool writes it."""
    fields = "".join(
        f"<Iptc4xmpExt:{key}>{value}</Iptc4xmpExt:{key}>"
        for key, value in (pair.split("=") for pair in boundary.split())
    )
    return (
        f"<Iptc4xmpExt:ImageRegion {IPTC}><rdf:Bag><rdf:li rdf:parseType='Resource'>"
        f"<Iptc4xmpExt:RegionBoundary rdf:parseType='Resource'>{fields}"
        f"</Iptc4xmpExt:RegionBoundary>{inside}</rdf:li></rdf:Bag></Iptc4xmpExt:ImageRegion>"
    )


NAME = (
    "<Iptc4xmpExt:Name><rdf:Alt><rdf:li xml:lang='x-default'>{}</rdf:li></rdf:Alt>"
    "</Iptc4xmpExt:Name>"
)
PEOPLE = (
    "<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>{}</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage>"
)


@pytest.mark.parametrize(
    "inside", [NAME.format("Anna"), NAME.format("face") + PEOPLE.format("Anna")]
)
@pytest.mark.parametrize(
    ("boundary", "region"),
    [
        ("rbShape=rectangle rbUnit=relative rbX=0.4 rbY=0.3 rbW=0.2 rbH=0.1", (0.4, 0.6, 0.2, 0.1)),
        ("rbShape=circle rbUnit=relative rbX=0.5 rbY=0.5 rbRx=0.1", (0.4, 0.4, 0.2, 0.2)),
        ("rbShape=rectangle rbUnit=pixel rbX=40 rbY=30 rbW=20 rbH=10", None),
        ("rbShape=polygon rbUnit=relative", None),
    ],
)
def test_iptc_s_regions_are_read(
    boundary: str, region: tuple[float, ...] | None, inside: str
) -> None:
    xmp = f"{HEAD}{iptc_region(boundary, inside)}{TAIL}"
    (anna,) = people_in_photo(photo(xmp, orientation=3))
    assert anna.name == "Anna"
    assert anna.region == (None if region is None else pytest.approx(region))


def test_names_of_details_and_of_acdsee_are_read_without_places() -> None:
    details = (
        f"<Iptc4xmpExt:PersonInImageWDetails {IPTC}><rdf:Bag><rdf:li rdf:parseType='Resource'>"
        "<Iptc4xmpExt:PersonName><rdf:Alt><rdf:li xml:lang='x-default'>Anna</rdf:li></rdf:Alt>"
        "</Iptc4xmpExt:PersonName></rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImageWDetails>"
    )
    acdsee = (
        '<acdsee-rs:Regions xmlns:acdsee-rs="http://ns.acdsee.com/regions/"><rdf:Bag>'
        "<rdf:li acdsee-rs:Name='Jo'/></rdf:Bag></acdsee-rs:Regions>"
    )
    named = people_in_photo(photo(f"{HEAD}{details}{acdsee}{TAIL}"))
    assert named == (NamedFace("Anna"), NamedFace("Jo"))


def test_accents_are_the_same_however_they_are_written() -> None:
    assert same_name("Ren\u00e9", "Rene\u0301")
    assert not same_name("Ren\u00e9", "Rene")


def test_names_are_the_same_whatever_their_case_and_spaces() -> None:
    assert same_name("Anna  Maria", "anna maria ")
    assert same_name("STRASSE", "straße")
    assert not same_name("Anna", "Ann")


REGION = (0.1, 0.1, 0.2, 0.2)


@pytest.mark.parametrize(
    ("named", "region", "is_there"),
    [
        ((), None, None),
        ((NamedFace("anna", REGION), NamedFace("Jo")), REGION, True),
        ((NamedFace("Anna"),), None, True),
        ((NamedFace("Anna"), NamedFace("Jo")), None, None),
        ((NamedFace("Jo", REGION),), None, False),
    ],
    ids=["nobody", "with a place", "without a place", "beside others", "somebody else"],
)
def test_a_dataset_says_who_is_meant(
    named: tuple[NamedFace, ...], region: tuple[float, ...] | None, is_there: object
) -> None:
    sought = Dataset(name="x", person="Anna").sought(named)
    assert sought is not None
    assert (sought.region, sought.named) == (region, is_there)


def test_without_a_question_nobody_in_particular_is_meant() -> None:
    assert Dataset(name="x").sought((NamedFace("Anna", REGION),)) is None
    assert Dataset(name="x").asked == ""


def test_another_question_is_told_from_the_first() -> None:
    asked = {
        Dataset(name="x", template=template, person=person).asked
        for template in (b"", b"1" * 256, b"2" * 256)
        for person in ("", "Anna", "Jo")
    }
    assert len(asked) == 9
    with_face = Dataset(name="x", template=b"1" * 256)
    assert with_face.sought(()) == Sought(asked=with_face.asked, template=b"1" * 256)


def test_a_photo_is_published_anew_when_somebody_else_is_meant() -> None:
    stamp = Stamp(10, 0.0, "1")
    first, second = Dataset(name="d", person="Anna"), Dataset(name="d", person="Jo")
    published = reference("a.jpg", dataset="d", sought=first.sought(()), size=10)
    memory = Memory("d")
    memory.published(published, stamp)
    assert published in memory
    assert memory.is_known("a.jpg", stamp, subject=published.subject, asked=first.asked)
    asked_anew = msgspec.structs.replace(published, sought=second.sought(()))
    assert asked_anew not in memory
    assert not memory.is_known("a.jpg", stamp, subject=published.subject, asked=second.asked)
    assert not memory.is_known("a.jpg", stamp, subject=published.subject)


def test_what_another_ingest_published_for_somebody_else_is_not_read_at_every_look() -> None:
    stamp = Stamp(10, 0.0, "1")
    mine = reference("a.jpg", dataset="d", subject="Anna", size=10)
    memory = Memory("d")
    memory.recall(mine)
    memory.recall(msgspec.structs.replace(mine, subject="Jo", found_at=mine.found_at + 1))
    assert not memory.is_known("a.jpg", stamp, subject="Anna")
    memory.seen_again(mine, stamp)
    assert memory.is_known("a.jpg", stamp, subject="Anna")
