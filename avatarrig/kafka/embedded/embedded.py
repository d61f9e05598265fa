"""The embedded broker: Apache Kafka as one supervised child process."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from avatarrig.kafka.embedded.distribution import OnProgress, prepare_distribution
from avatarrig.kafka.embedded.errors import BrokerError
from avatarrig.kafka.embedded.jars import default_cache
from avatarrig.kafka.embedded.node import KafkaNode
from avatarrig.kafka.embedded.ports import is_free, remember_ports, remembered_ports
from avatarrig.kafka.embedded.settings import NodeSettings, Ports
from avatarrig.kafka.embedded.startup_cache import with_startup_cache
from avatarrig.kafka.embedded.storage import new_cluster_id

PORTS_FILE = "ports.json"
START_ATTEMPTS = 3


class EmbeddedBroker:
    """One Kafka node on loopback, its data in a directory, ended with this process.

    The node ends when this process ends, however that happens. Records, groups and
    transactions outlive it: a broker started on the same directory has them all. It
    listens on the ports it had before where they are free, so clients find it again.

    Example::

        with EmbeddedBroker(Path("outputs/runs/Demo/kafka")) as broker:
            print(broker.bootstrap_servers)  # 127.0.0.1:23817
    """

    def __init__(
        self, data_dir: Path, cache: Path | None = None, *, on_progress: OnProgress | None = None
    ) -> None:
        """Starts nothing yet.

        Args:
            data_dir: For records, settings and logs; made if need be.
            cache: Folder for jars; None for the per-user one.
            on_progress: Told about downloads at the very first start.
        """
        self._data_dir = data_dir.absolute()
        self._cache = cache or default_cache()
        self._on_progress = on_progress
        self._node: KafkaNode | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """``127.0.0.1:port``; stays the same over `restart`.

        Raises:
            BrokerError: The broker was not started.
        """
        return self._started().bootstrap_servers

    @property
    def pid(self) -> int:
        """Process id of the Java process.

        Raises:
            BrokerError: The broker was not started.
        """
        return self._started().pid

    @property
    def alive(self) -> bool:
        """Whether the process runs; a supervisor calls `restart` when it does not."""
        return self._node is not None and self._node.alive

    def start(self) -> None:
        """Starts the node and returns when it answers; fetches it first if need be.

        Raises:
            BrokerUnavailableError: Java or jars cannot be had.
            DataInUseError: Another live broker uses the directory.
            BrokerError: It did not start; with what its log says.
        """
        if self.alive:
            return
        distribution = with_startup_cache(
            self._cache,
            prepare_distribution(self._cache, on_progress=self._on_progress),
            on_progress=self._on_progress,
        )
        for attempt in range(1, START_ATTEMPTS + 1):
            self._node = KafkaNode(self._data_dir, distribution)
            ports = remembered_ports(self._data_dir / PORTS_FILE)
            try:
                self._node.start(NodeSettings(1, {1: ports}, new_cluster_id()))
                self._node.wait_until_ready()
                remember_ports(self._data_dir / PORTS_FILE, ports)
            except BrokerError:
                self._node.stop()
                # Somebody may have taken a port between its choice and the node's start.
                if attempt == START_ATTEMPTS or _were_free(ports):
                    raise
            except BaseException:
                self._node.stop()
                raise
            else:
                return

    def stop(self) -> None:
        """Stops in an orderly way; what was written stays. Harmless when stopped already."""
        if self._node is not None:
            self._node.stop()

    def restart(self) -> None:
        """Stops the node if it is alive, and starts it on the same data and port.

        Raises:
            BrokerError: As `start`.
        """
        self.stop()
        self.start()

    def log_tail(self) -> str:
        """Returns the last lines of the broker's log and where the rest is."""
        return self._started().log_tail()

    def _started(self) -> KafkaNode:
        if self._node is None:
            raise BrokerError("the embedded broker was not started")
        return self._node


def _were_free(ports: Ports) -> bool:
    return is_free(ports.client) and is_free(ports.controller)


def fetch(cache: Path | None = None, *, on_progress: OnProgress | None = None) -> Path:
    """Gets the embedded broker ahead of time and checks what is there already.

    Args:
        cache: Folder for jars; None for the per-user one.
        on_progress: Told about progress.

    Returns:
        The folder.

    Raises:
        BrokerUnavailableError: Java or jars cannot be had.
    """
    folder = cache or default_cache()
    distribution = prepare_distribution(folder, on_progress=on_progress, verify=True)
    with_startup_cache(folder, distribution, on_progress=on_progress, again=True)
    return folder
