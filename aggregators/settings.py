"""What an aggregator process is told when it starts."""

from __future__ import annotations

import msgspec

from avatarrig.errors import AvatarRigError, ExitCode
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.page.settings import PageSettings
from avatarrig.wire.topics import AGGREGATORS


class SettingsRefusedError(AvatarRigError, ValueError):
    """The settings do not fit; the message names which, and what to do."""

    exit_code = ExitCode.WRONG_USAGE


class WorkerCrashedError(AvatarRigError, RuntimeError):
    """Faust gave up; a new process may fare better."""


class AggregatorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of one aggregator process.

    Attributes:
        kafka: How to reach Kafka.
        group: Consumer group; also the beginning of the changelog topics' names. Two groups
            estimate independently of each other.
        worker: Name of this worker's slot, unique within the group. A worker that is started
            again under its old name gets its partitions back without waiting for the broker to
            miss the old one. Empty for none.
        window_days: Length of the rolling window that is estimated beside all time, in days; None
            for none.
        page: The page beside it.
        stuck_after: Seconds without progress after which the process gives up, so that its
            supervisor starts a new one.
        die_with_parent: Whether to stop when standard input ends.
        held: Whether it shows its page and then waits to be told that Kafka is there.
    """

    kafka: KafkaSettings
    group: str = AGGREGATORS
    worker: str = ""
    window_days: int | None = None
    page: PageSettings = PageSettings()
    stuck_after: float = 60.0
    die_with_parent: bool = False
    held: bool = False

    def __post_init__(self) -> None:
        if not self.group:
            raise SettingsRefusedError("group is empty: name the consumer group")
        if self.stuck_after <= 0:
            raise SettingsRefusedError(f"stuck_after is {self.stuck_after}; it must be positive")
        if self.window_days is not None and self.window_days < 1:
            raise SettingsRefusedError(f"window_days is {self.window_days}; it must be 1 or more")
        port = self.page.port
        if port is not None and not 0 < port < 1 << 16:
            raise SettingsRefusedError(f"page.port is {port}; it must be 1 to 65535")
