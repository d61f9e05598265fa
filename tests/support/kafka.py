"""Real Apache Kafka for tests: one node, a node of a test's own, three nodes, TLS and SCRAM.

``kafka``          one node for the whole session, without topics and groups as the module begins.
``empty_kafka``    the same node, emptied as the test begins: what a module keeps there is gone.
``fresh_kafka``    a node for this test alone, which may be killed and started again.
``kafka_cluster``  three nodes; whole again before each test.
``secure_kafka``   one node that demands TLS and SCRAM; for the whole session.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove
from support.deploy.ports import distinct_ports
from support.waiting import wait_for

from avatarrig.kafka.embedded import EmbeddedBroker, default_cache
from avatarrig.kafka.embedded.distribution import Distribution, prepare_distribution
from avatarrig.kafka.embedded.errors import BrokerError
from avatarrig.kafka.embedded.node import READY_LIMIT_S, KafkaNode
from avatarrig.kafka.embedded.ports import choose_ports
from avatarrig.kafka.embedded.settings import (
    HOST,
    LOG4J_CONFIGURATION,
    LOG4J_FILE,
    PROPERTIES_FILE,
    STORAGE_FOLDER,
    NodeSettings,
    Ports,
    render_properties,
)
from avatarrig.kafka.embedded.startup_cache import with_startup_cache
from avatarrig.kafka.embedded.storage import format_storage, new_cluster_id
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client, create_topics
from avatarrig.wire.topics import DEFAULT_PARTITIONS, pipeline_topics

NODES = (1, 2, 3)
HEALING_SECONDS = 60.0
AS_INSTALLED = {"default.replication.factor": "1", "min.insync.replicas": "1"}
"""Apache Kafka's own defaults: whoever creates a topic has to ask for copies."""


def with_topics(broker: EmbeddedBroker, partitions: int = DEFAULT_PARTITIONS) -> KafkaSettings:
    """Makes the pipeline's topics; those that are there stay."""
    settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
    create_topics(settings, pipeline_topics(partitions))
    return settings


@pytest.fixture(scope="session")
def kafka_distribution() -> Distribution:
    """Java, jars and start-up cache, fetched if this is the first time on this machine."""
    return with_startup_cache(default_cache(), prepare_distribution(default_cache()))


@pytest.fixture(scope="session")
def kafka_of_the_session(
    kafka_distribution: Distribution, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="module")
def kafka(kafka_of_the_session: EmbeddedBroker) -> EmbeddedBroker:
    return empty(kafka_of_the_session)


@pytest.fixture
def empty_kafka(kafka_of_the_session: EmbeddedBroker) -> EmbeddedBroker:
    return empty(kafka_of_the_session)


def empty(broker: EmbeddedBroker) -> EmbeddedBroker:
    """Deletes all topics and groups."""
    with admin_client(KafkaSettings(bootstrap_servers=broker.bootstrap_servers)) as admin:
        wait_for(lambda: _emptied(admin))
    return broker


def _emptied(admin: KafkaAdminClient) -> bool:
    """Deletes what an earlier test left; whether there is nothing any more."""
    groups = [group["group_id"] for group in admin.list_groups()]
    for group, described in (admin.describe_groups(groups) if groups else {}).items():
        # Of those whose process was killed; a static member is known by its other name.
        left = [
            MemberToRemove(None, member["group_instance_id"])
            if member["group_instance_id"]
            else MemberToRemove(member["member_id"])
            for member in described["members"]
        ]
        admin.remove_group_members(group, left)
    if groups:
        admin.delete_groups(groups)
    topics = [topic for topic in admin.list_topics() if not topic.startswith("__")]
    if topics:
        admin.delete_topics(topics)
    return not (groups or topics)


