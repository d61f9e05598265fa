"""Moments in file names, as phones, messengers, screenshot programs and scanners write them.

A year stands first, or it has four digits and stands last. Of ``06-05-2023`` nobody can tell which
is the month: it is no moment, but where points part the numbers, where one of them is above 12, or
where the name begins with a word of a language that always names the day first.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timezone
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

from avatarrig.photos.spelled_times import (
    HALF_DAY,
    MONTH_WORD,
    fraction_of,
    hour_of_day,
    month_named,
    offset_in,
    parse_offset,
    plain,
)

_YEAR: Final = r"(?P<year>(?:19|20)\d\d)"
_MONTH: Final = r"(?P<month>0[1-9]|1[0-2])"
_DAY: Final = r"(?P<day>0[1-9]|[12]\d|3[01])"
_TIME: Final = r"(?P<hour>[01]\d|2[0-3]){0}(?P<minute>[0-5]\d){0}(?P<second>[0-5]\d)"
_LOOSE_TIME: Final = _TIME.format("[-_.:h]?")
_ZONE: Final = (
    r"(?:[ _]?(?P<zone>Z|(?:UTC|GMT)(?:[-+]\d\d?(?:[.:]?\d\d)?)?|[-+]\d\d[.:]\d\d|\+\d\d(?:\d\d)?)"
    r"(?![0-9A-Za-z]))?(?:\[(?P<region>[A-Za-z]+[-_][A-Za-z_]+)\])?"
)
"""Of a minus and digits alone nobody can tell whether they count copies."""
_HALF_OR_ZONE: Final = rf"(?:[\s_-]?(?P<after>{HALF_DAY})|{_ZONE})"
_PARTED_TIME: Final = (
    rf"(?:\D{{0,16}}?(?P<before>{HALF_DAY})?\s*"
    r"(?<!\d)(?P<hour>[01]?\d|2[0-3])(?P<mark>[-_.:h ,;'])(?P<minute>[0-5]\d)"
    r"(?:(?:(?P=mark)|m)(?P<second>[0-5]\d)(?:s|[-_.](?P<fraction>\d{3}))?|(?<=[.:h]\d\d)"
    rf"|(?=[\s_-]?(?:{HALF_DAY})))(?!\d){_HALF_OR_ZONE})?"
)
"""Behind a day; words such as "at" may stand between them, and minutes be the last."""

_PARTED_DAYS: Final = (
    rf"(?<!\d){_YEAR}(?P<part>[-_.:] ?)(?P<month>\d\d?)(?P=part)(?P<day>\d\d?)(?!\d)",
    rf"(?<!\d){_YEAR} {_MONTH} {_DAY}(?!\d)",
)
_LAST_YEAR: Final = re.compile(
    r"(?<!\d)(?<!\d[-_./ ])(\d\d?)(?P<part>[-_./ ])(\d\d?)(?P=part)(?P<year>(?:19|20)\d\d)(?!\d)"
    + _PARTED_TIME,
    re.IGNORECASE,
)
_SHORT_YEAR: Final = re.compile(
    r"\D{3,16} (\d\d?)(?P<part>[-./])(\d\d?)(?P=part)(?P<year>\d\d)(?:, | at )" + _PARTED_TIME,
    re.IGNORECASE,
)
"""As phones and computers name what they hand on: ``Foto 06-05-23, 10 11 12``."""
_DAY_COMES_FIRST: Final = re.compile(r"(?:foto|фото|zdjęcie|kuva|photo_\d+@)", re.IGNORECASE)
"""Begins a name whose language, or whose program, names the day before the month."""
_NOON: Final = 12
_CENTURY: Final = 2000
_FIRST_YEAR: Final = 1900

_IN_WORDS: Final = tuple(
    rf"(?<!\w){day}{_PARTED_TIME}"
    for day in (
        rf"(?P<day>\d\d?)\.?[-_ ](?:de )?{MONTH_WORD}\.?,?[-_ ](?:de )?{_YEAR}(?!\d)",
        rf"{MONTH_WORD}\.?[-_ ](?P<day>\d\d?),?[-_ ]{_YEAR}(?!\d)",
        rf"{_YEAR}[-_ ]{MONTH_WORD}\.?[-_ ](?P<day>\d\d?)(?!\d)",
    )
)

_PATTERNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"LINE_ALBUM_(?:.*_)?(?P<short>\d\d)(?P<month>\d\d)(?P<day>\d\d)_\d+",
        rf"Picsart_(?P<short>\d\d)-(?P<month>\d\d)-(?P<day>\d\d)_{_TIME.format('-')}",
        (
            rf"(?<!\d){_YEAR}{_MONTH}{_DAY}[-_ T.]?{_LOOSE_TIME}[-_.]?"
            rf"(?:(?P<fraction>\d{{3}})(?!\d)|(?:\d\d?)?(?!\d)){_HALF_OR_ZONE}"
        ),
        rf"(?<!\d){_YEAR}_{_MONTH}{_DAY}_{_TIME.format('')}(?!\d)",
        (
            rf"(?<!\d){_YEAR}(?P<part>[-_.:]){_MONTH}(?P=part){_DAY}[-_ T.,]{{1,3}}{_LOOSE_TIME}"
            rf"(?:[-_.](?P<fraction>\d{{3}}))?(?!\d){_HALF_OR_ZONE}"
        ),
        *(day + _PARTED_TIME for day in _PARTED_DAYS),
        *_IN_WORDS,
        rf"(?:^|[^0-9A-Za-z]|IMG|VID|PHOTO|Image|DSC|P){_YEAR}{_MONTH}{_DAY}(?![0-9A-Za-z])",
    )
)
_EPOCH: Final = re.compile(
    r"\D*(?P<seconds>1\d{9})(?:(?P<fraction>\d{3})(?:\D.*)?| ?\(\d+\)|[-_~]\d{1,2})?"
)
"""Unix time in milliseconds, or in seconds: beside those stand a program's word and a copy's number
alone, as many a number of ten digits is something else."""
_IN_UTC: Final = re.compile(r"(?<![^\W\d_])PXL[-_ ]?(?=\d{8})", re.IGNORECASE)


def moment_in_name(path: str) -> datetime | None:
    """Reads when a photo was taken from its file's name.

    Args:
        path: Its path; only the name counts. For example ``IMG_20230506_101112.jpg``,
            ``PXL_20230506_101112123.jpg`` (UTC), ``IMG-20230506-WA0012.jpg``, ``WhatsApp Image
            2023-05-06 at 10.11.12.jpeg``, ``2023-05-06 10.11.12.jpg`` or ``2023年5月6日.jpg``.

    Returns:
        The moment, without a zone where the name tells none; a day's first moment where it
        names only the day; None where it names neither, or might name two.
    """
    stem = plain(unquote(PurePosixPath(path).stem))
    if match := _EPOCH.fullmatch(stem):
        seconds = datetime.fromtimestamp(int(match["seconds"]), UTC)
        return seconds + fraction_of(match["fraction"] or "")
    for pattern in (_LAST_YEAR, _SHORT_YEAR):
        if match := pattern.search(stem):
            return _day_and_month(match, day_first=bool(_DAY_COMES_FIRST.match(stem)))
    matches = (match for pattern in _PATTERNS if (match := pattern.search(stem)))
    moments = (moment for match in matches if (moment := _moment(match.groupdict())))
    moment = next(moments, None)
    if moment is not None and _IN_UTC.search(stem):
        return moment.replace(tzinfo=UTC)
    return moment


def _day_and_month(match: re.Match[str], *, day_first: bool) -> datetime | None:
    one, two = int(match[1]), int(match[3])
    if one == two or two > _NOON:
        month, day = one, two
    elif one > _NOON or day_first or match["part"] == ".":
        month, day = two, one
    else:
        return None
    return _moment(match.groupdict() | {"month": str(month), "day": str(day)})


def _moment(parts: dict[str, str | None]) -> datetime | None:
    year = int(parts.get("year") or parts.get("short") or 0)
    word = parts.get("word")
    month = month_named(word) if word else int(parts.get("month") or 0)
    hour = hour_of_day(int(parts.get("hour") or 0), parts.get("before") or parts.get("after"))
    if hour is None:
        return None
    try:
        day = date(
            year if year >= _FIRST_YEAR else _CENTURY + year, month, int(parts.get("day") or 0)
        )
        clock = time(hour, int(parts.get("minute") or 0), int(parts.get("second") or 0))
    except ValueError:
        return None
    moment = datetime.combine(day, clock) + fraction_of(parts.get("fraction") or "")
    offset = parse_offset((parts.get("zone") or "").replace(".", ":"))
    if offset is None and (region := parts.get("region")):
        offset = offset_in(re.sub("[-_]", "/", region, count=1), moment)
    return moment if offset is None else moment.replace(tzinfo=timezone(offset))
