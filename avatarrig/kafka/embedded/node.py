"""A Kafka node in a folder: its files, its process, and when it is ready."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from avatarrig.files import open_to_append, opened
from avatarrig.kafka.diagnosis import diagnose_connection
from avatarrig.kafka.embedded.distribution import Distribution
from avatarrig.kafka.embedded.errors import BrokerEndedError, BrokerError
from avatarrig.kafka.embedded.process import STOP_GRACE_S, GuardedProcess
from avatarrig.kafka.embedded.settings import (
    BROKER_LOG_FILE,
    CONSOLE_FILE,
    HOST,
    LOG4J_CONFIGURATION,
    LOG4J_FILE,
    LOG_FOLDER,
    PROPERTIES_FILE,
    NodeSettings,
    render_properties,
)
from avatarrig.kafka.embedded.storage import format_storage, is_formatted, require_readable
from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.own_broker import write_private
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import describe_cluster

LOCK_FILE = "lock"
READY_LIMIT_S = 120.0
"""Generous: after a power failure a node checks its logs before it answers."""

POLL_S = 0.02
TOLD_LINES = 5
SEE_TO_FOLDER = "see to its rights and the space on its disk; the same command resumes"


class KafkaNode:
    """One broker and controller in a folder of its own.

    The folder is occupied from construction until `stop` or `kill`.
    """

    def __init__(self, folder: Path, distribution: Distribution) -> None:
        """Occupies the folder.

        Args:
            folder: For settings, storage and logs; made if need be.

        Raises:
            DataInUseError: Another live broker occupies it.
            BrokerError: It cannot be written.
        """
        self._folder = folder.absolute()
        self._distribution = distribution
        self._settings: NodeSettings | None = None
        try:
            (self._folder / LOG_FOLDER).mkdir(parents=True, exist_ok=True)
            open_to_append(self._folder / LOCK_FILE).close()
        except OSError as error:
            raise _refused(error) from error
        self._process = GuardedProcess(self._folder / LOCK_FILE)

    @property
    def bootstrap_servers(self) -> str:
        """``host:port`` for clients."""
        if self._settings is None:
            raise BrokerError("the broker was not started")
        return f"{HOST}:{self._settings.ports.client}"

    @property
    def pid(self) -> int:
        """Process id of the Java process; 0 before it was started."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.exit_code is None

    def start(
        self,
        settings: NodeSettings,
        *,
        format_arguments: tuple[str, ...] = (),
        java_options: tuple[str, ...] = (),
        grace_s: float = STOP_GRACE_S,
    ) -> None:
        """Formats the storage if it is new and starts the process; does not wait.

        Args:
            format_arguments: For Kafka's storage tool, used when the storage is new.
            grace_s: How long an orderly stop may take.

        Raises:
            BrokerError: The storage cannot be made or read, or the process not be started.
        """
        self._settings = settings
        try:
            write_private(
                self._folder / PROPERTIES_FILE, render_properties(settings).encode("ascii")
            )
            write_private(self._folder / LOG4J_FILE, LOG4J_CONFIGURATION.encode())
            for log in (BROKER_LOG_FILE, CONSOLE_FILE):
                open_to_append(self._folder / LOG_FOLDER / log).close()
            if is_formatted(self._folder):
                require_readable(self._folder)
            else:
                format_storage(
                    self._distribution, self._folder, settings.cluster_id, *format_arguments
                )
        except OSError as error:
            raise _refused(error) from error
        self._process.run(
            self._distribution.command("kafka.Kafka", PROPERTIES_FILE, options=java_options),
            folder=self._folder,
            console=self._folder / LOG_FOLDER / CONSOLE_FILE,
            grace_s=grace_s,
        )

    def wait_until_ready(
        self,
        *,
        brokers: int = 1,
        client: KafkaSettings | None = None,
        limit_s: float = READY_LIMIT_S,
    ) -> None:
        """Waits until the node describes its cluster.

        Args:
            brokers: How many brokers the cluster must have by then.
            client: How clients reach it, where that is not in plain text.
            limit_s: When to give up, in seconds.

        Raises:
            BrokerError: The process ended, or the limit passed; with what its log says.
        """
        settings = client or KafkaSettings(bootstrap_servers=self.bootstrap_servers)
        deadline = time.monotonic() + limit_s
        while not self._answers(settings, brokers):
            if not self.alive:
                raise BrokerEndedError(
                    f"The broker ended while it started. {self.log_tail()}",
                    was_killed=self._process.was_killed,
                )
            if time.monotonic() > deadline:
                raise BrokerError(
                    f"The broker was not ready after {limit_s:.0f} s. {self.log_tail()}"
                )
            time.sleep(POLL_S)

    def _answers(self, settings: KafkaSettings, brokers: int) -> bool:
        with contextlib.suppress(TransportError):
            diagnose_connection(settings)
            return len(describe_cluster(settings, timeout_ms=5_000).brokers) >= brokers
        return False

    def log_tail(self) -> str:
        """Returns the last lines of the node's log and where the rest is."""
        logs = self._folder / LOG_FOLDER
        lines = _last_lines(logs / BROKER_LOG_FILE) or _last_lines(logs / CONSOLE_FILE)
        told = "\n  ".join([" It said:", *lines]) if lines else ""
        return f"Its log is {logs / BROKER_LOG_FILE}.{told}"

    def stop(self) -> None:
        """Stops in an orderly way and leaves the folder; harmless when stopped already."""
        self._process.stop()

    def kill(self) -> None:
        """Ends the process at once, as a power failure would, and leaves the folder."""
        self._process.kill()


def _last_lines(file: Path) -> list[str]:
    try:
        with opened(file) as (stream, status):
            stream.seek(max(0, status.st_size - (1 << 14)))
            text = stream.read(1 << 14).decode("utf-8", "replace")
    except OSError:
        return []
    telling = [line for line in text.splitlines() if line.strip() and "\tat " not in line]
    return telling[-TOLD_LINES:]


def _refused(error: OSError) -> BrokerError:
    return BrokerError(
        f"The broker's folder cannot be written: {error}",
        remedy=SEE_TO_FOLDER,
    )
