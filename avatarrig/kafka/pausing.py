"""Resumes a partition that was paused, so that its records flow again.

kafka-python parks records of a paused partition that it has parsed already. It takes them up again
only while no other partition's records are in line (``fetched_records`` tests for None what
is an exhausted iterator), and fetches no new ones as long as they are parked: a partition that
was paused while others went on may stand still for ever.
"""

from __future__ import annotations

from kafka import KafkaConsumer, TopicPartition


def resume_from(consumer: KafkaConsumer, partition: TopicPartition, offset: int | None) -> None:
    """Has a partition flow again from an offset on.

    Args:
        consumer: The partition is assigned to it, paused or not.
        offset: First one to come; None for the beginning.
    """
    if offset is None:
        consumer.seek_to_beginning(partition)
    else:
        consumer.seek(partition, offset)
    # What is parked is from before the seek; dropped, it is fetched anew where it is wanted.
    consumer._fetcher._paused_partition_records.pop(partition, None)
    consumer.resume(partition)
