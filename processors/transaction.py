"""One Kafka transaction: what was made of some photos, together with their offsets."""

from __future__ import annotations

import time

from kafka import ConsumerGroupMetadata, KafkaProducer, OffsetAndMetadata, TopicPartition

from avatarrig.kafka.transactions import abort_transaction
from processors.outcome import Taken

MOST_RECORDS = 16
MOST_SECONDS = 1.0
"""Each transaction costs the broker, and whoever reads, as much as a fifth of a photo. Where no
photo waits, what became of the last one is committed at once."""


class Transaction:
    """Collects what became of messages, and sends it all within one short transaction.

    Until the commit nothing is open on the broker, so a replica that is killed holds up no
    reader; and all partitions join the transaction in one request.

    Args:
        topic: The images topic, whose offsets are committed.
    """

    def __init__(self, producer: KafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._added: list[Taken] = []
        self._records = 0
        self._first_at = 0.0
        self._is_begun = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not self._added

    @property
    def seconds_left(self) -> float:
        """Time until it should be committed; 0 when it should be now."""
        if self.is_empty:
            return MOST_SECONDS
        if self._records >= MOST_RECORDS:
            return 0.0
        return max(0.0, self._first_at + MOST_SECONDS - time.monotonic())

    def add(self, taken: Taken) -> None:
        """Adds what became of a message; messages of a partition come in their order."""
        if self.is_empty:
            self._first_at = time.monotonic()
        self._added.append(taken)
        self._records += taken.output is not None

    def commit(self, group: ConsumerGroupMetadata) -> list[Taken]:
        """Commits records and offsets together.

        Args:
            group: Membership under which the messages were taken; the broker refuses it
                when the group has moved on since.

        Raises:
            KafkaError: Nothing is committed; abort.
        """
        self._producer.begin_transaction()
        self._is_begun = True
        offsets: dict[TopicPartition, OffsetAndMetadata] = {}
        for taken in self._added:
            partition = TopicPartition(self._topic, taken.partition)
            offsets[partition] = OffsetAndMetadata(taken.offset + 1, "", -1)
            if (output := taken.output) is not None:
                self._producer.send(output.topic, value=output.value, key=output.key)
        self._producer.send_offsets_to_transaction(offsets, group)
        self._producer.commit_transaction()
        committed = self._added
        self._forget()
        return committed

    def abort(self) -> None:
        """Drops what was added, and undoes a commit that failed half way.

        Raises:
            KafkaError: The producer is of no use any more.
        """
        if self._is_begun:
            abort_transaction(self._producer)
        self._forget()

    def _forget(self) -> None:
        self._added = []
        self._records = 0
        self._is_begun = False
