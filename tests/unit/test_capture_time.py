"""When a photo was taken is read from its EXIF fields, if it is believable."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from PIL import Image
from support.photos import encode, encode_heic

from avatarrig.photos.capture import read_capture_time

ORIGINAL, DIGITIZED, OFFSET, FRACTION = 0x9003, 0x9004, 0x9011, 0x9291
GPS_DATE, GPS_TIME = 29, 7


def photo(
    details: dict[int, str] | None = None,
    position: dict[int, object] | None = None,
    kind: str = "JPEG",
) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update(details or {})
    exif.get_ifd(0x8825).update(position or {})
    picture = Image.new("RGB", (32, 32))
    if kind == "HEIC":
        return encode_heic(picture, exif=exif.tobytes())
    return encode(picture, kind, exif=exif.tobytes())


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIC"])
def test_the_moment_of_exposure_is_read_with_its_offset(kind: str) -> None:
    data = photo({ORIGINAL: "2023:07:14 18:30:05", OFFSET: "+02:00"}, kind=kind)
    assert read_capture_time(data) == at("2023-07-14T16:30:05+00:00")


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
