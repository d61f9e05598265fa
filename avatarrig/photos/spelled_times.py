"""Moments as cameras, scanners and photo programs spell them in metadata."""

from __future__ import annotations

import calendar
import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from typing import Final

_LAST_MINUTE: Final = 59
_LEAP_SECOND: Final = 60
_LONGEST: Final = 80
_AFTERNOON: Final = ("p", "下午", "오후", "午後")
HALF_DAY: Final = r"[ap]\.?\s?m(?:\.|\b)|上午|下午|午前|午後|오전|오후"
"""Words, as a pattern, that say which half of the day an hour is of."""
_EASTERN_MARKS: Final = (
    (re.compile(r"(?<=\d)\s*[年년월月]\s*(?=\d)"), "-"),
    (re.compile(r"(?<=\d)\s*[日일号號]\s*"), " "),
    (re.compile(r"(?<=\d)\s*[時时点點시分분]\s*(?=\d)"), ":"),
    (re.compile(r"(?<=\d)\s*[分분秒초]\s*"), " "),
)
"""What stands between the numbers in Chinese, Japanese and Korean, and what does elsewhere."""
_MOMENT: Final = re.compile(
    r"(?P<year>\d{4})\s*[-:/. ]\s*(?P<month>\d{1,2})\s*[-:/. ]\s*(?P<day>\d{1,2})"
    rf"(?:(?:[T_:,.\s-]+|(?=$))(?:(?P<before>{HALF_DAY})\s*)?"
    r"(?:(?P<hour>\d{1,2})\s*[:.]\s*(?P<minute>\d{1,2})"
    r"(?:\s*[:.]\s*(?P<second>\d{1,2})(?:[.,:](?P<fraction>\d+))?)?)?)?"
    rf"\s*(?P<after>{HALF_DAY})?\s*(?P<zone>\S.*)?",
    re.IGNORECASE,
)
_COMPACT: Final = re.compile(
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
    r"(?:[T _:-]*(?P<hour>\d\d):?(?P<minute>\d\d)"
    r"(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
    r"\s*(?P<zone>[-+A-Z\N{MINUS SIGN}].*)?",
    re.IGNORECASE,
)
_DAY_FIRST: Final = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?!\d)")
_ZONE: Final = re.compile(
    r"(?:UTC|GMT|Z)?\s*(?P<sign>[-+])\s*(?P<hours>\d{1,2})(?:\s*:?\s*(?P<minutes>\d\d))?"
    r"(?:\s*:?\s*\d\d)?",
    re.IGNORECASE,
)
_UTC_WORDS: Final = {"Z", "UTC", "GMT", "UT"}
_EPOCH: Final = re.compile(r"(\d{10})(\d{3})?")
_LARGEST_OFFSET: Final = timedelta(hours=15)
_MIDNIGHT_AS_24: Final = 24
_NOON: Final = 12


def parse_moment(text: str) -> datetime | None:
    """Reads a date, or a date and a time, however it is spelled.

    Args:
        text: For example ``2023:05:06 10:11:12``, ``2023-05-06T10:11:12.5+02:00``,
            ``2023/5/6 10:11 PM`` or ``Sat May 06 10:11:12 2023``. A date alone is its first
            moment.

    Returns:
        The moment, without a zone where the text names none; None where it is no moment.
    """
    text = plain(text)
    if not text or len(text) > _LONGEST:
        return None
    text = _DAY_FIRST.sub(_year_first, text, count=1)
    for spelling in (_COMPACT, _MOMENT):
        if match := spelling.fullmatch(text):
            return _moment(match.groupdict())
    return _from_epoch(text) or _in_words(text)


def parse_offset(text: str) -> timedelta | None:
    """Reads an offset from UTC, such as ``+02:00``, ``+0200``, ``+2``, ``UTC-5:30`` or ``Z``.

    Returns:
        The offset; None where the text is none, or one that no place on Earth has.
    """
    text = plain(text)
    if text.upper() in _UTC_WORDS:
        return timedelta()
    match = _ZONE.fullmatch(text)
    if match is None:
        return None
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    if offset > _LARGEST_OFFSET or int(match["minutes"] or 0) > _LAST_MINUTE:
        return None
    return -offset if match["sign"] == "-" else offset


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


def plain(text: str) -> str:
    """One kind of digits, minus, space and parts; nothing behind a NUL, where a field ends."""
    text = unicodedata.normalize("NFKC", text.partition("\0")[0]).replace("\N{MINUS SIGN}", "-")
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


def _moment(parts: dict[str, str | None]) -> datetime | None:
    hour, minute = int(parts["hour"] or 0), int(parts["minute"] or 0)
    second = int(parts["second"] or 0)
    known = hour_of_day(hour, parts.get("before") or parts.get("after"))
    if known is None:
        return None
    # Some phones count the hours of a day from 1 to 24.
    hour = 0 if known == _MIDNIGHT_AS_24 else known
    zone = _zone(parts["zone"])
    year, month, day = (int(parts[part] or 0) for part in ("year", "month", "day"))
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
    except ValueError:
        return None
    if second > _LEAP_SECOND:
        return None
    return moment + fraction_of(parts["fraction"] or "")


def _zone(text: str | None) -> timezone | None:
    # What else stands there, such as "CEST", or blanks between colons, tells nothing for sure.
    offset = None if text is None else parse_offset(text)
    return None if offset is None else timezone(offset)


def _from_epoch(text: str) -> datetime | None:
    match = _EPOCH.fullmatch(text)
    if match is None:
        return None
    return datetime.fromtimestamp(int(match[1]), UTC) + fraction_of(match[2] or "")


def _in_words(text: str) -> datetime | None:
    """Reads months by name, as mail programs and C libraries write them."""
    if not any(name.lower() in text.lower() for name in calendar.month_abbr if name):
        return None
    try:
        parsed = parsedate_tz(text)
        if parsed is None:
            return None
        offset = parsed[9]
        zone = None if offset is None else timezone(timedelta(seconds=offset))
        return datetime(*parsed[:6], tzinfo=zone)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
