"""Which photos of a run go to the detectors, and what becomes of those that need not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec
import pytest
from kafka.errors import KafkaTimeoutError
from support.observed import observation
from support.waiting import PATIENCE, wait_for

from avatarrig.pipeline.publishing import Publishing, Restore, RunPhotos
from avatarrig.process.background import Background
from avatarrig.runs import (
    Pictures,
    RunDirectory,
    RunStorageError,
    WantedFiles,
    read_observation,
    write_observation,
)
from avatarrig.views.progress import Progress
from avatarrig.wire import Observation, PhotoReference, Reject, decode
from avatarrig.wire.reasons import RejectReason
from avatarrig.wire.topics import IMAGES, OBSERVATIONS
from producers.references import Dataset

RUN = "r1"


class Acknowledged:
    """kafka-python's future of a record that the broker took."""

    def add_callback(self, callback: object) -> None:
        callback(None)  # type: ignore[operator]

    def add_errback(self, callback: object) -> None:
        """It was taken."""


@dataclasses.dataclass
class Broker:
    """Takes records in memory, after as many refusals as it is told."""

    refusals: int = 0
    taken: list[tuple[str, bytes]] = dataclasses.field(default_factory=list)

    def send(self, topic: str, value: bytes, key: bytes) -> Acknowledged:
        assert key
        if self.refusals:
            self.refusals -= 1
            raise KafkaTimeoutError("the broker is away")
        self.taken.append((topic, value))
        return Acknowledged()

    def flush(self) -> None:
        """Everything is acknowledged at once."""

    @property
    def references(self) -> list[PhotoReference]:
        return [decode(value, PhotoReference) for topic, value in self.taken if topic == IMAGES]

    @property
    def replayed(self) -> list[Observation]:
        return [decode(value, Observation) for topic, value in self.taken if topic == OBSERVATIONS]


class Run:
    """A dataset of two photos, and the run directory."""

    def __init__(self, folder: Path) -> None:
        self.directory = RunDirectory(folder / "run")
        self.photos = folder / "Ann"
        self.photos.mkdir()
        for name in ("a", "b"):
            (self.photos / f"{name}.jpg").write_bytes(name.encode())
        self.progress = Progress(RUN, observation(0).fingerprint)
        self.broker = Broker()
        self.first, self.second = self.publish(Broker()).references

    def publish(
        self,
        broker: Broker | None = None,
        pending: AbstractSet[str] = frozenset(),
        restore: Restore = lambda *_: None,
    ) -> Broker:
        """Publishes what is left to do, as each start of the command does."""
        broker = broker or self.broker
        publishing = self.publishing(broker, pending, restore)
        publishing.start(Background()).join(PATIENCE)
        assert publishing.finished
        return broker

    def publishing(
        self,
        broker: Broker,
        pending: AbstractSet[str] = frozenset(),
        restore: Restore = lambda *_: None,
    ) -> Publishing:
        self.processed = RunPhotos(
            self.progress,
            self.directory,
            fingerprint=observation(0).fingerprint,
            wanted=WantedFiles(),
            pending=pending,
            restore=restore,
        )
        return Publishing(
            self.photos,
            Dataset(name="Ann", run=RUN),
            self.processed,
            broker,
            max_images=None,
            leave_out=(),
        )

    def observe(self, photo: PhotoReference) -> Observation:
        """Leaves the files of a photo that was detected."""
        seen = msgspec.structs.replace(
            observation(1, photo.subject), image_id=photo.image_id, path=photo.path
        )
        write_observation(self.directory, seen, Pictures())
        return seen


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_a_photo_that_waits_from_an_earlier_start_is_not_published_again(run: Run) -> None:
    run.publish(pending={run.first.image_id})
    assert [r.image_id for r in run.broker.references] == [run.second.image_id]


def test_a_photo_that_was_observed_is_passed_over_and_replayed_where_the_topic_lost_it(
    run: Run,
) -> None:
    seen = run.observe(run.first)
    run.publish()
    assert [r.image_id for r in run.broker.references] == [run.second.image_id]
    assert run.broker.replayed == [seen]
    run.progress.observation(seen, 0, 0, 1.0)
    assert run.publish(Broker()).replayed == []


def test_a_photo_that_was_observed_and_lost_its_files_is_detected_again(run: Run) -> None:
    seen = run.observe(run.first)
    run.progress.observation(seen, 0, 0, 1.0)
    run.directory.observation(seen.image_id).unlink()
    run.publish()
    assert {r.image_id for r in run.broker.references} == {run.first.image_id, run.second.image_id}


