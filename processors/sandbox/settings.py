"""What the detector process is told at its start; no word of the broker."""

from __future__ import annotations

import msgspec

from avatarrig.detectors.options import DetectorOptions
from avatarrig.photos.sizes import LARGEST_FILE
from avatarrig.runs import WantedFiles
from avatarrig.wire import PhotoReference, Sought
from avatarrig.wire.identity import asked_fingerprint

DETECTOR = "processors.mediapipe_detector:open_detector"


class SandboxSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the detector process needs. No credentials: a photo may take that process over.

    Attributes:
        photo_roots: Absolute folders, and ``s3://`` URLs whose photos the replica fetches; a photo
            elsewhere is refused.
        detector: ``module:function`` that opens the detector from `options` and `models`.
            Whoever sets it runs code, so it comes from the replica's owner alone, never
            from a record.
        options: The detector's options.
        models: Folder to look for model files in first.
        run_directory: Where observation files go: a folder, or a store's URL, to which the replica
            takes what the detector process wrote; None keeps none.
        wanted: Files wanted beside the observations.
        max_photo_bytes: Larger files are refused unread.
        sought: Who is meant in photos whose reference does not say it.
    """

    photo_roots: tuple[str, ...]
    detector: str = DETECTOR
    options: DetectorOptions = msgspec.field(default_factory=DetectorOptions)
    models: str | None = None
    run_directory: str | None = None
    wanted: WantedFiles = msgspec.field(default_factory=WantedFiles)
    max_photo_bytes: int = LARGEST_FILE
    sought: Sought | None = None

    def sought_in(self, reference: PhotoReference) -> Sought | None:
        """Who is meant in a photo."""
        return self.sought if reference.sought is None else reference.sought

    def fingerprint_for(self, reference: PhotoReference, detector: str) -> str:
        """Fingerprint of a photo's observation.

        Args:
            detector: The detector's own fingerprint; empty where it is not known yet.
        """
        sought = self.sought_in(reference)
        return asked_fingerprint(detector, sought.asked if sought and detector else "")


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long things may take, in seconds, and how often a photo is tried.

    Attributes:
        detection: One photo in the detector, its files written.
        reading: One photo's bytes off its storage.
        start: Detector process from its start to its readiness, models loaded.
        drain: Finishing the photo in hand when asked to stop.
        stall: Main loop without progress, since Kafka's client can wait for ever.
        attempts: Tries of a photo that crashes or hangs the detector.
    """

    detection: float = 30.0
    reading: float = 60.0
    start: float = 120.0
    drain: float = 3.0
    stall: float = 15.0
    attempts: int = 3
