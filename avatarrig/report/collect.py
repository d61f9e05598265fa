"""Reads what a report tells from a run directory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from avatarrig.body.estimate import EstimateOptions
from avatarrig.body.evidence.counting import Excluded, judge, judge_all
from avatarrig.body.evidence.current_evidence import slim
from avatarrig.body.refused import StateRefusedError
from avatarrig.errors import AvatarRigError
from avatarrig.files import read_file
from avatarrig.report.calibration.measured import MeasuredRun, measure_run
from avatarrig.report.convergence import Course, in_order, replay
from avatarrig.runs import RunDirectory, dataset_of, impossible_evidence, load_run
from avatarrig.runs.estimate_file import nobody_called
from avatarrig.runs.estimates import options_of
from avatarrig.wire import Observation, decode_json
from avatarrig.wire.reasons import Exclusion


class UnreportableRunError(AvatarRigError, ValueError):
    """A run directory does not hold what a report needs; the message says what to do."""


class SeenPhoto(msgspec.Struct, frozen=True):
    """An observation and what became of it.

    Attributes:
        observation: Without face and blendshapes, which a report does not show.
        score: ``pose_score``, 0..1.
        excluded: Why the photo does not count; None where it does.
    """

    observation: Observation
    score: float
    excluded: Exclusion | None


class RejectedPhoto(msgspec.Struct, frozen=True):
    """A photo that was rejected, as the summary tells it."""

    rel_image_path: str
    reason: str
    message: str
    attempts: int = 1


class RunSettings(msgspec.Struct, frozen=True):
    """What a run was asked for, as the summary tells it.

    Attributes:
        fingerprint: The detector's.
        models: Checksums of its networks.
    """

    fingerprint: str | None = None
    options: dict[str, Any] | None = None
    models: tuple[str, ...] | None = None


class _Summary(msgspec.Struct, frozen=True):
    """What of a run's summary is shown; nothing before the run has ended."""

    settings: RunSettings | None = None
    rejected: tuple[RejectedPhoto, ...] | None = None
    total_images: int | None = None


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a report tells.

    Attributes:
        dataset: Folder of the photos; None where the run does not know it.
        photos: Observed photos in the order they were taken.
        found: Photos of the dataset; None before the run has ended.
        courses: Subject to its estimate and how it firmed up.
        settings: What the run was asked for; empty before it has ended.
        other_detectors: Observations left out because other settings made them.
    """

    run: RunDirectory
    dataset: Path | None
    photos: tuple[SeenPhoto, ...]
    rejected: tuple[RejectedPhoto, ...]
    found: int | None
    courses: dict[str, Course]
    measured: MeasuredRun
    settings: RunSettings
    other_detectors: int

    @property
    def best(self) -> list[SeenPhoto]:
        """Photos that count, the best poses first."""
        counted = [photo for photo in self.photos if photo.excluded is None]
        return sorted(counted, key=lambda photo: (-photo.score, photo.observation.path))

    @property
    def excluded(self) -> dict[Exclusion, list[SeenPhoto]]:
        """Photos that do not count, by reason."""
        by_reason: dict[Exclusion, list[SeenPhoto]] = {}
        for photo in self.photos:
            if photo.excluded is not None:
                by_reason.setdefault(photo.excluded, []).append(photo)
        return {reason: by_reason[reason] for reason in Exclusion if reason in by_reason}


def collect(directory: Path, subject: str | None = None) -> Collected:
    """Reads a run.

    Args:
        subject: Whose photos; None for everybody's.

    Raises:
        UnreportableRunError: It holds no observation of that person, or a file that cannot be
            read.
        ObservationFileError: An observation is damaged.
        UnreadableRunError: The same, in what the quality is measured by.
    """
    run = RunDirectory(directory)
    measured = measure_run(directory)
    summary = _summary(run.summary)
    settings = summary.settings or RunSettings()
    # Without faces: nine tenths of the memory, and not shown.
    everybodys = [slim(observation) for observation in load_run(directory)]
    everything = _of(subject, everybodys, directory)
    is_all = len(everything) == len(everybodys)
    fingerprint = settings.fingerprint or _most_common(everything)
    mine = in_order(seen for seen in everything if seen.fingerprint == fingerprint)
    if not mine:
        raise UnreportableRunError(
            f"{directory}: no observation was made with the settings of its last run: run the "
            "same command again"
        )
    _check_evidence(run, mine)
    shown = {seen.image_id for seen in mine}
    return Collected(
        run=run,
        dataset=dataset_of(run),
        photos=tuple(map(seen_photo, mine)),
        # Of these the summary does not say whose they are.
        rejected=summary.rejected or () if is_all else (),
        found=summary.total_images if is_all else None,
        courses=_courses(mine, _options(run)),
        measured=MeasuredRun(
            directory, tuple(photo for photo in measured.photos if photo.image_id in shown)
        ),
        settings=settings,
        other_detectors=len(everything) - len(mine),
    )


def _of(subject: str | None, everybodys: list[Observation], directory: Path) -> list[Observation]:
    whose = {seen.subject for seen in everybodys}
    if subject is not None and subject not in whose:
        raise UnreportableRunError(f"{directory}: {nobody_called(subject, sorted(whose))}")
    return [seen for seen in everybodys if subject in {None, seen.subject}]


def _check_evidence(run: RunDirectory, observations: list[Observation]) -> None:
    for seen, verdict in zip(observations, judge_all(observations), strict=True):
        if isinstance(verdict, StateRefusedError):
            raise impossible_evidence(run, seen.image_id, verdict)


def _most_common(observations: Iterable[Observation]) -> str:
    return Counter(seen.fingerprint for seen in observations).most_common(1)[0][0]


def seen_photo(observation: Observation) -> SeenPhoto:
    """Tells what became of an observed photo."""
    score = observation.meta.get("pose_score")
    verdict = judge(observation)
    return SeenPhoto(
        observation,
        float(score) if isinstance(score, int | float) else 0.0,
        verdict.reason if isinstance(verdict, Excluded) else None,
    )


def _courses(observations: list[Observation], options: EstimateOptions) -> dict[str, Course]:
    by_subject: dict[str, list[Observation]] = {}
    for seen in observations:
        by_subject.setdefault(seen.subject, []).append(seen)
    return {
        subject: replay(photos, subject=subject, options=options)
        for subject, photos in sorted(by_subject.items())
    }


def _options(run: RunDirectory) -> EstimateOptions:
    try:
        return options_of(run)
    except FileNotFoundError:
        return EstimateOptions()
    except (OSError, msgspec.MsgspecError) as error:
        raise _unreadable(run.estimate, error) from error


def _summary(file: Path) -> _Summary:
    try:
        return decode_json(read_file(file), _Summary)
    except FileNotFoundError:  # it is only there once a run has ended
        return _Summary()
    except (OSError, msgspec.MsgspecError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> UnreportableRunError:
    return UnreportableRunError(f"{file} cannot be read ({error}): run the same command again")
