"""What a run is asked to do, and what services are asked alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from avatarrig.body.estimate import EstimateOptions
from avatarrig.detectors.options import DetectorOptions
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.photos.period import ALWAYS, Period
from avatarrig.runs import RunDirectory, RunIdentity, WantedFiles
from avatarrig.views.progress import Progress
from avatarrig.wire.estimate import Measured
from producers.references import Dataset


class Detecting(msgspec.Struct, frozen=True):
    """How photos are looked at.

    Attributes:
        wanted: Files to keep beside the observations.
        models: Folder to look for model files in first.
    """

    options: DetectorOptions
    wanted: WantedFiles
    models: Path | None = None


class Asking(msgspec.Struct, frozen=True):
    """Who is meant in photos that show others as well.

    Attributes:
        references: Photos of the person, and folders of some: only this person counts.
        places: Which face is meant in those that show several, in their order.
        person: The person's name in what photo programs wrote; empty where names do not matter.
    """

    references: tuple[Path, ...] = ()
    places: tuple[tuple[float, float], ...] = ()
    person: str = ""

    def template(self, models: Path | None, report: Callable[[str], None]) -> bytes:
        """Makes the template of the person whom the references show; empty without any.

        Args:
            models: Folder to look for model files in first.

        Raises:
            ReferenceRefusedError: A reference does not show whom to look for.
            ModelUnavailableError: A model file is nowhere to be had.
        """
        if not self.references:
            return b""
        from avatarrig.detectors.faces.references import template_of  # noqa: PLC0415 - it opens OpenCV, and few ask for it

        return template_of(self.references, self.places, models, report=report)


class Measuring(msgspec.Struct, frozen=True):
    """What was measured of the person.

    Attributes:
        height: Metres; None where it is not told.
        told: Whether anything was said: aggregators are told of it, and remember.
    """

    height: float | None
    measured: dict[str, Measured]
    told: bool


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What one run is asked to do.

    Attributes:
        clips: Whether frames of clips are taken, too.
        sharpest_of_moment: How many photos of each moment are detected; all where None.
        max_images: At most so many photos; None for all.
        subject: Whose skeleton it is; the dataset's name where None.
        subject_per_folder: Each first-level folder holds the photos of somebody else.
        period: When photos that count were taken.
        prune: Whether photos that are no longer in the dataset stop counting, be they ever so
            many.
        kafka: Apache Kafka to use; the embedded one where None.
        partitions: Of topics that are not there yet; as many as serve the replicas where None.
        estimate: What to estimate beside the proportions.
        tells_measured: Whether the aggregator is told the height and lengths of ``estimate``.
        web_port: Port of the live page while the run goes on; None for no page.
    """

    dataset: Path
    out: Path
    workers: int
    detecting: Detecting
    clips: bool = False
    sharpest_of_moment: int | None = None
    max_images: int | None = None
    subject: str | None = None
    subject_per_folder: bool = False
    asking: Asking = Asking()
    period: Period = ALWAYS
    prune: bool = False
    kafka: KafkaSettings | None = None
    partitions: int | None = None
    estimate: EstimateOptions = EstimateOptions()
    tells_measured: bool = False
    web_port: int | None = None


class PreparedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is asked for, and what makes it the same run as an earlier one.

    Attributes:
        dataset: Whose photos they are, and who is meant in them.
        fingerprint: Of the detector, and of who is meant; observations of another do not count.
        models: Checksums of the detector's networks, as a run's summary tells them.
        learned: Version of the weights that estimates are made with; None where there are none.
    """

    request: RunRequest
    directory: RunDirectory
    identity: RunIdentity
    dataset: Dataset
    fingerprint: str
    models: tuple[str, ...]
    learned: str | None

    @property
    def prune(self) -> bool | None:
        """See `RunRequest.prune`; None where not all of the dataset is looked at."""
        return self.request.prune if self.request.max_images is None else None

    def progress(self) -> Progress:
        """Begins to follow it."""
        return Progress(self.identity.run, self.fingerprint, self.learned)
