"""What an aggregator worker measures.

No subject is named: a name in a metric would stay in Prometheus after `avatarrig forget`, and
thousands of subjects would be thousands of series.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from avatarrig.metrics.buckets import WAIT_SECONDS, WIDTHS, WORK_SECONDS
from avatarrig.metrics.rejects import rejects_counter


class AggregateMetrics:
    """Messages as they are taken in, and estimates as they are published."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._messages = Counter(
            "avatarrig_aggregate_messages",
            "Messages taken in, by `topic`. After a restart those since the last save are taken "
            "in, and counted here, again; in the estimate they count once.",
            ["topic"],
            registry=registry,
        )
        self._published = Counter(
            "avatarrig_estimates_published", "Estimates published.", registry=registry
        )
        self._published_at = Gauge(
            "avatarrig_estimate_published_timestamp_seconds",
            "When this worker last published an estimate, Unix time; its age is time() minus this.",
            registry=registry,
            multiprocess_mode="max",
        )
        self._series = Gauge(
            "avatarrig_estimates",
            "Estimates that this worker keeps: one for each subject and detector fingerprint.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._estimation = Histogram(
            "avatarrig_estimate_seconds",
            "Making one estimate from its tallies.",
            buckets=WORK_SECONDS,
            registry=registry,
        )
        self._width = Histogram(
            "avatarrig_estimate_interval_width",
            "Median width of the 90 % intervals over their ratios, of each published estimate.",
            buckets=WIDTHS,
            registry=registry,
        )
        self._latency = Histogram(
            "avatarrig_photo_to_estimate_seconds",
            "From finding a photo to the estimate that contains it, of the photo that waited "
            "longest for it.",
            buckets=WAIT_SECONDS,
            registry=registry,
        )
        self._rejects = rejects_counter(registry)

    def taken(self, topic: str, messages: int) -> None:
        """Counts messages of a topic."""
        self._messages.labels(topic).inc(messages)

    def rejected(self, reason: str) -> None:
        """Counts a message that was rejected. `reason`: Code as in `avatarrig.wire.Reject`."""
        self._rejects.labels("aggregate", reason).inc()

    def estimated(self, seconds: float) -> None:
        """Notes how long an estimate took to make."""
        self._estimation.observe(seconds)

    def published(self, *, at: float, width: float | None, latency: float | None) -> None:
        """Notes an estimate that is on its way.

        Args:
            at: Unix seconds.
            width: Median width of its intervals over their ratios; None where it has none.
            latency: Seconds since the photo was found that waited longest; None where unknown.
        """
        self._published.inc()
        self._published_at.set(at)
        if width is not None:
            self._width.observe(width)
        if latency is not None:
            self._latency.observe(max(0.0, latency))

    def keeps(self, series: int) -> None:
        """Notes how many estimates this worker keeps."""
        self._series.set(series)
