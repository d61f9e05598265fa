"""What an ingest is told when it starts."""

from __future__ import annotations

import msgspec

from avatarrig.kafka.settings import KafkaSettings
from avatarrig.photos.period import ALWAYS, Period
from producers.references import Dataset


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where photos come from, and which of them count.

    Attributes:
        location: Folder, or ``s3://bucket/prefix``.
        dataset: Whose photos they are.
        rescan: Seconds between two looks at everything, whatever events say.
        prune: Whether photos that are gone stop counting, however many they are at once.
        leave_out: Folders within it that are not looked into.
        period: When photos that count were taken.
        clips: Whether frames of clips are taken, too.
    """

    location: str
    dataset: Dataset
    rescan: float = 30.0
    prune: bool = False
    leave_out: tuple[str, ...] = ()
    period: Period = ALWAYS
    clips: bool = False

    @property
    def only_subject(self) -> str | None:
        """Whose photos they all are; None where each folder is somebody else's."""
        return None if self.dataset.subject_per_folder else self.dataset.subject_of("")


class IngestSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of one ingest.

    Attributes:
        kafka: How to reach Kafka.
        watch: Whether to go on and publish what comes.
        held: Whether it loads what it needs and then waits to be told that Kafka is there.
    """

    kafka: KafkaSettings
    source: SourceSettings
    watch: bool = True
    held: bool = False
