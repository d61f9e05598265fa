"""The embedded broker: Apache Kafka as one supervised child process."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import Self

import msgspec
import structlog

from avatarrig.kafka.embedded.distribution import Distribution, OnProgress, prepare_distribution
from avatarrig.kafka.embedded.errors import BrokerEndedError, BrokerError, StorageDamagedError
from avatarrig.kafka.embedded.jars import default_cache
from avatarrig.kafka.embedded.limits import raise_limits
from avatarrig.kafka.embedded.node import LOCK_FILE, SEE_TO_FOLDER, KafkaNode
from avatarrig.kafka.embedded.ports import await_ports, remember_ports, remembered_ports
from avatarrig.kafka.embedded.settings import HOST, NodeSettings, Ports
from avatarrig.kafka.embedded.startup_cache import throw_startup_cache_away, with_startup_cache
from avatarrig.kafka.embedded.storage import is_formatted, new_cluster_id
from avatarrig.kafka.own_broker import OwnBroker, register, secret_in
from avatarrig.process.supervision import GIVE_UP_AFTER, MOST_FAILURES

PORTS_FILE = "ports.json"
_CREDENTIALS_FILE = "secret"
LEAST_FREE = 16 << 20
"""Bytes; with less of them Kafka does not start."""

_SUSPICIOUS_EXITS = 3
"""In a row, after which the records are to blame where they can be made anew."""

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 15.0
_log = structlog.get_logger(__name__)


class Patience(msgspec.Struct, frozen=True):
    """When a broker that ends by itself is given up: after so many exits in a row and so long."""

    exits: int = MOST_FAILURES
    seconds: float = GIVE_UP_AFTER


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
        self,
        data_dir: Path,
        cache: Path | None = None,
        *,
        on_progress: OnProgress | None = None,
        patience: Patience | None = None,
        expendable: bool = False,
    ) -> None:
        """Starts nothing yet.

        Args:
            data_dir: For records, settings and logs; made if need be.
            cache: Folder for jars; None for the per-user one.
            on_progress: Told about downloads at the very first start.
            patience: When to give up a broker that ends by itself.
            expendable: Whether its records can be made anew: then it is soon said that it does
                not start with those that it has.
        """
        self._data_dir = data_dir.absolute()
        self._cache = cache or default_cache()
        self._on_progress = on_progress
        self._distribution: Distribution | None = None
        self._suspected: Distribution | None = None
        """With the start-up cache that it ended with."""
        self._node: KafkaNode | None = None
        self._settings: NodeSettings | None = None
        self._served: Ports | None = None
        self._is_prepared = False
        self._patience = patience or Patience()
        self._expendable = expendable
        self._ending = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """``127.0.0.1:port``; stays the same over `restart`.

        Raises:
            BrokerError: The broker was not started.
        """
        if self._settings is None:
            raise BrokerError("the broker was not started")
        return f"{HOST}:{self._settings.ports.client}"

    @property
    def data_dir(self) -> Path:
        """Where records, settings and logs are."""
        return self._data_dir

    @property
    def pid(self) -> int:
        """Process id of the Java process. Raises BrokerError: The broker was not started."""
        return self._started().pid

    @property
    def alive(self) -> bool:
        """Whether the process runs; a supervisor calls `restart` when it does not."""
        return self._node is not None and self._node.alive

    def prepare(self) -> None:
        """Does what comes before the node's start: from then on its address is known.

        It may change where somebody else takes the port meanwhile.

        Raises:
            BrokerUnavailableError: Java or jars cannot be had.
            DataInUseError: Another live broker uses the directory.
            BrokerError: The directory cannot be used, or too few files be open at once.
        """
        raise_limits()
        self._distribution = with_startup_cache(
            self._cache,
            prepare_distribution(self._cache, on_progress=self._on_progress),
            on_progress=self._on_progress,
        )
        failures, since = 0, time.monotonic()
        while not (self._is_prepared or self._ending.is_set()):
            try:
                self._reserve(self._distribution)
            except BrokerEndedError as error:
                _log.warning("the broker's guard ended", why=str(error))
                failures += not error.was_killed
                self._pause_or_raise(error, failures, since)

    def start(self) -> None:
        """Starts the node and returns when it answers; prepares it first if need be.

        Whatever of it is killed meanwhile, it starts again; a start-up cache that it fails with
        is thrown away.

        Raises:
            BrokerError: As `prepare`; or it did not start, with what its log says.
            StorageDamagedError: It does not start with the records that it has.
        """
        if not (self._is_prepared or self.alive):
            self.prepare()
        is_storage_to_blame = self._expendable and self._has_storage()
        failures, since = 0, time.monotonic()
        while (self._is_prepared or not self.alive) and not self._ending.is_set():
            try:
                self._start_once()
                if self._suspected is not None and failures == 1:
                    throw_startup_cache_away(self._suspected)  # it starts without
                    self._suspected = None
            except BrokerEndedError as error:
                _log.warning("Apache Kafka ended while it started", why=str(error))
                if error.was_killed:
                    continue
                if shutil.disk_usage(self._data_dir).free < LEAST_FREE:
                    raise BrokerError(
                        f"no space left in {self._data_dir} for the embedded Kafka: free some and "
                        "run the same command again, it resumes"
                    ) from error
                if failures == 0:
                    self._check_distribution()
                failures += 1
                if is_storage_to_blame and failures >= _SUSPICIOUS_EXITS:
                    raise StorageDamagedError(str(error)) from error
                self._pause_or_raise(error, failures, since)

    def _has_storage(self) -> bool:
        try:
            return is_formatted(self._data_dir)
        except OSError:  # which the node's start tells of
            return False

    def _check_distribution(self) -> None:
        """Goes on without a start-up cache, and gets again what is damaged of Kafka itself.

        Raises:
            BrokerUnavailableError: It cannot be had.
        """
        self._suspected = self._distribution
        self._distribution = prepare_distribution(
            self._cache, on_progress=self._on_progress, verify=True
        )

    def _pause_or_raise(self, error: BrokerEndedError, failures: int, since: float) -> None:
        if error.was_killed:
            return
        lasted = time.monotonic() - since
        if failures >= self._patience.exits and lasted >= self._patience.seconds:
            raise error
        self._ending.wait(min(_FIRST_PAUSE * 2**failures, _LONGEST_PAUSE))

    def _reserve(self, distribution: Distribution) -> tuple[KafkaNode, NodeSettings]:
        """Occupies the directory, and chooses ports and secret."""
        self._node = KafkaNode(self._data_dir, distribution)
        try:
            ports = self._choose_ports()
            secret = self._secret_for(ports.client)
        except BaseException:
            self._node.stop()
            raise
        self._settings = NodeSettings(1, {1: ports}, new_cluster_id(), secret=secret)
        self._is_prepared = True
        return self._node, self._settings

    def _choose_ports(self) -> Ports:
        """Chooses anew until the node has answered once: somebody may take a port meanwhile.

        From then on clients know its address, so it stays.
        """
        if self._served is None:
            return remembered_ports(self._data_dir / PORTS_FILE)
        return await_ports(self._served, self._patience.seconds, self._ending)

    def _start_once(self) -> None:
        distribution = self._distribution
        if distribution is None:
            raise BrokerError("the broker was not prepared")
        if self._is_prepared and self._settings is not None:
            node, settings = self._started(), self._settings
        else:
            node, settings = self._reserve(distribution)
        self._is_prepared = False
        try:
            node.start(settings)
            node.wait_until_ready()
            self._served = settings.ports
            self._remember(settings.ports)
        except BaseException:
            node.stop()
            raise

    def _remember(self, ports: Ports) -> None:
        try:
            remember_ports(self._data_dir / PORTS_FILE, ports)
        except OSError as error:
            raise BrokerError(
                f"The broker's ports cannot be written: {error}", remedy=SEE_TO_FOLDER
            ) from error

    def _secret_for(self, port: int) -> str:
        """Gives the broker's secret, and lets this user's commands find it by the port."""
        try:
            secret = secret_in(self._data_dir / _CREDENTIALS_FILE)
            register(port, OwnBroker(secret, str(self._data_dir / LOCK_FILE)))
        except OSError as error:
            raise BrokerError(
                f"The broker's secret cannot be written: {error}", remedy=SEE_TO_FOLDER
            ) from error
        return secret

    def stop(self) -> None:
        """Stops in an orderly way; what was written stays. Harmless when stopped already."""
        self._is_prepared = False
        if self._node is not None:
            self._node.stop()

    def end(self) -> None:
        """Stops for good, also while another thread starts it."""
        self._ending.set()
        self.stop()

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


def fetch(cache: Path | None = None, *, on_progress: OnProgress | None = None) -> Path:
    """Gets the embedded broker ahead of time and checks what is there already.

    Args:
        cache: Folder for jars; None for the per-user one.

    Raises:
        BrokerUnavailableError: Java or jars cannot be had.
    """
    folder = cache or default_cache()
    distribution = prepare_distribution(folder, on_progress=on_progress, verify=True)
    with_startup_cache(folder, distribution, on_progress=on_progress, again=True)
    return folder
