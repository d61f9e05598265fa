"""Renders a node's settings: one KRaft node on loopback, or one of a few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from avatarrig.kafka.own_broker import USERNAME
from avatarrig.wire.topics import UNPACKED

HOST = "127.0.0.1"

PROPERTIES_FILE = "node.properties"
LOG4J_FILE = "log4j2.xml"
STORAGE_FOLDER = "data"
LOG_FOLDER = "logs"
CONSOLE_FILE = "console.log"
BROKER_LOG_FILE = "kafka.log"


Port = Annotated[int, Meta(ge=1, le=65_535)]


class Ports(msgspec.Struct, frozen=True):
    """Loopback ports of a node.

    Attributes:
        client: For clients and other brokers.
        controller: For the metadata quorum.
    """

    client: Port
    controller: Port


class NodeSettings(msgspec.Struct, frozen=True):
    """What makes a node differ from another.

    Attributes:
        node_id: 1, 2, …
        cluster: Ports of every node of the cluster by node id, this one's included.
        cluster_id: base64url UUID of 22 characters, the same for every node.
        overrides: Kafka settings that replace or extend the rendered ones.
        secret: Password that clients and controllers have to know; empty lets everybody in.
    """

    node_id: int
    cluster: Mapping[int, Ports]
    cluster_id: str
    overrides: Mapping[str, str] = {}
    secret: str = ""

    @property
    def ports(self) -> Ports:
        """This node's own ports."""
        return self.cluster[self.node_id]


def render_properties(settings: NodeSettings) -> str:
    """Renders ``node.properties``.

    Paths are relative to the node's working directory: ``log.dirs`` is a list with commas,
    and Java reads the file as Latin-1, so a path could not be named safely.
    """
    values = {**_fixed(), **_addresses(settings), **_replication(len(settings.cluster))}
    if settings.secret:
        values.update(_secured(settings.secret))
    values.update(settings.overrides)
    return "".join(f"{name}={_escaped(value)}\n" for name, value in values.items())


def _secured(secret: str) -> dict[str, str]:
    """Lets in who knows the secret, on both listeners."""
    login = (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="{USERNAME}" password="{secret}" user_{USERNAME}="{secret}";'
    )
    return {
        "listener.security.protocol.map": "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.plaintext.plain.sasl.jaas.config": login,
        "listener.name.controller.plain.sasl.jaas.config": login,
    }


def _addresses(settings: NodeSettings) -> dict[str, str]:
    own = settings.ports
    return {
        "node.id": str(settings.node_id),
        "controller.quorum.voters": ",".join(
            f"{node}@{HOST}:{ports.controller}" for node, ports in sorted(settings.cluster.items())
        ),
        "listeners": f"PLAINTEXT://{HOST}:{own.client},CONTROLLER://{HOST}:{own.controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{own.client}",
    }


def _replication(nodes: int) -> dict[str, str]:
    replicas = str(min(3, nodes))
    in_sync = str(max(1, min(3, nodes) - 1))
    return {
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
    }


def _fixed() -> dict[str, str]:
    return {
        **UNPACKED,  # of topics that an earlier version made, too
        "process.roles": "broker,controller",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": STORAGE_FOLDER,
        # Topics are created with the partitions that the pipeline needs, or not at all.
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.num.partitions": "4",
        "group.initial.rebalance.delay.ms": "0",
        # A run is resumed, and a watched folder may rest, for longer than the usual week.
        "offsets.retention.minutes": "525600",
        "num.recovery.threads.per.data.dir": "4",
        "log.segment.bytes": "134217728",
        "log.index.size.max.bytes": "1048576",
        "log.cleaner.dedupe.buffer.size": "8388608",
        "num.network.threads": "2",
        "num.io.threads": "4",
    }


def _escaped(value: str) -> str:
    return "".join(
        character if " " <= character <= "~" and character != "\\" else _unicode(character)
        for character in value
    )


def _unicode(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


LOG4J_CONFIGURATION = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR" shutdownHook="disable">
  <Appenders>
    <RollingFile name="file" fileName="{LOG_FOLDER}/{BROKER_LOG_FILE}"
                 filePattern="{LOG_FOLDER}/{BROKER_LOG_FILE}.%i">
      <PatternLayout pattern="%d{{ISO8601}} %p %m (%c{{1}})%n%ex{{8}}"/>
      <Policies><SizeBasedTriggeringPolicy size="4 MB"/></Policies>
      <DefaultRolloverStrategy max="2"/>
    </RollingFile>
  </Appenders>
  <Loggers>
    <Root level="WARN"><AppenderRef ref="file"/></Root>
    <Logger name="kafka.server.KafkaRaftServer" level="INFO"/>
  </Loggers>
</Configuration>
"""
"""The broker's own log: warnings and worse, 12 MB at most."""
