"""Moments in file names, as phones, messengers and screenshot programs write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Final

from avatarrig.photos.spelled_times import fraction_of

_DAY: Final = r"(?P<year>(?:19|20)\d\d){0}(?P<month>0[1-9]|1[0-2]){0}(?P<day>0[1-9]|[12]\d|3[01])"
_TIME: Final = r"(?P<hour>[01]\d|2[0-3]){0}(?P<minute>[0-5]\d){0}(?P<second>[0-5]\d)"
_TIME_LOOSE: Final = _TIME.format("[-_.:h]?")
_HALF_DAY: Final = re.compile(
    rf"{_DAY.format('-')} at (?P<hour>\d\d?)[.:](?P<minute>[0-5]\d)[.:](?P<second>[0-5]\d)"
    r"(?: ?(?P<half>AM|PM))?(?!\d)",
    re.IGNORECASE,
)
_COMPACT: Final = re.compile(
    rf"(?<!\d){_DAY.format('')}(?:[-_ T.]?{_TIME_LOOSE})[-_.]?(?P<fraction>\d{{3}})?(?!\d)"
)
_PARTED: Final = re.compile(
    rf"(?<!\d){_DAY.format('[-_.:]')}(?:[-_ T.]{{1,3}}{_TIME_LOOSE})"
    r"(?:[-_.](?P<fraction>\d{3}))?(?!\d)"
)
_PARTED_DAY: Final = re.compile(rf"(?<!\d){_DAY.format('-')}(?!\d)")
_COMPACT_DAY: Final = re.compile(
    rf"(?:(?:IMG|VID|PHOTO|Image|DSC|P)[-_]?)?{_DAY.format('')}"
    r"(?:[-_ ](?:WA)?\d{1,4})?(?: ?\(\d+\))?",
    re.IGNORECASE,
)
_EPOCH: Final = re.compile(r"(?:FB_IMG_|mmexport|wx_camera_|received_)?(1\d{9})(\d{3})(?:\D.*)?")
_IN_UTC: Final = "PXL_"
_NOON: Final = 12


def moment_in_name(path: str) -> datetime | None:
    """Reads when a photo was taken from its file's name.

    Args:
        path: Its path; only the name counts. For example ``IMG_20230506_101112.jpg``,
            ``PXL_20230506_101112123.jpg`` (UTC), ``IMG-20230506-WA0012.jpg``, ``WhatsApp Image
            2023-05-06 at 10.11.12.jpeg`` or ``2023-05-06 10.11.12.jpg``.

    Returns:
        The moment, without a zone where the name tells none; a day's first moment where it
        names only the day; None where it names neither.
    """
    stem = PurePosixPath(path).stem
    for pattern in (_HALF_DAY, _COMPACT, _PARTED, _PARTED_DAY):
        if match := pattern.search(stem):
            return _moment(match.groupdict(), in_utc=stem.startswith(_IN_UTC))
    if match := _COMPACT_DAY.fullmatch(stem):
        return _moment(match.groupdict(), in_utc=False)
    if match := _EPOCH.fullmatch(stem):
        return datetime.fromtimestamp(int(match[1]), UTC) + fraction_of(match[2])
    return None


def _moment(parts: dict[str, str | None], *, in_utc: bool) -> datetime | None:
    numbers = {
        name: int(parts.get(name) or 0)
        for name in ("year", "month", "day", "hour", "minute", "second")
    }
    if half := parts.get("half"):
        numbers["hour"] = numbers["hour"] % _NOON + (_NOON if half.upper() == "PM" else 0)
    try:
        moment = datetime(**numbers, tzinfo=UTC if in_utc else None)
    except ValueError:
        return None
    return moment + fraction_of(parts.get("fraction") or "")
