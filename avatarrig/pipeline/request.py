"""What one run is asked to do."""

from __future__ import annotations

from pathlib import Path

import msgspec

from avatarrig.body.estimate import EstimateOptions
from avatarrig.detectors.options import DetectorOptions
from avatarrig.kafka import KafkaSettings
from avatarrig.photos.period import ALWAYS, Period
from avatarrig.runs import WantedFiles
from avatarrig.wire.topics import DEFAULT_PARTITIONS


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What one run is asked to do.

    Attributes:
        wanted: Files to keep beside the observations.
        clips: Whether frames of clips are taken, too.
        max_images: At most so many photos; None for all.
        subject: Whose skeleton it is; the dataset's name where None.
        subject_per_folder: Each first-level folder holds the photos of somebody else.
        references: Photos of the person, and folders of some: only this person counts.
        reference_places: Which face is meant in those that show several, in their order.
        person: The person's name in what photo programs wrote; empty where names do not matter.
        period: When photos that count were taken.
        prune: Whether photos that are no longer in the dataset stop counting, be they ever so
            many.
        kafka: Apache Kafka to use; the embedded one where None.
        models: Folder to look for model files in first.
        estimate: What to estimate beside the proportions.
        tells_measured: Whether the aggregator is told the height and lengths of ``estimate``.
        web_port: Port of the live page while the run goes on; None for no page.
    """

    dataset: Path
    out: Path
    workers: int
    options: DetectorOptions
    wanted: WantedFiles
    clips: bool = False
    max_images: int | None = None
    subject: str | None = None
    subject_per_folder: bool = False
    references: tuple[Path, ...] = ()
    reference_places: tuple[tuple[float, float], ...] = ()
    person: str = ""
    period: Period = ALWAYS
    prune: bool = False
    kafka: KafkaSettings | None = None
    partitions: int = DEFAULT_PARTITIONS
    models: Path | None = None
    estimate: EstimateOptions = EstimateOptions()
    tells_measured: bool = False
    web_port: int | None = None
