"""Keys and values of the tables; those of the messages are in `avatarrig.wire.keys`.

A table key begins with the partition that it belongs to, so that whatever holds the key knows
which changelog partition to write to, and which keys go when a partition moves elsewhere.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from avatarrig.wire.keys import KeyRefusedError, Series, series_key, series_of

MARKER: Final = b"M"
PAGE: Final = b"P"
STATISTICS: Final = b"S"
FORGOTTEN: Final = b"F"
DECIDED: Final = b"D"
MEASURED: Final = b"L"

_PREFIX: Final = struct.Struct(">cI")
_NUMBER: Final = struct.Struct(">I")


class Marker(msgspec.Struct, frozen=True, array_like=True):
    """Where a partition's state stands; written after everything that it vouches for.

    Attributes:
        applied: Every message up to this offset is contained; -1 where there is none.
        published: Every change up to this offset was published.
        checksum: Of the entries that stood in the table when the marker was written.
        learned: Versions of what was learned that the statistics were made with.
    """

    applied: int = -1
    published: int = -1
    checksum: int = 0
    learned: str = ""


def marker_key(partition: int) -> bytes:
    """Key of a partition's marker."""
    return _PREFIX.pack(MARKER, partition)


def page_key(partition: int, page: int) -> bytes:
    """Key of a page of first seen."""
    return _PREFIX.pack(PAGE, partition) + _NUMBER.pack(page)


def statistics_key(partition: int, part: int, series: Series) -> bytes:
    """Key of the statistics of one series; ``part`` is the input partition they come from."""
    return _PREFIX.pack(STATISTICS, partition) + _NUMBER.pack(part) + series_key(series)


def forgotten_key(partition: int, part: int, digest: str) -> bytes:
    """Key of the note that a subject was forgotten on an input partition."""
    return _PREFIX.pack(FORGOTTEN, partition) + _NUMBER.pack(part) + digest.encode()


def forgotten_of(key: bytes) -> tuple[int, str]:
    """Input partition and digest that a `forgotten_key` names."""
    return _number(key), key[_PREFIX.size + _NUMBER.size :].decode()


def partition_of(key: bytes) -> int:
    """Partition that a table key belongs to. Raises KeyRefusedError: It is no key of a table."""
    return _split(key)[1]


def kind_of(key: bytes) -> bytes:
    """One of those above, such as `MARKER`, or what a foreign key begins with."""
    return _split(key)[0]


def page_of(key: bytes) -> int:
    """Number of the page that a key names."""
    return _number(key)


def part_of(key: bytes) -> tuple[int, Series]:
    """Input partition and series that a statistics key names."""
    return _number(key), series_of(key[_PREFIX.size + _NUMBER.size :])


def _split(key: bytes) -> tuple[bytes, int]:
    try:
        kind, partition = _PREFIX.unpack_from(key)
    except struct.error as error:
        raise KeyRefusedError(f"{key!r} is no key of a table: {error}") from error
    return kind, partition


def _number(key: bytes) -> int:
    try:
        (number,) = _NUMBER.unpack_from(key, _PREFIX.size)
    except struct.error as error:
        raise KeyRefusedError(f"{key!r} is no key of a table: {error}") from error
    return int(number)


def decided_key(partition: int, page: int, digest: str) -> bytes:
    """Key of a page of what was decided about a subject's photos."""
    return _PREFIX.pack(DECIDED, partition) + _NUMBER.pack(page) + digest.encode()


def measured_key(partition: int, digest: str) -> bytes:
    """Key of what was measured of a subject."""
    return _PREFIX.pack(MEASURED, partition) + digest.encode()


def measured_of(key: bytes) -> str:
    """Digest of the subject that a `measured_key` names."""
    return key[_PREFIX.size :].decode()


def decided_of(key: bytes) -> tuple[int, str]:
    """Page and subject's digest that a `decided_key` names."""
    return _number(key), key[_PREFIX.size + _NUMBER.size :].decode()
