"""What is rejected and still is: a fold over the rejects and observations topics. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from avatarrig.wire import PhotoReference, Reject
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.keys import PhotoKey, about, record_key

_MOST_REASONS: Final = 50
"""Strangers may make up reasons without end."""


class RejectedPhoto(msgspec.Struct, frozen=True):
    """A photo, or a message, that is rejected.

    Attributes:
        keys: Keys of all its rejects; more than one after it was tried again.
    """

    latest: Reject
    keys: frozenset[bytes]

    @property
    def times(self) -> int:
        """How often it was rejected."""
        return len(self.keys)

    @property
    def name(self) -> str:
        """The photo's path within its dataset, or the message's origin."""
        reference = self.latest.reference
        return self.latest.origin if reference is None else reference.path


class StandingRejects:
    """Keeps the rejects that stand. Records of a photo may come in any order of topics.

    A photo leaves the list when an observation of it, or of what lies at its path by now, is
    younger than its latest reject.

    Args:
        most: Photos to keep; of more, the latest are listed and all are counted.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._rejects: dict[PhotoKey, RejectedPhoto] = {}
        self._observed_at: dict[PhotoKey, float] = {}
        self._looked_at: dict[tuple[str, str], float] = {}
        self._unlisted: Counter[str] = Counter()

    def reject(self, record: Reject, key: bytes = b"") -> None:
        """Notes a record of the rejects topic.

        Args:
            key: The message's; the same key says the same again.
        """
        photo = about(record)
        keys = frozenset({key or record_key(record)})
        known = self._rejects.pop(photo, None)
        if known is not None:
            record = max(known.latest, record, key=lambda reject: reject.rejected_at)
            keys |= known.keys
        self._rejects[photo] = RejectedPhoto(record, keys)
        if self._most is not None and len(self._rejects) > self._most:
            left = self._rejects.pop(self._least_telling())
            reason = left.latest.reason
            is_known = reason in self._unlisted or len(self._unlisted) < _MOST_REASONS
            self._unlisted[reason if is_known else "other"] += 1

    def _least_telling(self) -> PhotoKey:
        """The oldest near-copy, of which there may be thousands, or else the oldest of all."""
        near_copies = (key for key, photo in self._rejects.items() if photo.latest.is_near_copy)
        return next(near_copies, next(iter(self._rejects)))

    def observed(self, photo: PhotoKey, at: float, path: str = "") -> None:
        """Notes that a photo was observed.

        Args:
            photo: Whom it shows, and its image_id.
            at: Unix seconds.
            path: Where it lies in its dataset. A file that was rejected while it was copied has
                another image_id when it is whole.
        """
        _note(self._observed_at, photo, at, self._most)
        if path:
            _note(self._looked_at, (photo[0], path), at, self._most)
        known = self._rejects.get(photo)
        if self._most is not None and known is not None and not self._stands(photo, known):
            del self._rejects[photo]

    def removed(self, key: bytes) -> None:
        """Takes back what a tombstone stands for."""
        for photo, known in list(self._rejects.items()):
            if key not in known.keys:
                continue
            left = known.keys - {key}
            if left:
                self._rejects[photo] = RejectedPhoto(known.latest, left)
            else:
                del self._rejects[photo]

    def forget(self, digest: str) -> None:
        """Takes back all of a subject."""
        for photo in [key for key in self._rejects if key[0] and subject_digest(key[0]) == digest]:
            del self._rejects[photo]

    def standing(
        self,
        *,
        reason: str | None = None,
        since: float = 0.0,
        run: str | None = None,
        subject: str | None = None,
    ) -> list[RejectedPhoto]:
        """Lists what is rejected, the latest first, and near-copies behind all else.

        Args:
            since: Only rejects from this time on, Unix seconds.
        """
        chosen: list[Callable[[Reject], bool]] = [lambda reject: reject.rejected_at >= since]
        if reason is not None:
            chosen.append(lambda reject: reject.reason == reason)
        if run is not None:
            chosen.append(lambda reject: reject.run == run)
        if subject is not None:
            chosen.append(lambda reject: about(reject)[0] == subject)
        listed = [
            photo
            for key, photo in self._rejects.items()
            if self._stands(key, photo) and all(fits(photo.latest) for fits in chosen)
        ]
        return sorted(
            listed,
            key=lambda photo: (
                photo.latest.is_near_copy,
                -photo.latest.rejected_at,
                photo.name,
            ),
        )

    def find(self, text: str) -> list[RejectedPhoto]:
        """Finds what is rejected by image_id, path or origin; a part of it is enough."""
        return [
            photo
            for photo in self.standing()
            if text in photo.name or text in about(photo.latest)[1]
        ]

    @property
    def reasons(self) -> Counter[str]:
        """How much is rejected, by reason."""
        listed = Counter(
            photo.latest.reason for key, photo in self._rejects.items() if self._stands(key, photo)
        )
        return listed + self._unlisted

    def _stands(self, key: PhotoKey, photo: RejectedPhoto) -> bool:
        reference = photo.latest.reference
        seen = self._observed_at.get(key, -1.0)
        if reference is not None:
            seen = max(seen, self._looked_at.get((key[0], reference.path), -1.0))
        return seen < photo.latest.rejected_at


def _note(
    times: dict[tuple[str, str], float], key: tuple[str, str], at: float, most: int | None
) -> None:
    """Keeps the latest time of each key, of the last ones that came."""
    times[key] = max(at, times.pop(key, 0.0))
    if most is not None and len(times) > 10 * most:
        del times[next(iter(times))]


def to_be_mended(photos: Iterable[RejectedPhoto]) -> list[RejectedPhoto]:
    """Leaves out near-copies, with which nothing is wrong."""
    return [photo for photo in photos if not photo.latest.is_near_copy]


def replayable(photos: Iterable[RejectedPhoto], *, now: float) -> list[PhotoReference]:
    """Makes the references by which rejected photos are tried again.

    Args:
        photos: As `StandingRejects` lists them.
        now: Unix seconds.

    Returns:
        References; messages that were no photos, and photos whose bytes could never be read
        and so have no hash, have none: running the dataset's command again finds those.
    """
    return [
        msgspec.structs.replace(reference, run=photo.latest.run, found_at=now)
        for photo in photos
        if (reference := photo.latest.reference) is not None and reference.content_hash
    ]
