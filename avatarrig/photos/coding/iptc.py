"""Dates that IPTC's older records hold (IIM 4.2), as press and scanning programs write them.

They lie in a block of Photoshop's, which JPEG, TIFF and others carry alike. It is looked for in the
file's bytes, as XMP is.
"""

from __future__ import annotations

from typing import Final

BLOCK: Final = b"8BIM\x04\x04"
_MARK: Final = 0x1C
_RECORD: Final = 2
_HEAD: Final = 5
"""Bytes before the content of a field: mark, record, number and length."""

_DATES: Final = ((55, 60), (62, 63))
"""Numbers of day and time: when it was made, and when it was digitised."""

_MOST: Final = 1 << 16


def dates_in_iptc(data: bytes) -> list[str]:
    """Finds when a photo was taken, as it is written: ``20230506T101112+0200``."""
    fields = _fields(data)
    return [
        f"{fields[day]}T{fields[time]}" if fields.get(time) else fields[day]
        for day, time in _DATES
        if fields.get(day)
    ]


def _fields(data: bytes) -> dict[int, str]:
    at = data.find(BLOCK)
    if at < 0 or at + len(BLOCK) >= len(data):
        return {}
    at += len(BLOCK)
    at += (data[at] + 2) & ~1  # a name, which is empty, and its length
    end = min(at + 4 + int.from_bytes(data[at : at + 4], "big"), at + _MOST, len(data))
    at += 4
    fields: dict[int, str] = {}
    while at + _HEAD <= end and data[at] == _MARK:
        length = int.from_bytes(data[at + 3 : at + _HEAD], "big")
        start, number = at + _HEAD, data[at + 2]
        if data[at + 1] == _RECORD:
            fields.setdefault(number, data[start : min(start + length, end)].decode("latin-1"))
        at = start + length
    return fields
