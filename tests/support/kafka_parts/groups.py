"""Consumer groups as Kafka describes them."""

from __future__ import annotations

from kafka import TopicPartition

from avatarrig.kafka.groups import GroupState
from avatarrig.wire.topics import DETECTOR_GROUPS, IMAGES


def group(
    name: str, members: int, topic: str, *, committed: dict[int, int], ends: dict[int, int]
) -> GroupState:
    return GroupState(
        name=name,
        members=members,
        committed={TopicPartition(topic, number): at for number, at in committed.items()},
        ends={TopicPartition(topic, number): at for number, at in ends.items()},
    )


def detectors(members: int, waiting: int, name: str = DETECTOR_GROUPS) -> GroupState:
    """A group that so many photos of one partition wait for."""
    return group(name, members, IMAGES, committed={0: 0}, ends={0: waiting})
