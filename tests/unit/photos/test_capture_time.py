"""When a photo was taken is read from its EXIF fields, if it is believable."""

from __future__ import annotations

import struct
import textwrap
import zoneinfo
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest
from hypothesis import given
from PIL import ExifTags, Image, PngImagePlugin
from support.photos import encode, encode_heic
from support.texts import texts

from avatarrig.photos.capture import read_capture_time

ORIGINAL, DIGITIZED, OFFSET, FRACTION = 0x9003, 0x9004, 0x9011, 0x9291
MADE, ANY_OFFSET, DIGITIZED_OFFSET = 0x132, 0x9010, 0x9012
HOURS_FROM_UTC = 0x882A
GPS_DATE, GPS_TIME = 29, 7


def photo(
    details: dict[int, str] | None = None,
    position: dict[int, object] | None = None,
    kind: str = "JPEG",
    made: str = "",
    xmp: bytes = b"",
) -> bytes:
    exif = Image.Exif()
    if made:
        exif[MADE] = made
    exif.get_ifd(0x8769).update(details or {})
    exif.get_ifd(0x8825).update(position or {})
    picture = Image.new("RGB", (32, 32))
    if kind == "HEIC":
        return encode_heic(picture, exif=exif.tobytes())
    return encode(picture, kind, exif=exif.tobytes(), **({"xmp": xmp} if xmp else {}))


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIC"])
def test_the_moment_of_exposure_is_read_with_its_offset(kind: str) -> None:
    data = photo({ORIGINAL: "2023:07:14 18:30:05", OFFSET: "+02:00"}, kind=kind)
    assert read_capture_time(data) == at("2023-07-14T16:30:05+00:00")


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" '
    'exif:DateTimeOriginal="2023-05-06T10:11:12+02:00"/></rdf:RDF></x:xmpmeta>'
)


def png(keyword: str, text: str, *, packed: bool, international: bool = False) -> bytes:
    texts = PngImagePlugin.PngInfo()
    add = texts.add_itxt if international else texts.add_text
    add(keyword, text, zip=packed)
    return encode(Image.new("RGB", (32, 32)), "PNG", pnginfo=texts)


def profile(kind: str) -> str:
    """EXIF as ImageMagick writes it into a PNG."""
    exif = Image.Exif()
    exif[MADE] = "2023:05:06 10:11:12"
    block = exif.tobytes()
    lines = textwrap.wrap(block.hex(), 72)
    return f"\n{kind}\n{len(block):8}\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize("packed", [True, False])
def test_texts_of_a_png_tell_when_it_was_taken(*, packed: bool) -> None:
    adobe = png("XML:com.adobe.xmp", XMP, packed=packed, international=True)
    assert read_capture_time(adobe) == at("2023-05-06T08:11:12+00:00")
    for keyword, kind in (("Raw profile type exif", "exif"), ("Raw profile type APP1", "generic")):
        old = png(keyword, profile(kind), packed=packed)
        assert read_capture_time(old) == at("2023-05-06T10:11:12+00:00")
    for text in ("Sat, 06 May 2023 10:11:12 +0200", "2023-05-06T08:11:12Z"):
        made = png("Creation Time", text, packed=packed)
        assert read_capture_time(made) == at("2023-05-06T08:11:12+00:00")
    for text in ("", "\n", "\nexif\n 4\nzz", "\nexif"):
        assert read_capture_time(png("Raw profile type exif", text, packed=packed)) is None


def iptc(*fields: tuple[int, bytes]) -> bytes:
    """IPTC's older records in a segment of a JPEG, as Photoshop writes them."""
    content = b"".join(
        b"\x1c\2" + bytes([number]) + struct.pack(">H", len(text)) + text for number, text in fields
    )
    block = b"Photoshop 3.0\0" + b"8BIM\4\4\0\0" + struct.pack(">I", len(content)) + content
    jpeg = photo()
    return jpeg[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        (((5, b"title"), (55, b"20230506"), (60, b"101112+0200")), "2023-05-06T08:11:12+00:00"),
        (((55, b"20230506"),), "2023-05-06T00:00:00+00:00"),
        (((55, b"00000000"), (62, b"20230506"), (63, b"101112")), "2023-05-06T10:11:12+00:00"),
        (((55, b"2023"), (60, b"")), None),
        ((), None),
    ],
)
def test_ipct_s_older_records_tell_when_it_was_taken(
    fields: tuple[tuple[int, bytes], ...], taken: str | None
) -> None:
    assert read_capture_time(iptc(*fields)) == (None if taken is None else at(taken))


