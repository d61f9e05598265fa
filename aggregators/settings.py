"""What an aggregator process is told when it starts."""

from __future__ import annotations

import msgspec

from avatarrig.errors import AvatarRigError, ExitCode
from avatarrig.kafka import KafkaSettings
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
        web_host: Address that the web page is bound to.
        web_port: Its port; None for no page.
        web_names: Host names under which the page may be asked for, besides addresses and
            ``localhost``.
        overlay_roots: Run directories whose overlays the page may show.
        watched: Where photos are taken from, for the page to say; empty where that is not known.
        watched_people: Whether each first-level folder there holds the photos of somebody else.
        web_private: Folder with the token of those who may change something from the page; empty
            where nobody may.
        face_models: Folder to look for the model files first with which the page reads faces; empty
            for none.
        stuck_after: Seconds without progress after which the process gives up, so that its
            supervisor starts a new one.
        die_with_parent: Whether to stop when standard input ends.
        held: Whether it shows its page and then waits to be told that Kafka is there.
    """

    kafka: KafkaSettings
    group: str = AGGREGATORS
    worker: str = ""
    window_days: int | None = None
    web_host: str = "127.0.0.1"
    web_port: int | None = None
    web_names: tuple[str, ...] = ()
    overlay_roots: tuple[str, ...] = ()
    watched: str = ""
    watched_people: bool = False
    web_private: str = ""
    face_models: str = ""
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
        if self.web_port is not None and not 0 < self.web_port < 1 << 16:
            raise SettingsRefusedError(f"web_port is {self.web_port}; it must be 1 to 65535")
