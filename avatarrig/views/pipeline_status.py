"""What the broker knows about a pipeline: what waits, what was done, what lags."""

from __future__ import annotations

import time

import msgspec

from avatarrig.kafka.settings import KafkaSettings
from avatarrig.runs import RunDirectory, decided_since
from avatarrig.runs.estimates import read_estimates
from avatarrig.views.feed import look
from avatarrig.views.snapshot import Snapshot
from avatarrig.views.stream import GroupStatus
from avatarrig.wire import SkeletonRecord
from avatarrig.wire.estimate import Estimate


class SkeletonStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one estimate.

    Attributes:
        moments: Moments that these were taken in; None in estimates of 1.0, which do not say.
        age: Seconds since it was published.
        excluded: How many photos do not count, by reason.
    """

    subject: str
    fingerprint: str
    observations: int
    used: int
    moments: int | None
    stable: int
    bones: int
    age: float
    excluded: dict[str, int] = {}


class PipelineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a pipeline.

    Attributes:
        waiting: Photos not yet processed, those in work included; never failed.
        in_work: Of those, how many the replicas that are alive can have in hand: one each.
        observed: Photos contained in the estimates, with or without a person.
        photos_per_second: Observations of the last minute, per second.
        oldest_waiting: Seconds that the oldest waiting photo has waited; None where none does.
        refused: Messages that hold no record of their topic, by topic.
        departed: Dataset to photos of it that are gone and go on counting.
    """

    found: int
    waiting: int
    in_work: int
    observed: int
    rejected: int
    rejected_by_reason: dict[str, int]
    replicas: int
    photos_per_second: float
    oldest_waiting: float | None
    groups: list[GroupStatus]
    skeletons: list[SkeletonStatus]
    refused: dict[str, int] = {}
    departed: dict[str, int] = {}


def read_status(kafka: KafkaSettings, *, at_work: bool = True) -> PipelineStatus:
    """Asks a Kafka about the pipeline that runs on it.

    Args:
        at_work: Whether anything can be at work there.

    Raises:
        TransportError: Kafka does not answer, or no pipeline has used it.
    """
    board = look(kafka)
    if not at_work:
        board.nobody_works()
    return status_of(board.snapshot(), time.time())


def status_of(seen: Snapshot, now: float) -> PipelineStatus:
    """Says how a pipeline is. `now`: Unix seconds."""
    stream = seen.stream
    oldest = stream.oldest_waiting
    records = [each.record for _, each in sorted(seen.subjects.items()) if each.record is not None]
    return PipelineStatus(
        found=stream.found,
        waiting=stream.waiting,
        in_work=stream.in_work,
        observed=seen.observed,
        rejected=seen.rejected,
        rejected_by_reason=dict(seen.reasons),
        replicas=stream.replicas,
        photos_per_second=seen.rate.last_minute(now),
        oldest_waiting=None if oldest is None else max(0.0, now - oldest),
        groups=list(stream.groups),
        skeletons=[_skeleton(record, now) for record in records],
        refused=dict(seen.refused),
        departed=dict(seen.departed),
    )


def with_decisions_since(status: PipelineStatus, run: RunDirectory, now: float) -> PipelineStatus:
    """Shows the estimates of a run that has ended as its files tell them, where they know better.

    Where something was decided by hand since, the run's topics hear of it at its next start.

    Args:
        now: Unix seconds.

    Raises:
        DecisionsFileError: A file is damaged.
    """
    if not decided_since(run):
        return status
    files = read_estimates(run)
    return msgspec.structs.replace(
        status,
        skeletons=[
            _as_in_file(known, *files[known.subject], now) if known.subject in files else known
            for known in status.skeletons
        ],
    )


def _as_in_file(
    known: SkeletonStatus, estimate: Estimate, written_at: float, now: float
) -> SkeletonStatus:
    return msgspec.structs.replace(
        known,
        used=estimate.used,
        moments=estimate.moments,
        stable=estimate.stable,
        bones=len(estimate.stats),
        age=max(0.0, now - written_at),
        excluded=dict(estimate.excluded),
    )


def _skeleton(record: SkeletonRecord, now: float) -> SkeletonStatus:
    return SkeletonStatus(
        subject=record.subject,
        fingerprint=record.fingerprint,
        observations=record.observations,
        used=record.estimate.used,
        moments=record.estimate.moments,
        stable=record.estimate.stable,
        bones=len(record.estimate.stats),
        age=max(0.0, now - record.estimated_at),
        excluded=dict(record.estimate.excluded),
    )
