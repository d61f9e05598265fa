"""Moments as cameras, scanners and photo programs spell them in metadata."""

from __future__ import annotations

import re
import unicodedata
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final

_LAST_MINUTE: Final = 59
_LEAP_SECOND: Final = 60
_LONGEST: Final = 100
_AFTERNOON: Final = ("p", "下午", "오후", "午後")
HALF_DAY: Final = r"[ap]\.?\s?m(?:\.|\b)|上午|下午|午前|午後|오전|오후"
"""Words, as a pattern, that say which half of the day an hour is of."""
_EASTERN_MARKS: Final = (
    (re.compile(r"(?<=\d)\s*[年년월月]\s*(?=\d)"), "-"),
    (re.compile(r"(?<=\d)\s*[日일号號]\s*"), " "),
    (re.compile(r"(?<=\d)\s*[時시时点點시分분]\s*(?=\d)"), ":"),
    (re.compile(r"(?<=\d)\s*[分분秒초]\s*"), " "),
)
"""What stands between the numbers in Chinese, Japanese and Korean, and what does elsewhere."""
_PLAIN_MARKS: Final = str.maketrans("\u2236\ua789\u02f8\N{MINUS SIGN}", ":::-")
"""Marks that stand for those which file systems, or keyboards, do not have."""

_MONTHS: Final = {
    stem: number
    for number, stems in enumerate(
        (
            *("jan gen ene янв", "feb fev fév фев", "mar mär mrt mrz мар", "apr abr avr апр"),
            *("may mai mag mei maj май мая", "jun juin giu июн", "jul juil lug июл"),
            *("aug aoû aou ago авг", "sep сен", "oct okt ott out окт", "nov ноя"),
            "dec déc dez dic дек",
        ),
        start=1,
    )
    for stem in stems.split()
}
MONTH_WORD: Final = rf"(?P<word>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})[^\W\d_]*"
"""A month's name in some languages of Europe, as a pattern; `month_named` tells its number."""

_DAY: Final = re.compile(
    r"(?:D:)?(?:(\d{4})\s*[-:/. ]\s*(\d{1,2})\s*[-:/. ]\s*(\d{1,2})(?!\d)"
    r"|(\d{4})(\d\d)(\d\d)(?=\D|$|\d{4}(?:\d\d)?(?!\d)))",
    re.IGNORECASE,
)
"""A day; behind eight digits, those of a time may follow at once."""
_FRACTION: Final = r"(?:[.,:](?P<fraction>\d+))?"
_BEGINS: Final = rf"(?:\s*T\s*|[_:,.-]|[:,.]?\s+)?(?:(?P<before>{HALF_DAY})\s*)?"
_TAIL: Final = r"(?P<tail>(?:[^\d].*)?)"
_ENDS: Final = rf"(?:[\s_-]?(?P<after>{HALF_DAY}))?{_TAIL}"
_TIMES: Final = tuple(
    re.compile(_BEGINS + clock + _ENDS, re.IGNORECASE)
    for clock in (
        (
            r"(?P<hour>\d{1,2})\s*:\s*(?P<minute>\d{1,2})"
            rf"(?:\s*:\s*(?P<second>\d{{1,2}}){_FRACTION})?"
        ),
        rf"(?P<hour>\d{{1,2}})\.(?P<minute>\d\d)(?:\.(?P<second>\d\d){_FRACTION})?",
        rf"(?P<hour>\d{{1,2}})(?P<mark>[-_ ])(?P<minute>\d\d)(?P=mark)(?P<second>\d\d){_FRACTION}",
        rf"(?P<hour>\d{{1,2}})h(?P<minute>\d\d)(?:m?(?P<second>\d\d){_FRACTION}s?|m)?",
        rf"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d){_FRACTION}",
    )
)
"""A time of day behind a day, and what stands behind that."""
_SHORT_TIME: Final = re.compile(
    rf"(?:T|(?<=\d{{8}}))(?P<hour>\d\d)(?P<minute>\d\d)?{_TAIL}", re.IGNORECASE
)
"""As ISO 8601 allows, with minutes or hours alone."""
_DAY_FIRST: Final = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?!\d)")
_WEEKDAY: Final = r"(?:[^\W\d_]+\.?,?\s+)?"
_IN_WORDS: Final = tuple(
    re.compile(_WEEKDAY + pattern, re.IGNORECASE)
    for pattern in (
        (
            rf"(?P<day>\d{{1,2}})\.?[-\s](?:de\s)?{MONTH_WORD}\.?,?[-\s](?:de\s)?"
            r"(?P<year>\d{4}|\d\d(?=\s))(?!\d),?(?:\sat\b)?(?P<rest>.*)"
        ),
        rf"{MONTH_WORD}\.?\s(?P<day>\d{{1,2}}),?\s(?P<year>\d{{4}})(?!\d),?(?:\sat\b)?(?P<rest>.*)",
        rf"{MONTH_WORD}\s(?P<day>\d{{1,2}})(?P<rest>\s\d.*)\s(?P<year>\d{{4}})",
        rf"(?P<year>\d{{4}})[-\s]{MONTH_WORD}\.?[-\s](?P<day>\d{{1,2}})(?!\d)(?P<rest>.*)",
    )
)
"""Months by name, as mail programs and C libraries write them."""
_WORD: Final = re.compile(r"[^\W\d_]{3}")
_OFFSET: Final = re.compile(
    r"(?:UTC|GMT|Z)?\s*(?P<sign>[-+])\s*(?P<hours>\d{1,2})(?:\s*[:']?\s*(?P<minutes>\d\d))?"
    r"(?:\s*:?\s*\d\d)?'?",
    re.IGNORECASE,
)
_DAY_OFFSET: Final = re.compile(r"[-+]\d\d:\d\d")
"""Of a day without a time, nothing else with digits behind it is a zone."""
_REGION: Final = re.compile(r"[A-Za-z]+(?:/[A-Za-z0-9_+-]+)+")
_IN_BRACKETS: Final = re.compile(r"\[!?([^\[\]]*)\]")
"""What RFC 9557 has behind a moment: a region, or a calendar."""
_SHORT_NAME: Final = re.compile(r"\s*\(?[A-Z]{2,5}\)?", re.IGNORECASE)
"""A zone's name behind its offset, such as ``(CEST)``."""
_UTC_WORDS: Final = {"Z", "UTC", "GMT", "UT"}
_MAIL_ZONES: Final = {"EDT": -4, "EST": -5, "CDT": -5, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8}
"""As RFC 5322 has them, without CST, which is China's as well."""
_EPOCH: Final = re.compile(r"(\d{10})(?:[.,](\d{1,9})|(\d{3}|\d{6}|\d{9}))?")
_LARGEST_OFFSET: Final = timedelta(hours=15)
_MIDNIGHT_AS_24: Final = 24
_NOON: Final = 12
_CENTURY: Final = 100
_THIS_CENTURY: Final = 69
"""Years of two digits below it are of this century, as C libraries have it."""


