"""What a replica is told at its start."""

from __future__ import annotations

import msgspec

from avatarrig.transport import KafkaSettings
from processors.sandbox_settings import Limits, SandboxSettings


class ReplicaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one replica needs.

    Attributes:
        kafka: Where the broker is and how to log in.
        group: Consumer group that shares the photos.
        slot: Which of the group's replicas this is: the same number again after a restart
            gets the same partitions back without a rebalance.
        run: Only references of this run are detected; empty detects all.
        sandbox: What the detector process is told.
        limits: Time limits and attempts.
    """

    kafka: KafkaSettings
    group: str
    sandbox: SandboxSettings
    slot: int = 0
    run: str = ""
    limits: Limits = Limits()

    @property
    def member(self) -> str:
        """Name of the slot in the group, and of its transactions."""
        return f"{self.group}.{self.slot}"
