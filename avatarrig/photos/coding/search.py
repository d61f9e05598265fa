"""Looks for few bytes among many while other threads go on, which `bytes.find` holds up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PIECE: Final = 1 << 19
"""Bytes that are looked at together: with what is found in them, they stay in a processor's cache.
With fewer, two threads spend more time on waiting for each other between looks than on looking."""
_PAIR: Final = 2
_LITTLE_ENDIAN: Final = "<u2"
_MANY: Final = 1 << 10
"""A piece with so many equal pairs of interest is looked through."""


def holds_any(data: bytes, marks: Sequence[bytes], start: int = 0) -> bool:
    """Whether any of some marks, of three bytes or more, stands in the data from `start` on."""
    pairs = np.frombuffer(data, _LITTLE_ENDIAN, len(data) // _PAIR)
    wanted = set(_pairs_of(marks))
    longest = max(map(len, marks))
    found = bytearray(_PIECE // _PAIR)
    for at in range(start // _PAIR, len(pairs), len(found)):
        for first, last in _found(pairs[at : at + len(found)], wanted, found):
            # It begins there, or a byte before.
            begin, end = _PAIR * (at + first) - 1, _PAIR * (at + last) + longest
            if any(data.find(mark, max(start, begin), end) >= 0 for mark in marks):
                return True
    return False


def _pairs_of(marks: Sequence[bytes]) -> Iterator[int]:
    """Gives what stands at an even place wherever a mark begins: two bytes, the first or not."""
    for mark in marks:
        for skipped in range(_PAIR):
            yield int.from_bytes(mark[skipped : skipped + _PAIR], "little")


def _found(
    piece: NDArray[np.uint16], wanted: Collection[int], found: bytearray
) -> Iterator[tuple[int, int]]:
    """Gives where pairs of interest may stand: the first place, and the last one.

    Args:
        found: As long as the piece, or longer; it is written over.
    """
    is_wanted = np.frombuffer(found, np.bool_, len(piece))
    for pair in wanted:
        np.equal(piece, pair, out=is_wanted)
        place = found.find(1, 0, len(piece))
        for _ in range(_MANY):
            if place < 0:
                break
            yield place, place
            place = found.find(1, place + 1, len(piece))
        else:
            yield 0, len(piece)
            return
