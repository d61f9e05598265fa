"""What a replica is told at its start."""

from __future__ import annotations

import msgspec

from avatarrig.kafka.settings import KafkaSettings
from processors.sandbox.settings import Limits, SandboxSettings


class ReplicaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one replica needs.

    Attributes:
        kafka: Where the broker is and how to log in.
        group: Consumer group that shares the photos.
        slot: Which of the group's replicas this is: the same number again after a restart
            gets the same partitions back without a rebalance.
        instance: Name of the service that the replica belongs to, unique in the group; empty
            where a run has its group for itself.
        run: Only references of this run are detected; empty: only those that belong to none.
        sandbox: What the detector process is told.
        limits: Time limits and attempts.
        held: Whether it loads what it needs and then waits to be told that Kafka is there.
    """

    kafka: KafkaSettings
    group: str
    sandbox: SandboxSettings
    instance: str = ""
    slot: int = 0
    run: str = ""
    limits: Limits = Limits()
    held: bool = False

    @property
    def member(self) -> str:
        """Name of the slot in the group, and of its transactions."""
        return ".".join(part for part in (self.group, self.instance, str(self.slot)) if part)
