"""The one way to start detector replicas."""

from __future__ import annotations

import msgspec

from avatarrig.process.supervision import Child
from processors.settings import ReplicaSettings


def replicas(settings: ReplicaSettings, workers: int) -> list[Child]:
    """Lists the replicas of a machine, each in a slot of its own.

    Args:
        workers: How many.
    """
    return [
        Child(f"detector-{slot}", "processors", msgspec.structs.replace(settings, slot=slot))
        for slot in range(workers)
    ]


def members(settings: ReplicaSettings, workers: int) -> list[str]:
    """Lists what these replicas are called in their consumer group."""
    return [msgspec.structs.replace(settings, slot=slot).member for slot in range(workers)]
