"""The keys under which messages travel: made and read here, and nowhere else.

A key joins its parts with NUL. A subject may hold any character, so keys that begin with one are
read from their end.
"""

from __future__ import annotations

from avatarrig.errors import AvatarRigError
from avatarrig.wire.kinds import Decision, Forget, Observation, PhotoReference, Reject

Series = tuple[str, str]
"""Subject and detector fingerprint: what is pooled, and what is kept apart."""

PhotoKey = tuple[str, str]
"""Subject and image_id: the same photo may be shown for two subjects."""

SEPARATOR = "\0"


class KeyRefusedError(AvatarRigError, ValueError):
    """A key is not one that this program writes."""


def record_key(record: PhotoReference | Observation | Reject) -> bytes:
    """Key under which a record travels; of records with the same key, the broker keeps the last.

    It begins with the image_id, which spreads any load evenly, and says whose record it is: the
    same photo may be shown for two subjects, to two detectors, by two runs. All that may count
    twice in an estimate has the same key, and so is in the same partition.
    """
    match record:
        case PhotoReference():
            return joined(record.image_id, record.subject, record.run)
        case Observation():
            return joined(record.image_id, record.subject, record.fingerprint)
        case Reject():
            # Each counts: how often a photo was rejected is part of its story.
            subject, name = about(record)
            return joined(name, subject, repr(record.rejected_at))


def run_of_reference(key: bytes) -> str:
    """Run that a photo reference's key names; empty for a service."""
    return _text(key).rpartition(SEPARATOR)[2]


def series_key(series: Series) -> bytes:
    """Key of an estimate."""
    return joined(*series)


def series_of(key: bytes) -> Series:
    """Series that a `series_key` names. Raises KeyRefusedError: It names none."""
    subject, separator, fingerprint = _text(key).rpartition(SEPARATOR)
    if not separator:
        raise KeyRefusedError(f"{key!r} names no subject and fingerprint")
    return subject, fingerprint


def tally_key(series: Series, partition: int) -> bytes:
    """Key of a tally.

    The input partition is part of it: compaction keeps the last message of each key, and the
    tallies of all input partitions are needed.
    """
    return joined(*series, str(partition))


def history_key(series: Series, slot: str) -> bytes:
    """Key of a note in the history: of those of one slot, compaction keeps the last."""
    return joined(*series, slot)


def series_of_history(key: bytes) -> Series:
    """Series that a `history_key` names. Raises KeyRefusedError: It names none."""
    return series_of(_text(key).rpartition(SEPARATOR)[0].encode("utf-8", "surrogateescape"))


def forget_key(forget: Forget, moment: int) -> bytes:
    """Key of a `Forget`; no two are the same, so compaction keeps each.

    Args:
        moment: What tells it apart: nanoseconds among the observations, the input partition
            among the tallies.
    """
    return joined("", "forget", forget.forget, str(moment))


def decision_key(decision: Decision, moment: int, part: int) -> bytes:
    """Key of a `Decision`; no two are the same, so compaction keeps each.

    Args:
        moment: Nanoseconds.
        part: Number of the record among those of the moment.
    """
    return joined("", "decision", decision.subject, f"{moment}.{part}")


def departed_key(dataset: str) -> bytes:
    """Key of a `Departed`: compaction keeps the last."""
    return joined("", "departed", dataset)


def dataset_of_departed(key: bytes) -> str | None:
    """Dataset that a `departed_key` names; None where it is another key."""
    text = _text(key)
    head = SEPARATOR.join(("", "departed", ""))
    return text[len(head) :] if text.startswith(head) else None


def measurements_key(subject: str) -> bytes:
    """Key of what was measured of a subject: compaction keeps the last."""
    return joined("", "measured", subject)


def origin(topic: str, partition: int, offset: int) -> str:
    """Names a message for people and in rejects."""
    return f"{topic}/{partition}/{offset}"


def about(reject: Reject) -> PhotoKey:
    """Whom a reject is about; for a message that is no photo, nobody and its origin."""
    if reject.reference is None:
        return ("", reject.origin)
    return (reject.reference.subject, reject.reference.image_id)


def joined(*parts: str) -> bytes:
    """Joins the parts of a key."""
    return SEPARATOR.join(parts).encode("utf-8", "surrogateescape")


def _text(key: bytes) -> str:
    return key.decode("utf-8", "surrogateescape")
