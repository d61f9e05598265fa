"""What a detector replica measures."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from avatarrig.metrics.buckets import LOAD_SECONDS, WAIT_SECONDS, WORK_SECONDS
from avatarrig.metrics.rejects import rejects_counter

PERSON = "person"
NO_PERSON = "no_person"
REJECTED = "rejected"


class DetectMetrics:
    """Photos as they are observed, and how the detector fares."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._photos = Counter(
            "avatarrig_detect_photos",
            "Photos done with, by `result`: person, no_person or rejected. Counted when Kafka has "
            "committed what became of them.",
            ["result"],
            registry=registry,
        )
        self._detection = Histogram(
            "avatarrig_detect_seconds",
            "One photo in the detector: decoding, models, files of the run.",
            buckets=WORK_SECONDS,
            registry=registry,
        )
        self._waiting = Histogram(
            "avatarrig_photo_to_observation_seconds",
            "From finding a photo to its committed observation.",
            buckets=WAIT_SECONDS,
            registry=registry,
        )
        self._commit = Histogram(
            "avatarrig_detect_commit_seconds",
            "One Kafka transaction: the observations of some photos and their offsets.",
            buckets=WORK_SECONDS,
            registry=registry,
        )
        self._load = Histogram(
            "avatarrig_model_load_seconds",
            "From starting a detector process to its readiness, models loaded.",
            buckets=LOAD_SECONDS,
            registry=registry,
        )
        self._deaths = Counter(
            "avatarrig_detector_deaths",
            "Detector processes that died over their work, by `reason`: crashed, "
            "detector_failed, timed_out, storage or start. Each is replaced.",
            ["reason"],
            registry=registry,
        )
        self._rejects = rejects_counter(registry)
        for result in (PERSON, NO_PERSON, REJECTED):
            self._photos.labels(result)

    def observed(self, result: str, seconds: float) -> None:
        """Counts a photo whose observation is committed.

        Args:
            result: `PERSON` or `NO_PERSON`.
            seconds: Since the photo was found.
        """
        self._photos.labels(result).inc()
        self._waiting.observe(max(0.0, seconds))

    def rejected(self, reason: str, *, photo: bool = True) -> None:
        """Counts a photo, or a message that names none, that was rejected.

        Args:
            reason: Code as in `avatarrig.wire.Reject`.
            photo: Whether it is a photo.
        """
        if photo:
            self._photos.labels(REJECTED).inc()
        self._rejects.labels("detect", reason).inc()

    def detected(self, seconds: float) -> None:
        """Notes how long a photo was in the detector."""
        self._detection.observe(seconds)

    def committed(self, seconds: float) -> None:
        """Notes how long a transaction took."""
        self._commit.observe(seconds)

    def loaded(self, seconds: float) -> None:
        """Notes how long a detector process took to its readiness."""
        self._load.observe(seconds)

    def died(self, reason: str) -> None:
        """Counts a detector process that ended over its work."""
        self._deaths.labels(reason).inc()
