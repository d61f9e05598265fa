"""When a photo was taken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from PIL import ExifTags, Image

from avatarrig.photos.coding.iptc import dates_in_iptc
from avatarrig.photos.damage import unless_damaged
from avatarrig.photos.metadata import read_metadata
from avatarrig.photos.named_times import moment_in_name
from avatarrig.photos.spelled_times import fraction_of, parse_moment, parse_offset
from avatarrig.photos.xmp import dates_in_xmp

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
"""Digital cameras are younger; clocks that lost their battery start earlier."""

_CLOCK_SKEW: Final = 86_400.0
"""A camera set to the local time of a place further east seems to be ahead by hours."""

_DAY_LENGTH: Final = timedelta(days=1)
_FURTHEST_ZONE: Final = timedelta(hours=15)

_Tags = dict[int, Any]
_HOURS_FROM_UTC: Final = 34858
"""A field of EXIF's older kin, TIFF/EP: the offset of the moment of exposure, in whole hours."""
_EXPOSURE: Final = (
    ExifTags.Base.DateTimeOriginal,
    ExifTags.Base.OffsetTimeOriginal,
    ExifTags.Base.SubsecTimeOriginal,
)
_DIGITISING: Final = (
    ExifTags.Base.DateTimeDigitized,
    ExifTags.Base.OffsetTimeDigitized,
    ExifTags.Base.SubsecTimeDigitized,
)
_OFFSETS: Final = (
    ExifTags.Base.OffsetTimeOriginal,
    ExifTags.Base.OffsetTime,
    ExifTags.Base.OffsetTimeDigitized,
)


def read_capture_time(
    data: bytes, coded: slice | None = None, *, name: str = "", not_after: float | None = None
) -> float | None:
    """Finds out when a photo was taken.

    The first of these that can be believed: the moment of exposure in EXIF, the moment of
    digitising, XMP and its elder kin, the time of the GPS fix, the file's name, and the time at
    which a scanner or an old phone says that the file was made. A moment without an offset from
    UTC beside it takes that of XMP or of the GPS fix where they name the same moment; otherwise
    it is taken as UTC (then up to 14 hours off).

    Args:
        data: The file's bytes.
        coded: Where the scans of a JPEG lie (`jpeg.coded_pixels`); looked for where not given.
        name: The file's name, or its path.
        not_after: Later times are not believed, Unix seconds; a day from now if not given.

    Returns:
        Unix seconds, or None where nothing says, or all that does is implausible (before 1990 or
        in the future).
    """
    latest = time.time() + _CLOCK_SKEW if not_after is None else not_after
    for moment in _moments(data, coded, name):
        try:
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            continue
        if EARLIEST <= seconds <= latest:
            return seconds
    return None


def _moments(data: bytes, coded: slice | None, name: str) -> Iterator[datetime]:
    said = read_metadata(data, coded)
    exif = said.exif
    # Canon's newer raw photos hold the details as a block of its own.
    details = _directory(exif, None) | _directory(exif, ExifTags.IFD.Exif)
    fix = _gps_fix(_directory(exif, ExifTags.IFD.GPSInfo))
    texts = (*dates_in_xmp(said.packet or said.notes), *dates_in_iptc(said.notes), said.made)
    written = [moment for text in texts if (moment := parse_moment(text))]
    for tags in (_EXPOSURE, _DIGITISING):
        if moment := _taken(details, tags):
            yield _with_zone(moment, written, fix)
    yield from written
    if fix is not None:
        yield fix
    if named := moment_in_name(name):
        yield named
    if made := parse_moment(_text(_directory(exif, None).get(ExifTags.Base.DateTime))):
        yield made


def _directory(exif: Image.Exif, directory: int | None) -> _Tags:
    """Reads one of the directories of EXIF; None names the first."""
    return unless_damaged(lambda: dict(exif if directory is None else exif.get_ifd(directory)), {})


def _taken(details: _Tags, tags: tuple[int, int, int]) -> datetime | None:
    at, offset_at, fraction_at = tags
    moment = parse_moment(_text(details.get(at)))
    if moment is None:
        return None
    if not moment.microsecond:
        moment += fraction_of(_text(details.get(fraction_at)))
    if moment.tzinfo is not None:
        return moment
    for tag in (offset_at, *_OFFSETS):
        offset = parse_offset(_text(details.get(tag)))
        if offset is not None:
            return moment.replace(tzinfo=timezone(offset))
    offset = _whole_hours(details.get(_HOURS_FROM_UTC))
    return moment if offset is None else moment.replace(tzinfo=timezone(offset))


def _whole_hours(value: object) -> timedelta | None:
    first = value[0] if isinstance(value, tuple | list) and value else value
    if not isinstance(first, int) or abs(first) >= _FURTHEST_ZONE // timedelta(hours=1):
        return None
    return timedelta(hours=first)


def _with_zone(moment: datetime, written: list[datetime], fix: datetime | None) -> datetime:
    """Finds the zone of a moment that names none."""
    if moment.tzinfo is not None:
        return moment
    for other in written:
        if other.tzinfo and other.replace(tzinfo=None, microsecond=0) == moment.replace(
            microsecond=0
        ):
            return moment.replace(tzinfo=other.tzinfo)
    if fix is not None and abs(moment.replace(tzinfo=UTC) - fix) <= _FURTHEST_ZONE:
        return fix
    return moment


def _gps_fix(position: _Tags) -> datetime | None:
    """Reads date and time of the GPS fix, which are always UTC."""
    day = parse_moment(_text(position.get(ExifTags.GPS.GPSDateStamp)))
    try:
        hours, minutes, seconds = (float(part) for part in position[ExifTags.GPS.GPSTimeStamp])
        time_of_day = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    if day is None or not timedelta() <= time_of_day < _DAY_LENGTH:
        return None
    return day.replace(hour=0, minute=0, second=0, tzinfo=UTC) + time_of_day


def _text(value: object) -> str:
    """Gives a field as text; EXIF has no other than ASCII, and phones write UTF-8 all the same."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