def test_cut_off_records_tell_nothing() -> None:
    whole = iptc((55, b"20230506"), (60, b"101112+0200"))
    start = whole.index(b"8BIM")
    for end in range(start, start + 14):
        assert read_capture_time(whole[:end]) is None


def test_fractions_of_a_second_keep_a_burst_in_order() -> None:
    data = photo({ORIGINAL: "2023:07:14 18:30:05", OFFSET: "-05:30", FRACTION: "25"})
    assert read_capture_time(data) == at("2023-07-15T00:00:05.250+00:00")


def test_the_gps_fix_stands_in_for_a_missing_offset() -> None:
    data = photo(
        {ORIGINAL: "2023:07:14 18:30:05"},
        {GPS_DATE: "2023:07:14", GPS_TIME: (16.0, 30.0, 2.0)},
    )
    assert read_capture_time(data) == at("2023-07-14T16:30:02+00:00")


def test_without_any_zone_the_moment_counts_as_utc() -> None:
    data = photo({ORIGINAL: "2023:07:14 18:30:05"})
    assert read_capture_time(data) == at("2023-07-14T18:30:05+00:00")


def test_the_moment_of_digitising_is_second_choice() -> None:
    data = photo({DIGITIZED: "2011:01:02 03:04:05"})
    assert read_capture_time(data) == at("2011-01-02T03:04:05+00:00")


@pytest.mark.parametrize(
    "moment",
    [
        "0000:00:00 00:00:00",
        "1970:01:01 00:00:00",
        "2190:01:01 00:00:00",
        "2023:13:40 99:99:99",
        "    :  :     :  :  ",
        "yesterday",
    ],
)
def test_what_cannot_be_believed_is_nothing(moment: str) -> None:
    assert read_capture_time(photo({ORIGINAL: moment})) is None


def test_later_than_told_is_not_believed() -> None:
    data = photo({ORIGINAL: "2023:07:14 18:30:05"})
    noon = datetime(2023, 7, 14, 12, tzinfo=UTC).timestamp()
    assert read_capture_time(data, not_after=noon) is None
    assert read_capture_time(data, not_after=noon + 86_400) is not None


@pytest.mark.parametrize("data", [b"", b"no photo", encode(Image.new("RGB", (32, 32)), "PNG")])
def test_a_file_that_does_not_say_gives_nothing(data: bytes) -> None:
    assert read_capture_time(data) is None


def test_a_senseless_gps_time_is_passed_over() -> None:
    data = photo(
        {ORIGINAL: "2023:07:14 18:30:05"},
        {GPS_DATE: "2023:07:14", GPS_TIME: (99.0, 30.0, 2.0)},
    )
    assert read_capture_time(data) == at("2023-07-14T18:30:05+00:00")