def parse_moment(text: str) -> datetime | None:
    """Reads a date, or a date and a time, however it is spelled.

    Args:
        text: For example ``2023:05:06 10:11:12``, ``2023-05-06T10:11:12.5+02:00[Europe/Berlin]``,
            ``2023/5/6 10:11 PM`` or ``Sat May 06 10:11:12 2023``. A date alone is its first
            moment.

    Returns:
        The moment, without a zone where the text names none; None where it is no moment, or where
        digits stand behind the day that are neither time nor zone.
    """
    text = plain(text)
    if not text or len(text) > _LONGEST:
        return None
    if epoch := _EPOCH.fullmatch(text):
        fraction = fraction_of(epoch[2] or epoch[3] or "")
        return datetime.fromtimestamp(int(epoch[1]), UTC) + fraction
    text = _DAY_FIRST.sub(_year_first, _month_by_number(text), count=1)
    if (found := _DAY.match(text)) is None:
        return None
    year, month, of_month = (int(number) for number in found.groups() if number)
    day = (year, month, of_month)
    for spelling in (*_TIMES, _SHORT_TIME):
        if match := spelling.fullmatch(text, found.end()):
            return _moment(day, match.groupdict())
    return _moment(day, {"tail": text[found.end() :]})


def parse_offset(text: str) -> timedelta | None:
    """Reads an offset from UTC, such as ``+02:00``, ``+0200``, ``+2``, ``UTC-5:30`` or ``Z``.

    Returns:
        The offset; None where the text is none, or one that no place on Earth has.
    """
    text = plain(text)
    if text.upper() in _UTC_WORDS:
        return timedelta()
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    if offset > _LARGEST_OFFSET or int(match["minutes"] or 0) > _LAST_MINUTE:
        return None
    return -offset if match["sign"] == "-" else offset


