"""What was rejected, by every stage under one name."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


def rejects_counter(registry: CollectorRegistry) -> Counter:
    """Makes the counter of rejects; its labels are the stage and the reason."""
    return Counter(
        "avatarrig_rejects",
        "Photos and messages rejected, by `stage` (ingest, detect, aggregate) and `reason` "
        "(as `avatarrig rejects list` shows it).",
        ["stage", "reason"],
        registry=registry,
    )