SPELLINGS = [
    ("2023:05:06 10:11:12", "2023-05-06T10:11:12"),
    ("2023:05:06 10:11:12\0", "2023-05-06T10:11:12"),
    ("2023:05:06 10:11:12\0garbage", "2023-05-06T10:11:12"),
    ("  2023:05:06  10:11:12 ", "2023-05-06T10:11:12"),
    ("2023:05:06 10:11:12.5", "2023-05-06T10:11:12.5"),
    ("2023:05:06 10:11:12,25", "2023-05-06T10:11:12.25"),
    ("2023:05:06 10:11:12:345", "2023-05-06T10:11:12.345"),
    ("2023:05:06 10:11:12Z", "2023-05-06T10:11:12"),
    ("2023:05:06 10:11:12 UTC", "2023-05-06T10:11:12"),
    ("2023:05:06 10:11:12+0200", "2023-05-06T08:11:12"),
    ("2023:05:06 10:11:12+02:00", "2023-05-06T08:11:12"),
    ("2023:05:06 10:11:12+02", "2023-05-06T08:11:12"),
    ("2023:05:06 10:11:12 +2:00", "2023-05-06T08:11:12"),
    ("2023:05:06 10:11:12-05:30", "2023-05-06T15:41:12"),
    ("2023:05:06 10:11:12−05:30", "2023-05-06T15:41:12"),
    ("2023:05:06 10:11:12 GMT+2", "2023-05-06T08:11:12"),
    ("2023:05:06 10:11:12 CEST", "2023-05-06T10:11:12"),
    ("2023:05:06 10:11:12.123+02:00", "2023-05-06T08:11:12.123"),
    ("2023-05-06 10:11:12", "2023-05-06T10:11:12"),
    ("2023-05-06T10:11:12", "2023-05-06T10:11:12"),
    ("2023-05-06T10:11:12.000Z", "2023-05-06T10:11:12"),
    ("2023-05-06T10:11+02:00", "2023-05-06T08:11:00"),
    ("2023/05/06 10:11:12", "2023-05-06T10:11:12"),
    ("2023.05.06 10:11:12", "2023-05-06T10:11:12"),
    ("2023 05 06 10:11:12", "2023-05-06T10:11:12"),
    ("2023:5:6 1:2:3", "2023-05-06T01:02:03"),
    ("2023: 5: 6 10:11:12", "2023-05-06T10:11:12"),
    ("2023:05:06 10:11", "2023-05-06T10:11:00"),
    ("2023:05:06:10:11:12", "2023-05-06T10:11:12"),
    ("2023:05:06 10.11.12", "2023-05-06T10:11:12"),
    ("2023:05:06 10-11-12", "2023-05-06T10:11:12"),
    ("2023-05-06-10-11-12", "2023-05-06T10:11:12"),
    ("2023-05-06_10_11_12", "2023-05-06T10:11:12"),
    ("2023-05-06 10 11 12", "2023-05-06T10:11:12"),
    ("2023-05-06T10h11m12s", "2023-05-06T10:11:12"),
    ("2023-05-06 10h11", "2023-05-06T10:11:00"),
    ("2023-05-06 101112", "2023-05-06T10:11:12"),
    ("2023-05-06T101112+02:00", "2023-05-06T08:11:12"),
    ("2023-05-06T10", "2023-05-06T10:00:00"),
    ("2023-05-06T10Z", "2023-05-06T10:00:00"),
    ("2023-05-06+02:00", "2023-05-05T22:00:00"),
    ("2023:05:06 10\ua78911\ua78912", "2023-05-06T10:11:12"),
    ("2023-05-06T10:11:12+02:00[Europe/Berlin]", "2023-05-06T08:11:12"),
    ("2023-05-06T10:11:12Z[Europe/Berlin]", "2023-05-06T10:11:12"),
    ("2023-05-06T10:11:12+02:00[!Europe/Berlin][u-ca=gregory]", "2023-05-06T08:11:12"),
    ("2023-05-06T10:11:12[No/Where]", "2023-05-06T10:11:12"),
    ("2023-05-06 10:11:12 (UTC+2)", "2023-05-06T08:11:12"),
    ("2023-05-06 10:11:12 +02:00 (CEST)", "2023-05-06T08:11:12"),
    ("2023-05-06 10:11:12.+02:00", "2023-05-06T08:11:12"),
    ("2023:05:06 10:11:12+24:00", "2023-05-06T10:11:12"),
    ("2023:05:06", "2023-05-06T00:00:00"),
    ("2023:05:06   :  :  ", "2023-05-06T00:00:00"),
    ("2023:05:06 24:11:12", "2023-05-06T00:11:12"),
    ("2023:05:06 10:11:60", "2023-05-06T10:11:59"),
    ("2023:05:06 10:11:12 PM", "2023-05-06T22:11:12"),
    ("2023:05:06 12:11:12 am", "2023-05-06T00:11:12"),
    ("2023/05/06 下午 3:05", "2023-05-06T15:05:00"),
    ("2023年5月6日", "2023-05-06T00:00:00"),
    ("2023年05月06日 10时11分12秒", "2023-05-06T10:11:12"),
    ("2023年5月6日 午後10:11:12", "2023-05-06T22:11:12"),
    ("2023년 5월 6일 오후 10시 11분", "2023-05-06T22:11:00"),
    ("2023. 5. 6. 오전 10:11:12", "2023-05-06T10:11:12"),
    ("2023:05:06 10:11:12 p. m.", "2023-05-06T22:11:12"),
    ("\u0662\u0660\u0662\u0663:\u0660\u0665:\u0660\u0666 10:11:12", "2023-05-06T10:11:12"),
    ("20230506 101112", "2023-05-06T10:11:12"),
    ("20230506T101112Z", "2023-05-06T10:11:12"),
    ("20230506 10:11:12 PM", "2023-05-06T22:11:12"),
    ("20230506T10", "2023-05-06T10:00:00"),
    ("202305061011", "2023-05-06T10:11:00"),
    ("D:20230506101112+02'00'", "2023-05-06T08:11:12"),
    ("20230506", "2023-05-06T00:00:00"),
    ("06.05.2023 10:11:12", "2023-05-06T10:11:12"),
    ("05/16/2023 10:11:12", "2023-05-16T10:11:12"),
    ("16/05/2023 10:11", "2023-05-16T10:11:00"),
    ("Sat May 06 10:11:12 2023", "2023-05-06T10:11:12"),
    ("Sat, 06 May 2023 10:11:12 +0200", "2023-05-06T08:11:12"),
    ("Sat, 06 May 2023 10:11:12 EDT", "2023-05-06T14:11:12"),
    ("Sat, 6 May 23 10:11:12 +0200", "2023-05-06T08:11:12"),
    ("Sat May  6 10:11:12 +02:00 2023", "2023-05-06T08:11:12"),
    ("Saturday, May 6, 2023 10:11:12 PM", "2023-05-06T22:11:12"),
    ("6. Mai 2023 10:11:12", "2023-05-06T10:11:12"),
    ("6 de mayo de 2023 10:11", "2023-05-06T10:11:00"),
    ("06-May-2023", "2023-05-06T00:00:00"),
    ("2023 May 06 10:11:12", "2023-05-06T10:11:12"),
    ("1683367872.5", "2023-05-06T10:11:12.5"),
    ("1683367872500000", "2023-05-06T10:11:12.5"),
    ("1683367872", "2023-05-06T10:11:12"),
    ("1683367872500", "2023-05-06T10:11:12.5"),
]


