"""Rows of integers by key, added up: what histograms, days, moments and whole tallies are made of.

Integers are what makes the pipeline sound: they add up to the same bits in any order, on any
number of machines; merging is adding, and taking back is subtracting.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from operator import add, sub
from typing import Any, Final, Generic, Protocol, Self, TypeVar

import numpy as np

from avatarrig.body.refused import StateRefusedError

Key = TypeVar("Key", bound=Hashable)
Item_contra = TypeVar("Item_contra", contravariant=True)
Total = TypeVar("Total", bound="Sum[Any]")


_MORE: Final = 0x80
"""The bit of a byte that says there is more of the number."""
MODULUS: Final = 1 << 13
_MOST_PENDING: Final = 1024
"""Rows that wait to be added up: many at once cost a tenth of one by one."""
_MANY: Final = 32
"""So many are added up faster as an array."""
_LARGEST: Final = 1 << 48
"""Sums of `_MOST_PENDING` numbers of this size are far from the end of 64 bits."""


_Pending = tuple[tuple[Key, ...], Sequence[int]]
"""A row, and to which keys' rows it is to be added."""


class Sum(Protocol[Item_contra]):
    """What all sums can do. `add` and `subtract` work in place, ``+`` and ``-`` make a new sum.

    What was added can be taken back, and leaves no trace; what was not is refused with
    `StateRefusedError`, and nothing changes. Equal sums pack into equal values.
    """

    def add(self, item: Item_contra, /) -> object:
        """Adds one item."""
        ...

    def subtract(self, item: Item_contra, /) -> object:
        """Takes back one item that was added before."""
        ...

    def __add__(self, other: Self, /) -> Self: ...

    def __sub__(self, other: Self, /) -> Self: ...

    def pack(self) -> list[Any]:
        """Returns lists, strings, bytes and integers."""
        ...

    @classmethod
    def unpack(cls, packed: object, /) -> Self:
        """Reads what `pack` made, or refuses it with `StateRefusedError`."""
        ...


