"""What a dataset's watcher knows to be published: read from Kafka at the start, kept since.

Kafka is the only memory that cannot disagree with Kafka: there is no journal to lose, and a
service that is moved to another machine knows at once what its predecessor published.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import msgspec

from avatarrig.photos.clips.address import clip_and_seconds
from avatarrig.wire import Departed, PhotoReference, Reject
from avatarrig.wire.bounds import LATEST
from avatarrig.wire.keys import PhotoKey
from avatarrig.wire.reasons import RejectReason
from producers.departures.versions import Versions
from producers.references import Published, reference_in
from producers.settling import Stamp

_SAME_SECONDS = 1.0
_STEP_SECONDS = 0.001


class _Known(msgspec.Struct):
    """The latest that was published about a path.

    Attributes:
        asked: Who was meant.
        size: Bytes.
        found_at: Unix seconds.
        reason: Why it was rejected unread, None where it was published.
        stamp: As it was looked at by this process; None from an earlier one.
    """

    subject: str
    asked: str
    size: int
    found_at: float
    reason: str | None
    stamp: Stamp | None = None


class Memory:
    """Remembers a dataset's photos; some 900 bytes each.

    Args:
        dataset: Name of the dataset; records of others are passed over.

    Attributes:
        departed: How many of its photos are said to be gone and to go on counting.
    """

    def __init__(self, dataset: str, versions: Versions | None = None) -> None:
        self._dataset = dataset
        self._versions = versions
        self._paths: dict[str, _Known] = {}
        self._photos: dict[PhotoKey, str] = {}
        self._left_out: dict[PhotoKey, str] = {}
        self.first_with: dict[tuple[str, bytes], str] = {}
        self.departed = 0

    def __contains__(self, reference: PhotoReference) -> bool:
        """Whether a photo was last published for its subject, and for whoever is meant now."""
        return self._photos.get(_key(reference)) == _asked(reference)

    def has_left_out(self, reference: PhotoReference) -> bool:
        """Whether a photo was left out as a near-copy, for whoever is meant now."""
        return self._left_out.get(_key(reference)) == _asked(reference)

    def __len__(self) -> int:
        """Photos published."""
        return len(self._photos)

    def is_of_other_questions(self, asked_of: Callable[[str], str]) -> bool:
        """Tells whether somebody else was meant when a photo was last published.

        Args:
            asked_of: Says what stands for who is meant of a subject.
        """
        return any(asked != asked_of(subject) for (subject, _), asked in self._photos.items())

    def in_order(self, record: Published) -> Published:
        """Has a photo be found after what was published of its path before.

        Of two files at a path the one found later counts, and a machine's clock may have been
        wrong, and set right, in between.
        """
        reference = reference_in(record)
        if reference is None:
            return record
        known = self._paths.get(_file(reference.path))
        if known is None or known.found_at < reference.found_at:
            return record
        found_at = min(known.found_at + _STEP_SECONDS, LATEST)
        later = msgspec.structs.replace(reference, found_at=found_at)
        if isinstance(record, Reject):
            return msgspec.structs.replace(record, reference=later)
        return later

    def recall(self, record: PhotoReference | Reject | Departed) -> None:
        """Takes up what Kafka holds; records in the order of their times, or any other."""
        if isinstance(record, Departed):
            self.departed = record.photos if record.dataset == self._dataset else self.departed
            return
        reference = reference_in(record)
        if reference is None or reference.dataset != self._dataset or reference.run:
            return
        if isinstance(record, PhotoReference) or _is_of_producers(record):
            self._note(record, reference, None)

    def published(self, record: PhotoReference | Reject, stamp: Stamp) -> None:
        """Notes what Kafka has acknowledged."""
        reference = reference_in(record)
        if reference is not None:
            self._note(record, reference, stamp)

    def is_known(  # noqa: PLR0913 - all that a file's record says
        self,
        path: str,
        stamp: Stamp,
        *,
        subject: str,
        asked: str = "",
        reason: str | None = None,
        near_copies: bool = False,
    ) -> bool:
        """Tells whether a file is as it was when it was published.

        Args:
            subject: Whose skeleton it shall tell about.
            asked: Who is meant.
            reason: Why it cannot be published, None where nothing speaks against it.
            near_copies: Whether what was left out as a near-copy is left out still; otherwise it
                is to be published after all.
        """
        known = self._paths.get(path)
        if known is None or (known.subject, known.asked) != (subject, asked):
            return False
        is_left_out = near_copies and known.reason == RejectReason.NEAR_COPY
        if known.reason != reason and not (is_left_out and reason is None):
            return False
        if reason is not None:
            return True
        if known.stamp is not None:
            return known.stamp == stamp
        # Of an earlier process only the time is known at which it looked.
        return known.size == stamp.size and stamp.changed_at + _SAME_SECONDS < known.found_at

    def seen_again(self, reference: PhotoReference, stamp: Stamp) -> None:
        """Notes that a file was read again and is what was published."""
        path = _file(reference.path)
        known = self._paths.get(path)
        if known is not None and (known.subject, known.asked) == (
            reference.subject,
            _asked(reference),
        ):
            known.stamp = stamp
        elif reference in self:  # another ingest published it for somebody else since
            self._paths[path] = _Known(
                reference.subject,
                _asked(reference),
                reference.size,
                reference.found_at,
                None,
                stamp,
            )
        if self._versions is not None:
            self._versions.there_again(reference)

    def _note(
        self, record: PhotoReference | Reject, reference: PhotoReference, stamp: Stamp | None
    ) -> None:
        if self._versions is not None and isinstance(record, PhotoReference):
            self._versions.note(reference)
        path = _file(reference.path)
        known = self._paths.get(path)
        if known is not None and known.found_at > reference.found_at:
            return
        reason = record.reason if isinstance(record, Reject) else None
        self._paths[path] = _Known(
            reference.subject, _asked(reference), reference.size, reference.found_at, reason, stamp
        )
        if reason == RejectReason.NEAR_COPY:
            self._left_out[_key(reference)] = _asked(reference)
        if reason is None:
            self._photos[_key(reference)] = _asked(reference)
            with contextlib.suppress(ValueError):  # a stranger's hash may be none
                content = (
                    reference.subject,
                    bytes.fromhex(reference.picture or reference.content_hash),
                )
                self.first_with.setdefault(content, reference.duplicate_of or reference.image_id)


def _is_of_producers(record: Reject) -> bool:
    """Whether a photo was rejected before a detector saw it."""
    is_unread = record.reference is not None and not record.reference.content_hash
    return is_unread or record.is_near_copy


def _file(path: str) -> str:
    """The file that a photo, or a clip's frame, is in."""
    return clip_and_seconds(path)[0]


def _asked(reference: PhotoReference) -> str:
    return "" if reference.sought is None else reference.sought.asked


def _key(reference: PhotoReference) -> PhotoKey:
    return reference.subject, reference.image_id
