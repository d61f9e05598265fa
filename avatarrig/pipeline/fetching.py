"""Words for what the very first start fetches."""

from __future__ import annotations

from avatarrig.kafka.embedded import FetchProgress


def fetch_line(progress: FetchProgress) -> str:
    """Words for a download that the very first start needs."""
    unit = 1e6 if progress.step == "download" else 1
    name = "fetching Apache Kafka" if progress.step == "download" else "making its start quick"
    return f"{name} ({progress.done / unit:.0f} of {progress.total / unit:.0f})"