class KeyedSums(Generic[Key]):
    """Key to a row of integers.

    The first numbers of a row are counts: none is negative, none is larger than the first. A
    row whose first number is 0 holds nothing and is not kept. The last numbers may be kept
    modulo `MODULUS`: these need two bytes at most, however much is added up.

    Args:
        width: Length of a row.
        counts: How many numbers at its beginning are counts, at least 1.
        wrapped: How many numbers at its end are kept modulo `MODULUS`.
        rows: What to begin with.
    """

    __slots__ = ("_counts", "_pending", "_settled", "_width", "_wrapped")

    def __init__(
        self,
        width: int,
        counts: int = 1,
        wrapped: int = 0,
        rows: Mapping[Key, list[int]] | None = None,
    ) -> None:
        self._width = width
        self._counts = counts
        self._wrapped = wrapped
        self._settled: dict[Key, list[int]] = {} if rows is None else dict(rows)
        self._pending: list[_Pending[Key]] = []

    @property
    def _rows(self) -> dict[Key, list[int]]:
        if self._pending:
            self._settle()
        return self._settled

    @property
    def rows(self) -> Mapping[Key, Sequence[int]]:
        """Key to row, to be read only."""
        return self._rows

    @property
    def count(self) -> int:
        """Sum of the first numbers of all rows."""
        return sum(row[0] for row in self._rows.values())

    def total(self, keys: Iterable[Key] | None = None) -> list[int]:
        """Adds up the rows of some keys, or of all."""
        chosen = self._rows.values() if keys is None else [self._rows[key] for key in keys]
        return list(map(sum, zip(*chosen, strict=True))) or [0] * self._width

    def add(self, item: tuple[Key, Sequence[int]]) -> None:
        """Adds a row, which must not change any more, to the row of its key."""
        self.add_to((item[0],), item[1])

    def add_to(self, keys: tuple[Key, ...], row: Sequence[int]) -> None:
        """Adds a row, which must not change any more, to the rows of several keys."""
        self._pending.append((keys, row))
        if len(self._pending) >= _MOST_PENDING:
            self._settle()

    def subtract(self, item: tuple[Key, Sequence[int]]) -> None:
        """Takes a row back. Raises StateRefusedError: It is not contained."""
        key, row = item
        kept = self._rows.get(key)
        if kept == row:  # all of it, as where a photo is the only one of its moment
            del self._rows[key]
        else:
            kept = [0] * self._width if kept is None else kept
            self._put(key, self._wrap(list(map(sub, kept, row))))

    def __add__(self, other: KeyedSums[Key]) -> KeyedSums[Key]:
        few, many = sorted((self._rows, other._rows), key=len)
        merged = KeyedSums(self._width, self._counts, self._wrapped, many)
        rows = merged._settled
        for key, row in few.items():
            kept = rows.get(key)
            rows[key] = row if kept is None else self._wrap(list(map(add, kept, row)))
        return merged

    def __sub__(self, other: KeyedSums[Key]) -> KeyedSums[Key]:
        rest = KeyedSums(self._width, self._counts, self._wrapped, self._rows)
        for item in other._rows.items():
            rest.subtract(item)
        return rest

    def rekeyed(self, renamed: Mapping[Key, Key]) -> KeyedSums[Key]:
        """Returns the sums under other keys; rows that come under the same key are added up."""
        sums: KeyedSums[Key] = KeyedSums(self._width, self._counts, self._wrapped)
        for key, row in self._rows.items():
            sums.add((renamed[key], row))
        return sums

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyedSums) and self._rows == other._rows

    def __repr__(self) -> str:
        return f"KeyedSums({len(self._rows)} keys, {self.count})"

    def pack(self) -> list[Any]:
        """Returns the keys in order, whole ones by their differences, and all rows as bytes."""
        keys: list[Any] = sorted(self._rows)
        numbers = pack_numbers([number for key in keys for number in self._rows[key]])
        if keys and type(keys[0]) is int:
            steps = [after - before for before, after in pairwise([0, *keys])]
            return [pack_numbers(steps), numbers]
        return [keys, numbers]

    def unpacked(self, packed: object) -> KeyedSums[Key]:
        """Reads what `pack` made of sums of this shape.

        Raises:
            StateRefusedError: It holds something else.
        """
        match packed:
            case [list() | bytes() as names, bytes() as data]:
                pass
            case _:
                raise StateRefusedError("these are no keys and sums")
        keys: list[Any] = list(names)
        if isinstance(names, bytes) and names:
            keys = list(accumulate(unpack_numbers(names)))
        elif isinstance(names, bytes) or not all(isinstance(key, str) for key in keys):
            raise StateRefusedError("these are no keys")
        if sorted(set(keys)) != keys:
            raise StateRefusedError("these are no keys in order")
        rows = self._unpacked_counts(data) if self._width == 1 else self._unpacked_rows(data)
        if len(rows) != len(keys):
            raise StateRefusedError("these keys and sums do not fit each other")
        sums: KeyedSums[Key] = KeyedSums(self._width, self._counts, self._wrapped)
        sums._settled = dict(zip(keys, rows, strict=True))
        return sums

    def _unpacked_counts(self, data: bytes) -> list[list[int]]:
        numbers = unpack_numbers(data)
        if numbers and min(numbers) <= 0:
            raise StateRefusedError("a key holds nothing, or less than nothing")
        return [[number] for number in numbers]

    def _unpacked_rows(self, data: bytes) -> list[list[int]]:
        numbers = np.array(unpack_numbers(data), np.int64)
        if len(numbers) % self._width:
            raise StateRefusedError("these are no whole sums")
        table = numbers.reshape(-1, self._width)
        wrapped = table[:, self._width - self._wrapped :]
        if ((wrapped < 0) | (wrapped >= MODULUS)).any():
            raise StateRefusedError("these sums were packed otherwise")
        counts, first = table[:, : self._counts], table[:, :1]
        if (first <= 0).any() or ((counts < 0) | (counts > first)).any():
            raise StateRefusedError("a key holds nothing, or less than nothing")
        rows: list[list[int]] = table.tolist()
        return rows

    def _settle(self) -> None:
        """Adds up what is pending."""
        pending, self._pending = self._pending, []
        if len(pending) >= _MANY:
            pending = _added_up_at_once(pending) or pending
        settled = self._settled
        for keys, row in pending:
            for key in keys:
                kept = settled.get(key)
                settled[key] = self._wrap(list(row if kept is None else map(add, kept, row)))

    def _wrap(self, row: list[int]) -> list[int]:
        if self._wrapped:
            row[-self._wrapped :] = [number % MODULUS for number in row[-self._wrapped :]]
        return row

    def _put(self, key: Key, row: list[int]) -> None:
        counts = row[: self._counts]
        if min(counts) < 0 or max(counts) > row[0] or (not row[0] and any(row)):
            raise StateRefusedError(f"{key!r} holds less than is to be taken back")
        if row[0]:
            self._rows[key] = row
        else:
            self._rows.pop(key, None)


