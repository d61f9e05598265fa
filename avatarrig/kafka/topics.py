"""Creates and checks topics, and tells whether a cluster answers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from kafka import KafkaAdminClient
from kafka.errors import InvalidReplicationFactorError, for_code

from avatarrig.kafka.border import told_by
from avatarrig.kafka.diagnosis import await_connection
from avatarrig.kafka.errors import TopicError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire.topics import IMAGES, STAMPED, UNPACKED, Topic

BOOTSTRAP_TIMEOUT_MS = 10_000
REQUEST_TIMEOUT_MS = 15_000
CREATION_TIMEOUT_MS = 30_000
TOPIC_EXISTS = 36
"""Kafka's error code TOPIC_ALREADY_EXISTS."""
MOST_COPIES = 3
"""Of each partition, where there are that many brokers; Kafka's own default is a single one."""


class Cluster(msgspec.Struct, frozen=True):
    """A cluster as it described itself. `brokers`: ``host:port`` of every broker that is alive."""

    cluster_id: str
    brokers: tuple[str, ...]


class TopicState(msgspec.Struct, frozen=True):
    """A topic as the brokers describe it.

    Attributes:
        partitions: How many it has.
        in_sync: The smallest number of copies in sync that any partition has.
        leaderless: Partitions that nobody serves at the moment.
    """

    topic: str
    partitions: int
    replicas: int
    in_sync: int
    leaderless: int


@contextmanager
def admin_client(
    settings: KafkaSettings,
    *,
    bootstrap_timeout_ms: int = BOOTSTRAP_TIMEOUT_MS,
    request_timeout_ms: int = REQUEST_TIMEOUT_MS,
) -> Iterator[KafkaAdminClient]:
    """Opens kafka-python's admin client and closes it afterwards.

    Args:
        bootstrap_timeout_ms: How long to wait for the first answer.
        request_timeout_ms: How long to wait for each other one.

    Raises:
        ConnectionRefusedByKafkaError: Address, TLS or credentials were refused.
        TransportError: Kafka does not answer, or answers with an error.
    """
    await_connection(settings, bootstrap_timeout_ms)
    with told_by(f"Kafka at {settings.bootstrap_servers} does not answer"):
        client = KafkaAdminClient(
            **settings.client_options(),
            bootstrap_timeout_ms=bootstrap_timeout_ms,
            request_timeout_ms=request_timeout_ms,
            reconnect_backoff_max_ms=1_000,
        )
    try:
        with told_by(f"Kafka at {settings.bootstrap_servers}"):
            yield client
    finally:
        client.close()


def describe_cluster(settings: KafkaSettings, *, timeout_ms: int = BOOTSTRAP_TIMEOUT_MS) -> Cluster:
    """Asks Kafka to describe itself: an open port is not readiness, an answer is.

    Raises:
        TransportError: It does not answer in time.
    """
    with admin_client(settings, bootstrap_timeout_ms=timeout_ms) as client:
        described = client.describe_cluster()
    brokers = sorted(f"{broker['host']}:{broker['port']}" for broker in described["brokers"])
    return Cluster(str(described["cluster_id"]), tuple(brokers))


def create_topics(
    settings: KafkaSettings, topics: Iterable[Topic], *, replication: int | None = None
) -> bool:
    """Creates the topics that are missing and checks those that are there.

    Returns when every partition has a leader. Doing it again, or at the same time
    elsewhere, is harmless.

    Args:
        replication: Copies of each partition; None for one on every broker, three at most. A
            record counts as written when all copies but one have it, so that any one broker
            may be lost for good.

    Returns:
        Whether none of them was there before.

    Raises:
        TopicError: A topic exists with another number of partitions, or was refused.
    """
    with admin_client(settings) as client:
        return create_missing(client, topics, replication=replication)


def create_missing(
    client: KafkaAdminClient, topics: Iterable[Topic], *, replication: int | None = None
) -> bool:
    """The same with a client that is open already; see `create_topics`."""
    wanted = {topic.name: topic for topic in topics}
    existing = _partitions(client, wanted)
    are_new = not existing
    missing = [topic for name, topic in wanted.items() if name not in existing]
    if missing:
        copies = _copies(client) if replication is None else replication
        request = {topic.name: _creation(topic, copies) for topic in missing}
        answer = client.create_topics(request, raise_errors=False)
        _check_created(answer["topics"])
        client.wait_for_topics(list(request), timeout_ms=CREATION_TIMEOUT_MS)
        existing = _known_everywhere(client, wanted)
    _check_partitions(wanted.values(), existing)
    return are_new


