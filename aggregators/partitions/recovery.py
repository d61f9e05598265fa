"""Takes up what a table holds; both levels keep a marker and who is forgotten in the same way."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from aggregators.partitions.keys import FORGOTTEN, MARKER, Marker, kind_of
from avatarrig.body.refused import StateRefusedError
from avatarrig.wire.keys import KeyRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aggregators.partitions.forgetting import Forgotten

Entry = tuple[bytes, bytes]


@contextmanager
def restoring() -> Iterator[None]:
    """Turns what damaged entries raise into the one error for that.

    Raises:
        StateRefusedError: An entry is damaged.
    """
    try:
        yield
    except (msgspec.DecodeError, KeyRefusedError, ValueError, LookupError) as error:
        raise StateRefusedError(f"an entry is damaged: {error}") from error


def restore(
    items: Iterable[Entry], learned: str, forgotten: Forgotten, take: Callable[[bytes, bytes], None]
) -> tuple[Marker, list[Entry]]:
    """Hands a table's entries to whom they belong.

    Args:
        learned: Versions that this program works with; stands in the marker of an empty table.

    Returns:
        The marker, and the entries beside it.
    """
    marker = Marker(learned=learned)
    entries = []
    for key, value in items:
        kind = kind_of(key)
        if kind == MARKER:
            marker = msgspec.msgpack.decode(value, type=Marker)
            continue
        entries.append((key, value))
        if kind == FORGOTTEN:
            forgotten.recover(key, value)
        else:
            take(key, value)
    return marker, entries
