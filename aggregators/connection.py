"""Faust's options for a Kafka, and the topics that an aggregator works with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import faust
from faust.types.auth import CredentialsT
from kafka import KafkaAdminClient

from avatarrig.kafka.errors import TopicError
from avatarrig.kafka.topics import admin_client, create_missing
from avatarrig.wire.topics import HISTORY, OBSERVATIONS, REJECTS, SKELETONS, TALLIES, Topic

if TYPE_CHECKING:
    from pathlib import Path

    from aggregators.settings import AggregatorSettings
    from avatarrig.kafka.settings import KafkaSettings

OBSERVED_TABLE: Final = "observed"
TALLIED_TABLE: Final = "tallied"

_NEEDED: Final = (OBSERVATIONS, TALLIES, SKELETONS, HISTORY, REJECTS)
_PATIENCE_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.2
_CHANGELOG: Final = {
    "cleanup.policy": "compact",
    # A restart reads what is not compacted yet, and the newest segment never is: keep it small.
    "segment.bytes": str(16 << 20),
    "min.cleanable.dirty.ratio": "0.2",
}


def changelog_topics(group: str, partitions: dict[str, int]) -> tuple[Topic, ...]:
    """Lists the topics that keep a group's tables, in partitions as their sources are.

    Args:
        group: The consumer group.
        partitions: Topic to its number of partitions.
    """
    return tuple(
        Topic(f"{group}-{table}-changelog", partitions[source], _CHANGELOG)
        for table, source in ((OBSERVED_TABLE, OBSERVATIONS), (TALLIED_TABLE, TALLIES))
    )


def prepare_topics(settings: AggregatorSettings) -> dict[str, int]:
    """Checks that the pipeline's topics exist, and creates the group's changelogs if need be.

    Returns:
        Topic to its number of partitions.

    Raises:
        TopicError: A topic is missing, or a changelog does not fit.
    """
    give_up = time.monotonic() + _PATIENCE_SECONDS
    with admin_client(settings.kafka) as client:
        # A broker that has just started may not know all of its topics yet.
        while missing := set(_NEEDED) - (partitions := _partitions(client)).keys():
            if time.monotonic() > give_up:
                break
            time.sleep(_LOOK_SECONDS)
        if missing:
            raise TopicError(
                f"topics are missing at {settings.kafka.bootstrap_servers}: "
                f"{', '.join(sorted(missing))}. "
                "Create them with `avatarrig topics create`"
            )
        create_missing(client, changelog_topics(settings.group, partitions))
    return partitions


def _partitions(client: KafkaAdminClient) -> dict[str, int]:
    described = client.describe_topics(list(_NEEDED))
    return {
        topic["name"]: len(topic["partitions"]) for topic in described if topic["error_code"] == 0
    }


def faust_options(settings: AggregatorSettings, data: Path) -> dict[str, Any]:
    """Returns the options of an application that keeps quiet and owns no topics.

    Args:
        data: An empty folder; Faust insists on one.
    """
    return {
        "broker": [f"kafka://{_host(host)}:{port}" for host, port in settings.kafka.addresses],
        "broker_credentials": _credentials(settings.kafka),
        "store": "memory://",
        "datadir": data,
        "autodiscover": False,
        "table_standby_replicas": 0,
        "topic_allow_declare": False,  # they exist, with settings that were chosen
        "topic_disable_leader": True,
        "consumer_auto_offset_reset": "earliest",
        "consumer_group_instance_id": settings.worker or None,
        "broker_session_timeout": 6.0,
        "broker_heartbeat_interval": 1.0,
        "broker_request_timeout": 15.0,
        "broker_max_poll_records": 250,
        "stream_buffer_maxsize": 8,  # batches
        "stream_wait_empty": False,  # what is not saved is read again
        "stream_recovery_delay": 0.0,
        "producer_acks": -1,
        "producer_linger": 0.002,  # what is sent together goes in one request
        "producer_max_request_size": 1_000_000,
        "web_enabled": False,  # one of our own stands beside it, see avatarrig.page
    }


def _credentials(kafka: KafkaSettings) -> CredentialsT | None:
    if kafka.sasl:
        return faust.SASLCredentials(
            username=kafka.username,
            password=kafka.password,
            mechanism=kafka.sasl_mechanism,
            ssl_context=kafka.ssl_context(),
        )
    return faust.SSLCredentials(context=kafka.ssl_context()) if kafka.tls else None


def _host(host: str) -> str:
    bare = host.strip("[]")
    return f"[{bare}]" if ":" in bare else bare