@pytest.mark.parametrize(("text", "wanted"), SPELLINGS)
def test_every_spelling_of_a_moment_is_read(text: str, wanted: str) -> None:
    # In XMP, since EXIF's writer would not take all of these characters.
    packet = f'<x:xmpmeta><rdf:RDF xmp:CreateDate="{text}"/></rdf:RDF></x:xmpmeta>'.encode()
    assert read_capture_time(photo(xmp=packet)) == at(wanted + "+00:00")
    if text.isascii():
        assert read_capture_time(photo({ORIGINAL: text})) == at(wanted + "+00:00")


@pytest.mark.parametrize(
    "text",
    [
        "2023:02:30 10:11:12",
        "2023:05:06 10:61:12",
        "2023:05:06 13:11:12 PM",
        "2023:05:06 99:99:99",
        "05/06/2023 10:11:12",
        "2023:05",
        "2023-05-06 10",
        "2023-05-06T10.5",
        "2023:05:06 10:11.5",
        "2023:05:06 :10:11",
        "2023:05:06 -1:11:12",
        "2023:05:06 10:-1:12",
        "2023:05:06 10:11:12 12:13:14",
        "2023-05-06T10:11:12.5.5",
        "2023-05-06T10:11:12 9 of 10",
        "2023-05-06/2023-05-08",
        "2023-05-06T10:11:12+0200Z",
        "2023-05-06 10:11:12 +02:00 DST",
        "2023-126T10:11:12",
        "23:05:06 10:11:12",
        "0000:00:00",
        "2023050610",
        "May",
        "1" * 500,
        "::",
    ],
)
def test_what_is_no_moment_or_might_be_two_is_none(text: str) -> None:
    assert read_capture_time(photo({ORIGINAL: text})) is None


@pytest.mark.parametrize(
    "offset", ["+0200", "+2:00", " +02:00", "+02", "+2", "UTC+2", "+02:00:00", "+02:00\0"]
)
def test_every_spelling_of_an_offset_is_read(offset: str) -> None:
    data = photo({ORIGINAL: "2023:05:06 10:11:12", OFFSET: offset})
    assert read_capture_time(data) == at("2023-05-06T08:11:12+00:00")


@pytest.mark.parametrize("offset", ["   :  ", "+25:00", "+02:75", "east", ""])
def test_an_offset_that_is_none_is_looked_for_elsewhere(offset: str) -> None:
    moment = {ORIGINAL: "2023:05:06 10:11:12", OFFSET: offset}
    for tag in (ANY_OFFSET, DIGITIZED_OFFSET):
        assert read_capture_time(photo(moment | {tag: "+02:00"})) == at("2023-05-06T08:11:12+00:00")
    assert read_capture_time(photo(moment)) == at("2023-05-06T10:11:12+00:00")


