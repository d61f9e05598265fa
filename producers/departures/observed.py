"""What the observations topic says of photos: what was seen in them, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from avatarrig.wire import Decision, Forget, Observation
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.keys import PhotoKey
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN
from producers.departures.versions import Sight


class Place(NamedTuple):
    """Where something is known of a photo: in a partition, of one detector's fingerprint."""

    partition: int
    fingerprint: str


class _Seen(msgspec.Struct):
    """The first observation of a photo in a partition; later ones do not count.

    Attributes:
        standing: What was decided about it before, or with it brought along.
        pixels: What stands for its decoded pixels.
        is_copy: Whether it was observed as a copy.
    """

    offset: int
    standing: str
    pixels: str
    is_copy: bool


class Observed:
    """Folds the topic as the aggregator does; some 500 bytes a photo.

    Args:
        dataset: Name of the dataset; what others or runs have observed is theirs as well.
    """

    def __init__(self, dataset: str) -> None:
        self._dataset = dataset
        self._seen: dict[PhotoKey, dict[Place, _Seen]] = {}
        self._decided: dict[PhotoKey, dict[int, str]] = {}
        self._shared: set[PhotoKey] = set()

    def take(self, record: object, partition: int, offset: int) -> None:
        """Takes in a record; those of a partition come in their order."""
        match record:
            case Observation():
                self._observe(record, partition, offset)
            case Decision():
                self._decide(record, partition, offset)
            case Forget(forget=digest):
                self._forget(digest, partition)

    def _observe(self, record: Observation, partition: int, offset: int) -> None:
        key = (record.subject, record.image_id)
        if record.dataset != self._dataset or record.run:
            self._shared.add(key)
        standing = self._decided.get(key, {}).get(partition, AS_SEEN)
        is_copy = (record.excluded or "").startswith(Exclusion.DUPLICATE)
        seen = _Seen(offset, standing, record.pixels, is_copy)
        self._seen.setdefault(key, {}).setdefault(Place(partition, record.fingerprint), seen)

    def _decide(self, record: Decision, partition: int, offset: int) -> None:
        for image_id in record.image_ids:
            self._decided.setdefault((record.subject, image_id), {})[partition] = record.standing
        for brought in record.observed:
            place = Place(partition, brought.fingerprint)
            seen = self._seen.get((record.subject, brought.image_id), {}).get(place)
            if seen is not None and seen.offset < offset:
                seen.standing = record.standing

    def _forget(self, digest: str, partition: int) -> None:
        for key in [key for key in self._seen if subject_digest(key[0]) == digest]:
            left = {at: seen for at, seen in self._seen[key].items() if at.partition != partition}
            self._seen[key] = left
            if not left:
                del self._seen[key]
        for key in [key for key in self._decided if subject_digest(key[0]) == digest]:
            self._decided[key].pop(partition, None)

    def sights(self) -> dict[PhotoKey, Sight]:
        """What is known of the photos."""
        found = {}
        for key, places in self._seen.items():
            first = next(iter(places.values()))
            # Photos not observed yet by one detector may have been decided about already.
            decided = self._decided.get(key, {}).values()
            found[key] = Sight(
                standings=frozenset({*(seen.standing for seen in places.values()), *decided}),
                pixels=frozenset(seen.pixels for seen in places.values() if seen.pixels),
                is_copy=first.is_copy,
                is_shared=key in self._shared,
                is_decided=bool(decided),
            )
        return found

    def standing_otherwise(
        self, key: PhotoKey, standing: str, partitions: Sequence[int] = ()
    ) -> dict[int, list[int]]:
        """Finds the partitions in which a photo does not stand as it shall.

        Args:
            partitions: All of them, where photos that are observed later shall stand so as well.

        Returns:
            Partition to the offsets of what it has first observed of the photo.
        """
        places = self._seen.get(key, {})
        decided = self._decided.get(key, {})
        wrong = {at.partition for at, seen in places.items() if seen.standing != standing}
        wrong |= {each for each in partitions if decided.get(each, AS_SEEN) != standing}
        return {
            partition: sorted(seen.offset for at, seen in places.items() if at[0] == partition)
            for partition in wrong
        }
