"""What the producers measure."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from avatarrig.metrics.buckets import WAIT_SECONDS
from avatarrig.metrics.rejects import rejects_counter

RESULTS = ("published", "known", "near_copy", "rejected")


class IngestMetrics:
    """Photos as they are found and published."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._photos = Counter(
            "avatarrig_ingest_photos",
            "Photos found, by `result`: published, known (seen before), near_copy (of one that is "
            "detected) or rejected (unreadable).",
            ["result"],
            registry=registry,
        )
        self._seconds = Histogram(
            "avatarrig_ingest_publish_seconds",
            "From finding a photo to Kafka's acknowledgement of its reference.",
            buckets=WAIT_SECONDS,
            registry=registry,
        )
        self._rejects = rejects_counter(registry)
        for result in RESULTS:
            self._photos.labels(result)

    def published(self, seconds: float) -> None:
        """Counts a photo whose reference Kafka has. `seconds`: since it was found."""
        self._photos.labels("published").inc()
        self._seconds.observe(max(0.0, seconds))

    def known(self) -> None:
        """Counts a photo that was passed over, since it was published before."""
        self._photos.labels("known").inc()

    def near_copy(self) -> None:
        """Counts a photo that is not detected, since nearly the same one is."""
        self._photos.labels("near_copy").inc()

    def rejected(self, reason: str) -> None:
        """Counts a photo that cannot be read. `reason`: Code as in `avatarrig.wire.Reject`."""
        self._photos.labels("rejected").inc()
        self._rejects.labels("ingest", reason).inc()