def _known_everywhere(client: KafkaAdminClient, wanted: Iterable[str]) -> dict[str, int]:
    """Asks again while it is a broker that answers which has not heard of the new topics yet."""
    names = set(wanted)
    give_up = time.monotonic() + CREATION_TIMEOUT_MS / 1000
    while True:
        existing = _partitions(client, names)
        if names <= set(existing) or time.monotonic() > give_up:
            return existing
        time.sleep(0.1)


def require_topics(settings: KafkaSettings, topics: Iterable[Topic]) -> None:
    """Checks that every topic is there, whatever its number of partitions; creates nothing.

    Raises:
        TopicError: One is missing; the message says what to do.
    """
    names = [topic.name for topic in topics]
    with admin_client(settings) as client:
        existing = _partitions(client, names)
    _refuse_missing(settings, set(names) - set(existing))


def existing_partitions(settings: KafkaSettings) -> int | None:
    """Partitions that the pipeline's topics have; None where there are none yet."""
    with admin_client(settings) as client:
        return partitions_in(client)


def partitions_in(client: KafkaAdminClient) -> int | None:
    """The same with a client that is open already; see `existing_partitions`."""
    return _partitions(client, [IMAGES]).get(IMAGES)


def check_topics(settings: KafkaSettings, topics: Iterable[Topic]) -> None:
    """Checks that every topic is there with its number of partitions; creates nothing.

    Raises:
        TopicError: One is missing or differs; the message says what to do.
    """
    wanted = {topic.name: topic for topic in topics}
    with admin_client(settings) as client:
        existing = _partitions(client, wanted)
    _refuse_missing(settings, set(wanted) - set(existing))
    _check_partitions(wanted.values(), existing)


def describe_topics(settings: KafkaSettings, topics: Iterable[Topic]) -> list[TopicState]:
    """Describes the topics that are there, in the order given."""
    names = [topic.name for topic in topics]
    with admin_client(settings) as client:
        described = client.describe_topics(names)
    return sorted(
        (_state(topic) for topic in described if topic["error_code"] == 0),
        key=lambda state: names.index(state.topic),
    )


def _state(topic: dict[str, Any]) -> TopicState:
    partitions = topic["partitions"]
    return TopicState(
        topic=topic["name"],
        partitions=len(partitions),
        replicas=max(len(each["replica_nodes"]) for each in partitions),
        in_sync=min(len(each["isr_nodes"]) for each in partitions),
        leaderless=sum(each["leader_id"] < 0 for each in partitions),
    )


def _refuse_missing(settings: KafkaSettings, missing: Iterable[str]) -> None:
    if names := ", ".join(sorted(missing)):
        raise TopicError(
            f"Topics are missing at {settings.bootstrap_servers}: {names}. "
            "Create them with `avatarrig topics create`."
        )


def _partitions(client: KafkaAdminClient, names: Iterable[str]) -> dict[str, int]:
    described = client.describe_topics(list(names))
    return {
        topic["name"]: len(topic["partitions"]) for topic in described if topic["error_code"] == 0
    }


def _copies(client: KafkaAdminClient) -> int:
    return min(MOST_COPIES, len(client.describe_cluster()["brokers"]))


def _creation(topic: Topic, copies: int) -> dict[str, Any]:
    in_sync = {"min.insync.replicas": str(max(1, copies - 1))}
    return {
        "num_partitions": topic.partitions,
        "replication_factor": copies,
        "configs": {**in_sync, **UNPACKED, **STAMPED, **topic.settings},
    }


def _check_created(answers: Iterable[dict[str, Any]]) -> None:
    for answer in answers:
        code = answer["error_code"]
        if code in {0, TOPIC_EXISTS}:
            continue
        error = for_code(code)
        remedy = (
            " Ask for fewer copies: there are not that many brokers alive."
            if error is InvalidReplicationFactorError
            else ""
        )
        raise TopicError(
            f"Kafka refused to create the topic {answer['name']}: {error.__name__}: "
            f"{answer.get('error_message') or error.description}.{remedy}"
        )


def _check_partitions(wanted: Iterable[Topic], existing: dict[str, int]) -> None:
    wrong = [
        f"{topic.name} has {existing.get(topic.name, 0)} instead of {topic.partitions}"
        for topic in wanted
        if existing.get(topic.name) != topic.partitions
    ]
    if wrong:
        raise TopicError(
            f"Topics have another number of partitions than asked for: {'; '.join(wrong)}. "
            "All topics of the pipeline must agree, and what was counted belongs to its "
            "partition: ask for the number they have, or use topics of their own on another "
            "Kafka (or delete these, with everything in them)."
        )