def _added_up_at_once(pending: Sequence[_Pending[Key]]) -> list[_Pending[Key]] | None:
    """Adds up the rows of each key as arrays; None where a number is too large for that."""
    try:
        rows = np.array([row for _, row in pending], np.int64)
    except OverflowError:
        return None
    if rows.max() > _LARGEST or rows.min() < -_LARGEST:
        return None
    numbers: dict[Key, int] = {}
    found = [(numbers.setdefault(key, len(numbers)), at)
             for at, (keys, _) in enumerate(pending) for key in keys]  # fmt: skip
    key_numbers, places = np.array(found, np.intp).T
    order = np.argsort(key_numbers, kind="stable")
    starts = np.searchsorted(key_numbers[order], np.arange(len(numbers)))
    sums = np.add.reduceat(rows[places[order]], starts)
    return [((key,), row) for key, row in zip(numbers, sums.tolist(), strict=True)]


_GROUP: Final = 7
_LONGEST: Final = 10
_FEW: Final = 40
"""So many are packed faster one by one than as arrays: histograms of few photos have a few."""
_FEW_BYTES: Final = 200
"""So many are read faster one by one."""
_MOST: Final = (1 << 63) - 1
_SHORT: Final = tuple(-(octet + 1 >> 1) if octet & 1 else octet >> 1 for octet in range(_MORE))
"""The integers that are packed in a byte each."""
_SHIFTS = np.arange(_LONGEST, dtype=np.uint64) * np.uint64(_GROUP)


def pack_numbers(numbers: Sequence[int]) -> bytes:
    """Packs integers into as few bytes as each needs: zigzag, then LEB128 as protobuf does.

    Raises:
        OverflowError: One does not fit 64 bits.
    """
    if len(numbers) <= _FEW:
        return _pack_few(numbers)
    values = np.array(numbers, np.int64)
    folded = ((values << 1) ^ (values >> 63)).view(np.uint64)
    longest = -(-int(folded.max()).bit_length() // _GROUP)
    parts = folded[:, None] >> _SHIFTS[: max(longest, 1)]
    needed = parts > 0
    needed[:, 0] = True
    octets = parts.astype(np.uint8) & np.uint8(_MORE - 1)
    octets[:, :-1] |= needed[:, 1:].view(np.uint8) << 7
    data: bytes = octets[needed].tobytes()
    return data


def unpack_numbers(data: bytes) -> list[int]:
    """Reads what `pack_numbers` made. Raises StateRefusedError: It holds something else."""
    if data.isascii():
        return [_SHORT[octet] for octet in data]
    if len(data) <= _FEW_BYTES:
        return _unpack_few(data)
    octets = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(octets < _MORE)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if not len(ends) or ends[-1] != len(octets) - 1 or lengths.max() > _LONGEST:
        raise StateRefusedError("these bytes are no integers")
    if ((octets[ends] == 0) & (lengths > 1)).any() or (octets[ends[lengths == _LONGEST]] > 1).any():
        raise StateRefusedError("these bytes are integers that were packed otherwise")
    place = np.arange(len(octets)) - np.repeat(starts, lengths)
    parts = (octets & 0x7F).astype(np.uint64) << _SHIFTS[place]
    folded = np.add.reduceat(parts, starts)
    values = (folded >> np.uint64(1)).view(np.int64) ^ -(folded & np.uint64(1)).view(np.int64)
    numbers: list[int] = values.tolist()
    return numbers


def _pack_few(numbers: Sequence[int]) -> bytes:
    return b"".join(map(_pack_number, numbers))


@functools.lru_cache(maxsize=4096)
def _pack_number(number: int) -> bytes:
    if not -_MOST - 1 <= number <= _MOST:
        raise OverflowError(f"{number} does not fit 64 bits")
    data = bytearray()
    left = number << 1 if number >= 0 else (-number << 1) - 1
    while left >= _MORE:
        data.append(left & (_MORE - 1) | _MORE)
        left >>= _GROUP
    data.append(left)
    return bytes(data)


def _unpack_few(data: bytes) -> list[int]:
    numbers: list[int] = []
    folded = length = 0
    for octet in data:
        folded |= (octet & (_MORE - 1)) << (_GROUP * length)
        length += 1
        if octet >= _MORE:
            continue
        if length > _LONGEST:
            break
        if (octet == 0 and length > 1) or (length == _LONGEST and octet > 1):
            raise StateRefusedError("these bytes are integers that were packed otherwise")
        numbers.append(folded >> 1 if not folded & 1 else -(folded >> 1) - 1)
        folded = length = 0
    if length:
        raise StateRefusedError("these bytes are no integers")
    return numbers