def offset_in(region: str, moment: datetime) -> timedelta | None:
    """Looks up the offset from UTC that clocks of a region had.

    Args:
        region: Such as ``Europe/Berlin``.
        moment: By these clocks.

    Returns:
        The offset; None where no such region is known to this machine.
    """
    if not _REGION.fullmatch(region):
        return None
    try:
        return zoneinfo.ZoneInfo(region).utcoffset(moment)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def fraction_of(digits: str) -> timedelta:
    """Reads the digits behind the seconds' point."""
    digits = plain(digits)
    if not digits.isascii() or not digits.isdigit():
        return timedelta()
    return timedelta(seconds=float(f"0.{digits}"))


def hour_of_day(hour: int, half: str | None) -> int | None:
    """Gives the hour of a clock of 24, from one of 12 where a word says which half of the day.

    Returns:
        The hour; None where a clock of 12 has no such hour.
    """
    if half is None:
        return hour
    if not 1 <= hour <= _NOON:
        return None
    return hour % _NOON + (_NOON if half.lower().startswith(_AFTERNOON) else 0)


def month_named(word: str) -> int:
    """Gives a month's number; 0 where the word only looks like a name: see `MONTH_WORD`."""
    # Where case does not matter, more letters match than lower() makes equal: Turkish ones, for i.
    return _MONTHS.get(word.lower(), 0)


def plain(text: str) -> str:
    """One kind of digits, minus, space and parts; nothing behind a NUL, where a field ends."""
    text = unicodedata.normalize("NFKC", text.partition("\0")[0]).translate(_PLAIN_MARKS)
    text = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in text)
    for mark, plain_mark in _EASTERN_MARKS:
        text = mark.sub(plain_mark, text)
    return " ".join(text.split()).strip("\"'")


def _year_first(match: re.Match[str]) -> str:
    """Turns 06.05.2023 around. Of 05/06/2023 nobody can tell which is the month."""
    first, mark, second, year = match.groups()
    one, two = int(first), int(second)
    if mark == "." or one > _NOON:
        return f"{year}-{two}-{one}"
    return f"{year}-{one}-{two}" if two > _NOON or one == two else "no moment"


def _month_by_number(text: str) -> str:
    """Turns a day whose month is a word into one of numbers."""
    if not _WORD.search(text):
        return text
    for pattern in _IN_WORDS:
        if (match := pattern.fullmatch(text)) and (month := month_named(match["word"])):
            year = int(match["year"])
            if year < _CENTURY:
                year += 2000 if year < _THIS_CENTURY else 1900
            return f"{year:04}-{month}-{match['day']}{match['rest']}"
    return text


def _moment(day: tuple[int, int, int], parts: dict[str, str | None]) -> datetime | None:
    hour, minute = int(parts.get("hour") or 0), int(parts.get("minute") or 0)
    second = int(parts.get("second") or 0)
    known = hour_of_day(hour, parts.get("before") or parts.get("after"))
    if known is None or second > _LEAP_SECOND:
        return None
    # Some phones count the hours of a day from 1 to 24.
    hour = 0 if known == _MIDNIGHT_AS_24 else known
    try:
        moment = datetime.combine(date(*day), time(hour, minute, min(second, 59)))
    except ValueError:
        return None
    moment += fraction_of(parts.get("fraction") or "")
    return _placed(moment, parts["tail"] or "", is_day="hour" not in parts)


def _placed(moment: datetime, tail: str, *, is_day: bool) -> datetime | None:
    """Gives a moment the zone that stands behind it.

    What is no zone and has no digits, such as CEST, or blanks between colons, tells nothing for
    sure, and so does an offset that no place has.

    Returns:
        The moment; None where the tail has digits that are no zone: part of the moment may be.
    """
    names = _IN_BRACKETS.findall(tail)
    bare = _IN_BRACKETS.sub("", tail).replace("(", " ").replace(")", " ").strip(" .,:")
    if any(c.isdigit() for c in bare) and is_day and not _DAY_OFFSET.fullmatch(bare):
        return None
    leading = _OFFSET.match(bare)
    if leading and _SHORT_NAME.fullmatch(bare, leading.end()) and not bare.upper().endswith("DST"):
        bare = leading[0]
    for name in (bare, *names):
        offset = _offset(name, moment)
        if offset is not None:
            return moment.replace(tzinfo=timezone(offset))
    is_offset = _OFFSET.fullmatch(bare) is not None
    return None if any(c.isdigit() for c in bare) and not is_offset else moment


def _offset(name: str, moment: datetime) -> timedelta | None:
    hours = _MAIL_ZONES.get(name.upper())
    if hours is not None:
        return timedelta(hours=hours)
    offset = parse_offset(name)
    return offset_in(name, moment) if offset is None else offset