@pytest.mark.parametrize("offset", [2, (2,), (2, 0), [2, 1]])
def test_an_offset_in_whole_hours_is_read_as_older_cameras_write_it(offset: object) -> None:
    moment: dict[int, Any] = {ORIGINAL: "2023:05:06 10:11:12", HOURS_FROM_UTC: offset}
    assert read_capture_time(photo(moment)) == at("2023-05-06T08:11:12+00:00")
    later: dict[int, Any] = moment | {OFFSET: "+05:30"}
    assert read_capture_time(photo(later)) == at("2023-05-06T04:41:12+00:00")


@pytest.mark.parametrize("offset", [15, -15, 2**31 - 1, "2", (), 2.0])
def test_whole_hours_that_are_no_offset_are_none(offset: object) -> None:
    moment: dict[int, Any] = {ORIGINAL: "2023:05:06 10:11:12", HOURS_FROM_UTC: offset}
    assert read_capture_time(photo(moment)) == at("2023-05-06T10:11:12+00:00")


def test_an_offset_of_64_bits_is_none() -> None:
    entries = [(ORIGINAL, 2, 20, 8 + 18 + 30), (HOURS_FROM_UTC, 16, 1, 8 + 18 + 30 + 20)]
    tiff = (
        struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, ExifTags.IFD.Exif, 4, 1, 26, 0)
        + struct.pack("<H", len(entries))
        + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        + struct.pack("<I", 0)
        + b"2023:05:06 10:11:12\0"
        + struct.pack("<Q", 2**62)
    )
    block = b"Exif\0\0" + tiff
    plain = photo({})
    data = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + plain[2:]
    assert read_capture_time(data) == at("2023-05-06T10:11:12+00:00")


def xmp(**dates: str) -> bytes:
    names = {"taken": "exif:DateTimeOriginal", "created": "photoshop:DateCreated"}
    fields = " ".join(f'{names[key]}="{text}"' for key, text in dates.items())
    return (
        f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><rdf:Description {fields}/></rdf:RDF>"
        "</x:xmpmeta>"
    ).encode()


def test_sources_are_asked_in_their_order() -> None:
    sources: dict[str, Any] = {
        "details": {ORIGINAL: "2001:01:01 01:01:01", OFFSET: "+00:00"},
        "xmp": xmp(taken="2003-01-01T01:01:01Z"),
        "position": {GPS_DATE: "2004:01:01", GPS_TIME: (1.0, 1.0, 1.0)},
        "made": "2006:01:01 01:01:01",
    }
    name = "IMG_20050101_010101.jpg"
    for year, gone in ((2001, "details"), (2003, "xmp"), (2004, "position")):
        assert read_capture_time(photo(**sources), name=name) == at(f"{year}-01-01T01:01:01Z")
        del sources[gone]
    assert read_capture_time(photo(**sources), name=name) == at("2005-01-01T01:01:01Z")
    assert read_capture_time(photo(**sources), name="x.jpg") == at("2006-01-01T01:01:01Z")


@pytest.mark.parametrize("senseless", ["1970:01:01 00:00:00", "2099:01:01 00:00:00"])
def test_a_senseless_moment_leaves_the_word_to_the_next_source(senseless: str) -> None:
    data = photo({ORIGINAL: senseless, DIGITIZED: "2023:05:06 10:11:12"})
    assert read_capture_time(data) == at("2023-05-06T10:11:12Z")
    data = photo({ORIGINAL: senseless}, made="2007:05:06 10:11:12")
    assert read_capture_time(data) == at("2007-05-06T10:11:12Z")


def test_xmp_is_read_as_attributes_and_as_elements() -> None:
    element = (
        b"<x:xmpmeta><rdf:RDF><exif:DateTimeOriginal>2023-05-06T10:11:12+02:00"
        b"</exif:DateTimeOriginal></rdf:RDF></x:xmpmeta>"
    )
    for packet in (element, xmp(created="2023-05-06T10:11:12+02:00")):
        assert read_capture_time(photo(xmp=packet)) == at("2023-05-06T08:11:12Z")


class Berlin(tzinfo):
    """Its clocks, on a machine that may know of no region."""

    def __init__(self, name: str) -> None:
        if name != "Europe/Berlin":
            raise zoneinfo.ZoneInfoNotFoundError(name)

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(hours=2 if moment and 4 <= moment.month <= 9 else 1)