def damage(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


@pytest.mark.parametrize("harm", [Path.unlink, damage])
def test_files_that_were_lost_are_made_again_from_what_kafka_has(
    run: Run, harm: Callable[[Path], None]
) -> None:
    seen = run.observe(run.first)
    run.progress.observation(seen, 3, 7, 1.0)
    file = run.directory.observation(seen.image_id)
    harm(file)
    run.publish(restore=lambda _, at: seen if (at.partition, at.offset) == (3, 7) else None)
    assert [r.image_id for r in run.broker.references] == [run.second.image_id]
    assert read_observation(file) == seen
    assert run.processed.mended == 1
    assert not run.processed.is_mending


def test_what_kafka_has_not_is_waited_for_until_it_is_there_or_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatarrig.pipeline.publishing.MENDING_SECONDS", 0.0)
    for photo in (run.first, run.second):
        run.progress.observation(run.observe(photo), 0, 0, 1.0)
        damage(run.directory.observation(photo.image_id))
    run.publish()
    assert {r.image_id for r in run.broker.references} == {run.first.image_id, run.second.image_id}
    assert run.processed.is_mending
    run.observe(run.first)
    assert run.processed.is_mending
    reject = Reject(
        reason="missing", message="gone", attempts=1, rejected_at=9e9, reference=run.second, run=RUN
    )
    run.progress.reject(reject, 1.0)
    assert not run.processed.is_mending
    assert (run.processed.mended, run.processed.unmendable) == (1, {run.second.path: "gone"})


def test_a_run_directory_that_takes_no_files_ends_the_publishing_with_the_reason(run: Run) -> None:
    seen = run.observe(run.first)
    run.progress.observation(seen, 0, 0, 1.0)
    file = run.directory.observation(seen.image_id)
    file.unlink()
    (file / "something").mkdir(parents=True)
    publishing = run.publishing(Broker(), restore=lambda *_: seen)
    publishing.start(Background()).join(PATIENCE)
    assert isinstance(publishing.failure, RunStorageError)


def test_a_photo_that_was_set_aside_is_not_tried_by_itself(run: Run) -> None:
    reject = Reject(
        reason="crashed", message="m", attempts=3, rejected_at=1.0, reference=run.first, run=RUN
    )
    run.progress.reject(reject, 1.0)
    run.publish()
    assert [r.image_id for r in run.broker.references] == [run.second.image_id]


def test_publishing_begins_anew_after_the_broker_was_away(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.publish.RETRY_SECONDS", 0.01)
    run.broker.refusals = 3
    run.publish()
    assert {r.image_id for r in run.broker.references} == {run.first.image_id, run.second.image_id}


def test_photos_that_were_forgotten_are_published_again_and_no_others(run: Run) -> None:
    """The one from its file, which is still there; the other goes to the detectors again."""
    first = run.observe(run.first)
    publishing = run.publishing(run.broker, pending={run.second.image_id})
    publishing.start(Background()).join(PATIENCE)
    lost = [run.processed.found.get().key for _ in range(2)]
    assert [o.image_id for o in run.broker.replayed] == [first.image_id]
    run.broker.taken.clear()

    publishing.again({lost[1]})
    wait_for(lambda: publishing.finished)
    assert [r.image_id for r in run.broker.references] == [run.second.image_id]
    assert run.broker.replayed == []
    run.broker.taken.clear()

    publishing.again({lost[0]})
    wait_for(lambda: publishing.finished)
    assert run.broker.references == []
    assert [o.image_id for o in run.broker.replayed] == [first.image_id]


@pytest.fixture
def left_out(run: Run) -> Reject:
    """The second photo as a near-copy of the first."""
    return Reject(
        reason=RejectReason.NEAR_COPY,
        message="a near-copy of a.jpg, which is detected",
        attempts=0,
        rejected_at=run.second.found_at,
        reference=run.second,
        run=RUN,
    )


def test_a_near_copy_is_told_once_and_detected_where_it_is_none_any_more(
    run: Run, left_out: Reject
) -> None:
    assert run.processed.bring_further(left_out) == left_out
    run.progress.reject(left_out, 1.0)
    assert run.processed.bring_further(left_out) is None
    assert run.processed.bring_further(run.second) == run.second


def test_a_photo_that_was_detected_is_no_near_copy_any_more(run: Run, left_out: Reject) -> None:
    seen = run.observe(run.second)
    run.progress.observation(seen, 0, 0, 1.0)
    assert run.processed.bring_further(left_out) is None
    run.directory.observation(seen.image_id).unlink()
    assert run.processed.bring_further(left_out) == run.second


def test_one_whose_files_are_there_and_kafka_has_lost_is_replayed(
    run: Run, left_out: Reject
) -> None:
    assert run.processed.bring_further(left_out) == left_out
    seen = run.observe(run.second)
    assert run.processed.bring_further(left_out) == seen


def test_one_that_waits_for_a_detector_from_an_earlier_start_is_waited_for(
    run: Run, left_out: Reject
) -> None:
    run.publish(Broker(), pending={run.second.image_id})
    run.processed.detection_needed = False
    assert run.processed.bring_further(left_out) is None
    assert run.processed.detection_needed
