"""Members of a group that poll for a short time only, on real Apache Kafka."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaConsumer
from kafka.structs import MemberState
from support.waiting import PATIENCE, wait_for

from avatarrig.kafka.clients import open_group_consumer
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics
from avatarrig.wire.topics import Topic

pytestmark = pytest.mark.broker
PARTITIONS = 12

OpenMember = Callable[[str], KafkaConsumer]


@pytest.fixture
def open_member(kafka: EmbeddedBroker) -> Iterator[OpenMember]:
    """Opens members of a group of the test's own."""
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    name = f"members-{uuid.uuid4().hex[:8]}"
    create_topics(settings, [Topic(name, PARTITIONS)])
    with contextlib.ExitStack() as stack:

        def open_it(member: str) -> KafkaConsumer:
            consumer = open_group_consumer(settings, [name], group=name, member=member)
            stack.callback(consumer.close, autocommit=False, timeout_ms=1000)
            return consumer

        yield open_it


def poll_and_be_late(consumer: KafkaConsumer) -> None:
    """Polls for no time at all, and lets the broker's answer arrive before the next poll."""
    consumer.poll(timeout_ms=0)
    task = consumer._coordinator._join_task
    wait_for(lambda: task is None or task.is_done, every=0.001)


def is_settled(*members: KafkaConsumer) -> bool:
    groups = [member.group_metadata() for member in members]
    return (
        all(group.state is MemberState.STABLE for group in groups)
        and len({group.generation_id for group in groups}) == 1
        and sum(len(member.assignment()) for member in members) == PARTITIONS
    )


def test_an_assignment_that_arrives_between_two_polls_is_taken_up(open_member: OpenMember) -> None:
    member = open_member("only")
    give_up = time.monotonic() + PATIENCE
    while not is_settled(member):
        assert time.monotonic() < give_up
        poll_and_be_late(member)
    assert member.group_metadata().generation_id == 1


def test_members_that_are_late_settle_and_stay_settled(open_member: OpenMember) -> None:
    members = [open_member(f"member-{number}") for number in range(3)]
    give_up = time.monotonic() + PATIENCE
    while not is_settled(*members):
        assert time.monotonic() < give_up
        for member in members:
            member.poll(timeout_ms=0)
        time.sleep(0.01)  # the broker answers meanwhile
    generation = members[0].group_metadata().generation_id
    heard = [member._coordinator.heartbeat.last_receive for member in members]
    while any(
        member._coordinator.heartbeat.last_receive == before
        for member, before in zip(members, heard, strict=True)
    ):
        assert time.monotonic() < give_up
        for member in members:
            member.poll(timeout_ms=0)
    assert {member.group_metadata().generation_id for member in members} == {generation}
