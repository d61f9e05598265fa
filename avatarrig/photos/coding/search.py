"""Looks for few bytes among many while other threads go on, which `bytes.find` holds up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PIECE: Final = 1 << 20
"""Bytes that are looked at together. With fewer, which would stay in a processor's cache, two
threads spend more time on waiting for each other between looks than on looking."""
_WORD: Final = 4
_LITTLE_ENDIAN: Final = "<u4"
_WHOLE_WORDS: Final = 3


def holds_any(data: bytes, marks: Sequence[bytes], start: int = 0) -> bool:
    """Whether any of some marks, of six bytes or more each, stands in the data from `start` on."""
    words = np.frombuffer(data, _LITTLE_ENDIAN, len(data) // _WORD)
    wanted = list(_words_of(marks))
    space = np.empty(_PIECE // _WORD, np.bool_)
    for at in range(start // _WORD, len(words), _PIECE // _WORD):
        piece = words[at : at + _PIECE // _WORD]
        if _has_word(piece, wanted, space):
            begin, end = max(start, _WORD * at - _PIECE), _WORD * at + 2 * _PIECE
            if any(data.find(mark, begin, end) >= 0 for mark in marks):
                return True
    return False


def _words_of(marks: Sequence[bytes]) -> Iterator[tuple[int, bool]]:
    """Gives what stands at a multiple of four bytes wherever a mark begins.

    That is four bytes of it; or, where it begins one byte behind such a multiple, its first three
    behind another one.
    """
    for mark in marks:
        for skipped in range(_WHOLE_WORDS):
            yield int.from_bytes(mark[skipped : skipped + _WORD], "little"), False
        yield int.from_bytes(mark[: _WORD - 1], "little"), True


def _has_word(
    piece: NDArray[np.uint32], wanted: Sequence[tuple[int, bool]], space: NDArray[np.bool_]
) -> bool:
    behind_first = piece >> 8
    found = space[: len(piece)]
    return any(
        np.equal(behind_first if is_behind else piece, word, out=found).any()
        for word, is_behind in wanted
    )