@pytest.fixture(scope="session")
def formatted_storage(
    kafka_distribution: Distribution, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Storage as the product formats it, to be copied: formatting takes as long as starting."""
    folder = tmp_path_factory.mktemp("formatted")
    settings = NodeSettings(1, {1: choose_ports()}, new_cluster_id())
    (folder / PROPERTIES_FILE).write_text(render_properties(settings), "ascii")
    (folder / LOG4J_FILE).write_text(LOG4J_CONFIGURATION, "utf-8")
    format_storage(kafka_distribution, folder, settings.cluster_id)
    return folder / STORAGE_FOLDER


@pytest.fixture
def fresh_kafka(formatted_storage: Path, tmp_path: Path) -> Iterator[EmbeddedBroker]:
    shutil.copytree(formatted_storage, tmp_path / "kafka" / STORAGE_FOLDER)
    with EmbeddedBroker(tmp_path / "kafka") as broker:
        yield broker


def kill(broker: EmbeddedBroker) -> None:
    """Ends a broker as a power failure would, and waits until it is gone."""
    os.kill(broker.pid, signal.SIGKILL)
    wait_for(lambda: not broker.alive)


class KafkaCluster:
    """Three nodes on this machine, to be killed and started one by one."""

    def __init__(self, folder: Path, distribution: Distribution) -> None:
        self._folder = folder
        self._distribution = distribution
        self._cluster_id = new_cluster_id()
        chosen = distinct_ports(2 * len(NODES))
        self._ports = {node: Ports(chosen.pop(), chosen.pop()) for node in NODES}
        self._nodes: dict[int, KafkaNode] = {}

    @property
    def bootstrap_servers(self) -> str:
        """All three, so that clients find those that are alive."""
        return ",".join(f"{HOST}:{ports.client}" for ports in self._ports.values())

    @property
    def settings(self) -> KafkaSettings:
        return KafkaSettings(bootstrap_servers=self.bootstrap_servers)

    def alive(self) -> list[int]:
        """Numbers of the nodes that run."""
        return [number for number in NODES if number in self._nodes and self._nodes[number].alive]

    def node_at(self, address: str) -> int:
        """Number of the node that clients know by ``host:port``."""
        return next(n for n, ports in self._ports.items() if address == f"{HOST}:{ports.client}")

    def kill(self, node: int) -> None:
        """Ends a node as a power failure would."""
        self._nodes[node].kill()

    def stop(self, node: int) -> None:
        """Ends a node in an orderly way."""
        self._nodes[node].stop()

    @contextlib.contextmanager
    def unreachable(self, node: int) -> Iterator[None]:
        """Has a node stand still: connections stay, and nothing answers."""
        os.kill(self._nodes[node].pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._nodes[node].pid, signal.SIGCONT)

    def transaction_coordinator(self, transactional_id: str) -> int:
        """Number of the node that looks after a producer's transactions."""
        with admin_client(self.settings) as client:
            (described,) = client.describe_topics(["__transaction_state"])
        leaders = {each["partition_index"]: each["leader_id"] for each in described["partitions"]}
        return int(leaders[_java_hash(transactional_id) % len(leaders)])

    def start(self, node: int) -> None:
        """Starts a node on the data that it has, and waits until it is back in the cluster."""
        self._launch(node)
        self._nodes[node].wait_until_ready(brokers=len(self.alive()))

    def heal(self) -> None:
        """Starts every node that does not run; all of them, where they do not find together."""
        self._launch_missing()
        try:
            self._wait_until_whole(HEALING_SECONDS)
        except BrokerError:
            self.close()
            self._launch_missing()
            self._wait_until_whole(READY_LIMIT_S)

    def _launch_missing(self) -> None:
        for node in NODES:
            if node not in self.alive():
                self._launch(node)

    def _wait_until_whole(self, limit_s: float) -> None:
        for node in NODES:
            self._nodes[node].wait_until_ready(brokers=len(NODES), limit_s=limit_s)

    def close(self) -> None:
        for node in self._nodes.values():
            # Without a majority an orderly stop waits for a controller.
            node.kill()

    def _launch(self, node: int) -> None:
        self._nodes[node] = KafkaNode(self._folder / str(node), self._distribution)
        self._nodes[node].start(
            NodeSettings(node, self._ports, self._cluster_id, overrides=AS_INSTALLED)
        )


def _java_hash(text: str) -> int:
    """As Kafka hashes a name: Java's ``String.hashCode``, its sign cut off."""
    value = 0
    for character in text:
        value = (31 * value + ord(character)) & 0xFFFFFFFF
    return value & 0x7FFFFFFF


@pytest.fixture(scope="session")
def kafka_cluster_of_the_session(
    kafka_distribution: Distribution, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KafkaCluster]:
    cluster = KafkaCluster(tmp_path_factory.mktemp("cluster"), kafka_distribution)
    with contextlib.closing(cluster):
        yield cluster


@pytest.fixture
def kafka_cluster(kafka_cluster_of_the_session: KafkaCluster) -> KafkaCluster:
    kafka_cluster_of_the_session.heal()
    return kafka_cluster_of_the_session


class SecureKafka:
    """A node that demands TLS, and SCRAM or PLAIN credentials."""

    USERNAME = "alice"
    PASSWORD = "pass word=ä"

    def __init__(self, folder: Path, distribution: Distribution) -> None:
        self._authority = trustme.CA()
        self.cafile = folder / "ca.pem"
        self._keystore = folder / "broker.pem"
        self._write_certificates()
        self._node = KafkaNode(folder / "node", distribution)
        self.port, self.plain_port, controller = distinct_ports(3)
        self._ports = Ports(self.plain_port, controller)

    def start(self) -> None:
        settings = NodeSettings(
            1, {1: self._ports}, new_cluster_id(), overrides=self._security_settings()
        )
        scram = f"[name={self.USERNAME},password={self.PASSWORD}]"
        self._node.start(
            settings,
            format_arguments=(
                "--add-scram",
                f"SCRAM-SHA-256={scram}",
                "--add-scram",
                f"SCRAM-SHA-512={scram}",
            ),
        )
        self._node.wait_until_ready()

    def close(self) -> None:
        self._node.stop()

    def settings(
        self,
        *,
        mechanism: str = "SCRAM-SHA-256",
        username: str = USERNAME,
        password: str = PASSWORD,
    ) -> KafkaSettings:
        """How a client reaches it; with other credentials, does not."""
        return KafkaSettings(
            bootstrap_servers=f"localhost:{self.port}",
            security_protocol="SASL_SSL",
            sasl_mechanism=mechanism,
            username=username,
            password=password,
            cafile=str(self.cafile),
        )

    def _write_certificates(self) -> None:
        self.cafile.parent.mkdir(parents=True, exist_ok=True)
        self._authority.cert_pem.write_to_path(self.cafile)
        certificate = self._authority.issue_cert("localhost", HOST, key_type=trustme.KeyType.RSA)
        # Kafka reads PKCS #8 alone.
        key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
        pkcs8 = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
        self._keystore.write_bytes(pkcs8 + chain)

    def _security_settings(self) -> dict[str, str]:
        internal, own = f"{HOST}:{self._ports.client}", f"localhost:{self.port}"
        controller = f"{HOST}:{self._ports.controller}"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        plain = (
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'user_{self.USERNAME}="{self.PASSWORD}";'
        )
        return {
            "listeners": f"PLAINTEXT://{internal},SECURE://{own},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{internal},SECURE://{own}",
            "listener.security.protocol.map": (
                "PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT"
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._keystore),
            "sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN",
            "listener.name.secure.scram-sha-256.sasl.jaas.config": scram,
            "listener.name.secure.scram-sha-512.sasl.jaas.config": scram,
            "listener.name.secure.plain.sasl.jaas.config": plain,
        }


@pytest.fixture(scope="session")
def secure_kafka(
    kafka_distribution: Distribution, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecureKafka]:
    broker = SecureKafka(tmp_path_factory.mktemp("secure"), kafka_distribution)
    with contextlib.closing(broker):
        broker.start()
        yield broker
