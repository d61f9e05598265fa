"""When a photo was taken."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from PIL import ExifTags

from avatarrig.photos.header import read_header
from avatarrig.photos.refused import PhotoRefusedError

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
"""Digital cameras are younger; clocks that lost their battery start earlier."""

_CLOCK_SKEW: Final = 86_400.0
"""A camera set to the local time of a place further east seems to be ahead by hours."""

_MOMENT: Final = "%Y:%m:%d %H:%M:%S"
_DAY: Final = "%Y:%m:%d"
_DAY_LENGTH: Final = timedelta(days=1)
_OFFSET: Final = re.compile(r"([+-])(\d{2}):(\d{2})")


def read_capture_time(data: bytes, *, not_after: float | None = None) -> float | None:
    """Reads from the EXIF fields when a photo was taken.

    In this order: the moment of exposure with its offset from UTC, the time of the GPS fix
    (always UTC), the moment of exposure taken as UTC because nothing says otherwise (then
    up to 14 hours off).

    Args:
        data: The file's bytes.
        not_after: Later times are not believed, Unix seconds; a day from now if not given.

    Returns:
        Unix seconds, or None where the file does not say, says something implausible (before
        1990 or in the future), or is no photo.
    """
    try:
        exif = read_header(data).exif
        details: Mapping[int, Any] = exif.get_ifd(ExifTags.IFD.Exif)
        position: Mapping[int, Any] = exif.get_ifd(ExifTags.IFD.GPSInfo)
    except PhotoRefusedError:
        return None
    except Exception:  # noqa: BLE001 - damaged EXIF is like none
        return None
    latest = time.time() + _CLOCK_SKEW if not_after is None else not_after
    for moment in (_with_offset(details), _from_gps(position), _as_utc(details)):
        if moment is not None and EARLIEST <= moment.timestamp() <= latest:
            return moment.timestamp()
    return None


def _exposure(details: Mapping[int, Any]) -> tuple[datetime, str] | None:
    """Finds the moment of exposure or digitising, without zone, and the offset beside it."""
    for moment_tag, offset_tag, fraction_tag in (
        (
            ExifTags.Base.DateTimeOriginal,
            ExifTags.Base.OffsetTimeOriginal,
            ExifTags.Base.SubsecTimeOriginal,
        ),
        (
            ExifTags.Base.DateTimeDigitized,
            ExifTags.Base.OffsetTimeDigitized,
            ExifTags.Base.SubsecTimeDigitized,
        ),
    ):
        moment = _parse(_text(details.get(moment_tag)), _MOMENT)
        if moment is None:
            continue
        offset = _text(details.get(offset_tag)) or _text(details.get(ExifTags.Base.OffsetTime))
        return moment + _fraction(_text(details.get(fraction_tag))), offset
    return None


def _parse(text: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), pattern).replace(tzinfo=UTC)
    except ValueError:
        return None


def _fraction(digits: str) -> timedelta:
    digits = digits.strip()
    if not digits.isascii() or not digits.isdigit():
        return timedelta()
    return timedelta(seconds=float(f"0.{digits}"))


def _with_offset(details: Mapping[int, Any]) -> datetime | None:
    found = _exposure(details)
    match = _OFFSET.match(found[1]) if found else None
    if found is None or match is None:
        return None
    sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    if offset >= _DAY_LENGTH:
        return None
    return found[0].replace(tzinfo=timezone(-offset if sign == "-" else offset))


def _as_utc(details: Mapping[int, Any]) -> datetime | None:
    found = _exposure(details)
    return found[0] if found else None


def _from_gps(position: Mapping[int, Any]) -> datetime | None:
    """Reads date and time of the GPS fix."""
    midnight = _parse(_text(position.get(ExifTags.GPS.GPSDateStamp)), _DAY)
    try:
        hours, minutes, seconds = (float(part) for part in position[ExifTags.GPS.GPSTimeStamp])
        time_of_day = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return midnight + time_of_day if midnight and time_of_day < _DAY_LENGTH else None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("ascii", "replace").rstrip("\0")
    return value.rstrip("\0") if isinstance(value, str) else ""