REGIONS = [
    ("2023-05-06T10:11:12[Europe/Berlin]", "2023-05-06T08:11:12"),
    ("2023-11-06T10:11:12[!Europe/Berlin]", "2023-11-06T09:11:12"),
    ("2023-05-06 10:11:12 Europe/Berlin", "2023-05-06T08:11:12"),
    ("2023-05-06T10:11:12-05:00[Europe/Berlin]", "2023-05-06T15:11:12"),
    ("2023-05-06T10:11:12[Europe/Atlantis]", "2023-05-06T10:11:12"),
    ("2023-05-06T10:11:12[../Berlin]", "2023-05-06T10:11:12"),
]


@pytest.mark.parametrize(("text", "wanted"), REGIONS)
def test_a_region_tells_the_offset_of_its_clocks(
    monkeypatch: pytest.MonkeyPatch, text: str, wanted: str
) -> None:
    monkeypatch.setattr(zoneinfo, "ZoneInfo", Berlin)
    packet = f'<x:xmpmeta><rdf:RDF xmp:CreateDate="{text}"/></rdf:RDF></x:xmpmeta>'.encode()
    assert read_capture_time(photo(xmp=packet)) == at(wanted + "+00:00")


def test_a_region_in_a_name_tells_the_offset_of_its_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "ZoneInfo", Berlin)
    for name in ("20230506T101112[Europe-Berlin].jpg", "2023-05-06T10.11.12[Europe_Berlin].jpg"):
        assert read_capture_time(b"", name=name) == at("2023-05-06T08:11:12+00:00")


def test_a_moment_in_words_without_a_zone_takes_that_of_the_gps_fix() -> None:
    data = photo(
        {ORIGINAL: "Sat May 06 10:11:12 2023"}, {GPS_DATE: "2023:05:06", GPS_TIME: (8, 11, 12)}
    )
    assert read_capture_time(data) == at("2023-05-06T08:11:12Z")


IN_XMP = "<x:xmpmeta><rdf:RDF><rdf:Description {}</rdf:Description></rdf:RDF></x:xmpmeta>"
AROUND = [
    'exif:DateTimeOriginal = "\n{}">',
    "><exif:DateTimeOriginal>{}</exif:DateTimeOriginal>",
    "><exif:DateTimeOriginal><![CDATA[{}]]></exif:DateTimeOriginal>",
    "><exif:DateTimeOriginal><rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq></exif:DateTimeOriginal>",
    '><!-- exif:DateTimeOriginal="1999-01-01" --><exif:DateTimeOriginal>{}</exif:DateTimeOriginal>',
    'xmlns:e="http://ns.adobe.com/exif/1.0/" e:DateTimeOriginal="{}">',
]


@pytest.mark.parametrize("around", AROUND)
def test_a_date_in_xmp_is_read_whatever_stands_around_it(around: str) -> None:
    packet = IN_XMP.format(around.format("2023-05-06T10:11:12+02:00")).encode()
    assert read_capture_time(photo(xmp=packet)) == at("2023-05-06T08:11:12Z")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252"])
def test_xmp_is_read_in_each_of_its_encodings(encoding: str) -> None:
    packet = IN_XMP.format('dc:x="é" exif:DateTimeOriginal="2023-05-06T10:11:12+02:00">')
    assert read_capture_time(photo(xmp=packet.encode(encoding))) == at("2023-05-06T08:11:12Z")


def test_xmp_names_the_zone_of_the_same_moment() -> None:
    packet = xmp(taken="2023-05-06T10:11:12+02:00")
    assert read_capture_time(photo({ORIGINAL: "2023:05:06 10:11:12"}, xmp=packet)) == at(
        "2023-05-06T08:11:12Z"
    )
    assert read_capture_time(photo({ORIGINAL: "2023:05:06 10:11:13"}, xmp=packet)) == at(
        "2023-05-06T10:11:13Z"
    )


def test_a_gps_fix_of_another_day_does_not_change_the_moment() -> None:
    data = photo(
        {ORIGINAL: "2023:07:14 18:30:05"},
        {GPS_DATE: "2023:07:10", GPS_TIME: (16.0, 30.0, 2.0)},
    )
    assert read_capture_time(data) == at("2023-07-14T18:30:05Z")


@given(texts(max_size=60))
def test_no_text_brings_the_reader_down(text: str) -> None:
    packet = b"<x:xmpmeta " + f'xmp:CreateDate="{text}"'.encode("utf-8", "replace")
    read_capture_time(packet, name=text)
