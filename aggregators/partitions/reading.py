"""Reads messages of the observations topic; what can be told of many photos at once, is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.photo import CountedPhoto, ExcludedPhoto, photo_of, photos_of
from avatarrig.wire import Decision, Forget, Observation, RecordRefusedError
from avatarrig.wire.channels import OBSERVED
from avatarrig.wire.standings import as_decided

if TYPE_CHECKING:
    from collections.abc import Sequence


class Photo(NamedTuple):
    """A photo that was observed.

    Attributes:
        as_seen: What counts of it where nobody decided, or why it is refused.
    """

    seen: Observation
    as_seen: CountedPhoto | ExcludedPhoto | StateRefusedError

    def told(self, standing: str) -> CountedPhoto | ExcludedPhoto:
        """Tells what counts of it as it stands; see `avatarrig.wire.standings`.

        Raises:
            StateRefusedError: Its evidence does not hold what evidence holds.
        """
        decided = as_decided(self.seen, standing)
        if decided is not self.seen:
            return photo_of(decided)
        if isinstance(self.as_seen, StateRefusedError):
            raise self.as_seen
        return self.as_seen


Read = Photo | Forget | Decision | RecordRefusedError | None
"""A message, or why it is refused; None for a tombstone."""


def read_together(values: Sequence[bytes | None]) -> list[Read]:
    """Reads messages."""
    records = [_record(value) for value in values]
    photos = iter(photos_of([record for record in records if isinstance(record, Observation)]))
    return [
        Photo(record, next(photos)) if isinstance(record, Observation) else record
        for record in records
    ]


def _record(value: bytes | None) -> Observation | Forget | Decision | RecordRefusedError | None:
    try:
        return None if value is None else OBSERVED.decode(value)
    except RecordRefusedError as error:
        return error
