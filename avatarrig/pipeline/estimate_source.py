"""Where a command finds a person's estimate: in a file, in observations, or in Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from avatarrig.body.estimator import Estimator
from avatarrig.body.evidence.counting import possible
from avatarrig.body.refused import StateRefusedError
from avatarrig.body.rig.lengths import EstimateRefusedError, FileEstimate
from avatarrig.files import read_file
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.runs import (
    Pictures,
    RunDirectory,
    impossible_evidence,
    load_run,
    write_observation,
    write_standings,
)
from avatarrig.runs.estimate_file import (
    NoEstimateError,
    nobody_called,
    read_estimate,
    several_people,
)
from avatarrig.runs.estimates import folder_name, place_of_estimate
from avatarrig.wire import decode_json
from avatarrig.wire.estimate import Estimate

FoundT = TypeVar("FoundT")


class SourcedEstimate(msgspec.Struct, frozen=True):
    """An estimate, and where files that are made of it go.

    Attributes:
        folder: The run directory, or the person's folder in it; the working directory where
            Kafka told it.
        name: What files are called that do not lie in a folder of the person's own.
    """

    folder: Path
    name: str
    estimate: FileEstimate


def estimate_in(run: Path, subject: str | None) -> SourcedEstimate:
    """Finds the estimate in a run directory; estimates anew where it holds observations alone.

    Raises:
        EstimateRefusedError: There is none of that person, or of several people and none is named.
        ObservationFileError: An observation is damaged.
    """
    try:
        stored = read_estimate(run, subject)
    except NoEstimateError:
        if not RunDirectory(run).observations.is_dir():
            raise NoEstimateError(
                f"{run} is no run directory: it has neither an estimate nor observations; give "
                "the folder that was named with --out"
            ) from None
        return _estimate_anew(run, subject)
    return SourcedEstimate(stored.file.parent, "", stored.estimate)


def whole_estimate_in(run: Path, subject: str | None) -> Estimate:
    """Finds all that a run directory says of a person, intervals included.

    Raises:
        EstimateRefusedError: As `estimate_in`, or an older version wrote it, or it was changed.
    """
    try:
        file = read_estimate(run, subject).file
    except NoEstimateError:
        if not RunDirectory(run).observations.is_dir():
            raise
        name, estimator, _ = _estimator_of(run, subject)
        return estimator.estimate(subject=name)
    try:
        return decode_json(read_file(file), Estimate)
    except msgspec.MsgspecError as error:
        raise EstimateRefusedError(
            f"{file}: an older version wrote it, or it was changed ({error}): give the command "
            "of that run again"
        ) from error


def estimate_on(kafka: KafkaSettings, subject: str | None) -> SourcedEstimate:
    """Finds the latest estimate that Kafka has. Raises EstimateRefusedError: As `estimate_in`."""
    name, estimate = _chosen(_estimates_by_now(kafka), subject, kafka.bootstrap_servers)
    return SourcedEstimate(Path(), folder_name(name), _as_in_file(estimate))


def observations_on(kafka: KafkaSettings, subject: str | None, folder: Path) -> str:
    """Lays down in a folder what Kafka has observed of a person, as a run directory.

    Raises:
        EstimateRefusedError: As `estimate_in`.
    """
    from avatarrig.views.feed import observations_by_now  # noqa: PLC0415 - as below

    if subject is None:
        subject, _ = _chosen(_estimates_by_now(kafka), None, kafka.bootstrap_servers)
    run = RunDirectory(folder)
    observed, standings = observations_by_now(kafka, subject)
    seen = possible(observed)
    for observation in seen:
        write_observation(run, observation, Pictures())
    write_standings(
        run, {(subject, image_id): standing for image_id, standing in standings.items()}
    )
    if not seen:
        raise NoEstimateError(f"{kafka.bootstrap_servers}: no photo of {subject} was observed")
    return subject


def _estimate_anew(run: Path, subject: str | None) -> SourcedEstimate:
    name, estimator, several = _estimator_of(run, subject)
    place = place_of_estimate(RunDirectory(run), name, several=several)
    return SourcedEstimate(place.path, "", _as_in_file(estimator.estimate(subject=name)))


def _estimator_of(run: Path, subject: str | None) -> tuple[str, Estimator, bool]:
    """Whose observations lie in a run, what they amount to, and whether there are others'."""
    estimators: dict[str, Estimator] = {}
    for seen in load_run(run):
        try:
            estimators.setdefault(seen.subject, Estimator()).update(seen)
        except StateRefusedError as error:
            raise impossible_evidence(RunDirectory(run), seen.image_id, error) from error
    if not estimators:
        raise NoEstimateError(f"{run}: there is no observation yet: run AvatarRig first")
    name, estimator = _chosen(estimators, subject, str(run))
    return name, estimator, len(estimators) > 1


def _chosen(found: Mapping[str, FoundT], subject: str | None, where: str) -> tuple[str, FoundT]:
    if subject is None and len(found) == 1:
        return next(iter(found.items()))
    if subject is None and found:
        raise EstimateRefusedError(f"{where}: {several_people(list(found))}")
    if subject is None:
        raise NoEstimateError(f"{where}: there is no estimate yet: run AvatarRig first")
    if subject not in found:
        raise EstimateRefusedError(f"{where}: {nobody_called(subject, list(found))}")
    return subject, found[subject]


def _as_in_file(estimate: Estimate) -> FileEstimate:
    return msgspec.json.decode(msgspec.json.encode(estimate), type=FileEstimate)


def _estimates_by_now(kafka: KafkaSettings) -> Mapping[str, Estimate]:
    from avatarrig.views.feed import estimates_by_now  # noqa: PLC0415 - loads Kafka's library, which a folder does without

    return estimates_by_now(kafka)
