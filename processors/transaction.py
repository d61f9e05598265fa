"""One Kafka transaction: what was made of some photos, together with their offsets."""

from __future__ import annotations

import time

from kafka import ConsumerGroupMetadata, KafkaProducer, OffsetAndMetadata, TopicPartition

from processors.outcome import Taken

MOST_RECORDS = 8
MOST_SECONDS = 0.5


class Transaction:
    """Begins with the first message that is added, ends with a commit or an abort.

    Args:
        producer: Transactional, initialised.
        topic: The images topic, whose offsets are committed.
    """

    def __init__(self, producer: KafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._offsets: dict[TopicPartition, OffsetAndMetadata] = {}
        self._records = 0
        self._begun_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether there is something to commit."""
        return bool(self._offsets)

    @property
    def seconds_left(self) -> float:
        """Time until it should be committed; 0 when it should be now."""
        if not self.is_open:
            return MOST_SECONDS
        if self._records >= MOST_RECORDS:
            return 0.0
        return max(0.0, self._begun_at + MOST_SECONDS - time.monotonic())

    def add(self, taken: Taken) -> None:
        """Adds what became of a message; messages of a partition come in their order."""
        if not self.is_open:
            self._producer.begin_transaction()
            self._begun_at = time.monotonic()
        # First the offset: were the send to fail, the transaction counts as open.
        partition = TopicPartition(self._topic, taken.partition)
        self._offsets[partition] = OffsetAndMetadata(taken.offset + 1, "", -1)
        if taken.output is not None:
            output = taken.output
            self._producer.send(output.topic, value=output.value, key=output.key.encode())
            self._records += 1

    def commit(self, group: ConsumerGroupMetadata) -> None:
        """Commits records and offsets together.

        Args:
            group: Membership under which the messages were taken; the broker refuses it
                when the group has moved on since.

        Raises:
            KafkaError: Nothing is committed.
        """
        self._producer.send_offsets_to_transaction(self._offsets, group)
        self._producer.commit_transaction()
        self._close()

    def abort(self) -> None:
        """Undoes an open transaction.

        Raises:
            KafkaError: The producer is of no use any more.
        """
        if self.is_open:
            self._producer.abort_transaction()
            self._close()

    def _close(self) -> None:
        self._offsets = {}
        self._records = 0
