"""A run that left nothing to do is told from its files; anything that differs is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from support.body.estimates import skeleton
from support.observed import observation

from avatarrig.body.estimate import EstimateOptions
from avatarrig.detectors.options import DetectorOptions
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.photos.passed_over import FileCounts
from avatarrig.pipeline.finished import FinishedRun
from avatarrig.pipeline.forgotten_files import forget_files
from avatarrig.pipeline.request import Detecting, PreparedRun, RunRequest
from avatarrig.runs import (
    Decided,
    Pictures,
    RunDirectory,
    RunIdentity,
    WantedFiles,
    read_index,
    write_decisions,
    write_index,
    write_observation,
)
from avatarrig.views.progress import Progress, found_photo
from avatarrig.wire import PhotoReference, Reject, Sought
from avatarrig.wire.reasons import Exclusion, RejectReason
from producers.publish import described
from producers.references import Dataset, reference_in

RUN = "0123456789ab"
FINGERPRINT = observation(0).fingerprint
DATASET = Dataset(name="Ann", run=RUN)


class Finished:
    """A run of three photos, one of them rejected by the detector, and a file that is a pipe's."""

    def __init__(self, folder: Path) -> None:
        self.run = RunDirectory(folder / "run")
        self.photos = folder / "Ann"
        self.photos.mkdir()
        for name in ("a", "b", "c"):
            (self.photos / f"{name}.jpg").write_bytes(name.encode())
        (self.photos / "link.jpg").symlink_to(folder / "nowhere")
        self.log = self.run.broker / "data" / "avatarrig.observations-0" / "00.log"
        self.log.parent.mkdir(parents=True)
        self.log.write_bytes(b"records")
        self.progress = self._carried_out()
        self.open().write(self.progress)

    def _carried_out(self) -> Progress:
        progress = Progress(RUN, FINGERPRINT)
        records = described(
            self.photos, DATASET, max_images=None, leave_out=(), counts=FileCounts()
        )
        offset = 0
        for record in records:
            if isinstance(record, Reject):
                assert record.reference is not None
                progress.found(found_photo(record.reference))
                progress.reject(record, 0.0)
                continue
            progress.found(found_photo(record))
            if record.path == "c.jpg":
                progress.reject(self._reject(record), 0.0)
                continue
            seen = observation(offset, record.subject, run=RUN, content_hash=record.content_hash)
            seen = msgspec.structs.replace(seen, image_id=record.image_id, path=record.path)
            write_observation(self.run, seen, Pictures())
            progress.observation(seen, 0, offset, 0.0)
            offset += 1
        progress.skeleton(skeleton(subject="Ann", fingerprint=FINGERPRINT, applied={0: offset - 1}))
        return progress

    @staticmethod
    def _reject(record: PhotoReference) -> Reject:
        return Reject(
            reason="too_small",
            message="too small",
            attempts=1,
            rejected_at=0.0,
            reference=record,
            fingerprint=FINGERPRINT,
            run=RUN,
        )

    def open(self, learned: str | None = None, **request: object) -> FinishedRun:
        asked = RunRequest(
            dataset=self.photos,
            out=self.run.path,
            workers=2,
            detecting=Detecting(DetectorOptions(), WantedFiles()),
        )
        return FinishedRun(
            PreparedRun(
                request=msgspec.structs.replace(asked, **request),
                directory=self.run,
                identity=RunIdentity(RUN, str(self.photos), DATASET.name),
                dataset=DATASET,
                fingerprint=FINGERPRINT,
                models=(),
                learned=learned,
            )
        )

    def look(self, **request: object) -> Progress | None:
        return self.open(**request).look(lambda _: None)  # type: ignore[arg-type]


@pytest.fixture
def finished(tmp_path: Path) -> Finished:
    return Finished(tmp_path)


def test_everything_is_told_as_the_last_run_told_it(finished: Finished) -> None:
    again = finished.look()
    assert again is not None
    assert again.counts == finished.progress.counts
    assert (again.counts.observed, again.counts.rejected) == (2, 2)
    assert again.observed_photos == finished.progress.observed_photos
    assert again.rejected == finished.progress.rejected
    assert again.estimates() == finished.progress.estimates() != {}
    assert again.standings == finished.progress.standings
    assert again.excluded == finished.progress.excluded


def test_no_face_that_was_looked_for_is_kept(finished: Finished) -> None:
    """It travels with the references of photos, and so with those of rejected ones."""
    _, reject = finished.progress.rejected[0]
    assert reject.reference is not None
    sought = Sought(asked="a", template=b"face" * 64)
    reference = msgspec.structs.replace(reject.reference, sought=sought)
    finished.progress.reject(msgspec.structs.replace(reject, reference=reference), 0.0)
    finished.open().write(finished.progress)
    assert b"facefaceface" not in finished.run.finished.read_bytes()
    again = finished.look()
    assert again is not None
    assert [each for each, _ in again.rejected] == [each for each, _ in finished.progress.rejected]


def test_what_is_estimated_beside_and_how_many_detect_makes_no_difference(
    finished: Finished,
) -> None:
    assert finished.look(workers=7, estimate=EstimateOptions(window_days=30)) is not None


def test_a_height_that_the_aggregator_was_not_told_yet_is_noticed(finished: Finished) -> None:
    tall = EstimateOptions(height=1.9)
    assert finished.look(estimate=tall, tells_measured=True) is None
    finished.open(estimate=tall, tells_measured=True).write(finished.progress)
    assert finished.look(estimate=tall, tells_measured=True) is not None
    assert finished.look(estimate=EstimateOptions(height=1.8), tells_measured=True) is None


def test_near_copies_are_done_with_as_long_as_they_are_some(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    near_copies: set[str] = set()

    def with_near_copies(*_: object, **__: object) -> Iterator[PhotoReference | Reject]:
        for record in described(finished.photos, DATASET):
            is_left_out = isinstance(record, PhotoReference) and record.path in near_copies
            yield left_out(record) if is_left_out else record

    (finished.photos / "d.jpg").write_bytes(b"d")
    for record in described(finished.photos, DATASET):
        if isinstance(record, PhotoReference) and record.path == "d.jpg":
            finished.progress.found(found_photo(record, is_near_copy=True))
            finished.progress.reject(left_out(record), 0.0)
    finished.open().write(finished.progress)
    monkeypatch.setattr("avatarrig.pipeline.finished.described", with_near_copies)
    assert finished.look() is None  # it shall be detected
    near_copies |= {"d.jpg"}
    again = finished.look()
    assert again is not None
    assert (again.counts.observed, again.counts.near_copies, again.counts.waiting) == (2, 1, 0)
    near_copies |= {"a.jpg"}
    again = finished.look()
    assert again is not None  # what was detected stays
    assert (again.counts.observed, again.counts.near_copies) == (2, 1)
    (finished.photos / "e.jpg").write_bytes(b"e")
    near_copies |= {"e.jpg"}
    assert finished.look() is None  # nobody was told of it


def left_out(record: PhotoReference | Reject) -> Reject:
    return Reject(
        reason=RejectReason.NEAR_COPY,
        message="a near-copy of a.jpg, which is detected",
        attempts=0,
        rejected_at=0.0,
        reference=reference_in(record),
        run=RUN,
    )


def test_a_new_photo_a_changed_one_and_one_that_is_gone_are_noticed(finished: Finished) -> None:
    photo = finished.photos / "d.jpg"
    photo.write_bytes(b"d")
    assert finished.look() is None
    photo.unlink()
    assert finished.look() is not None
    (finished.photos / "a.jpg").write_bytes(b"changed")
    assert finished.look() is None
    (finished.photos / "a.jpg").unlink()
    assert finished.look(prune=True) is None


def test_a_lost_or_damaged_observation_and_an_overlay_that_is_wanted_now_are_noticed(
    finished: Finished,
) -> None:
    drawn = Detecting(DetectorOptions(), WantedFiles(overlays=True))
    assert finished.look(detecting=drawn) is None
    file = next(finished.run.observations.glob("*.json"))
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"0", b"1", 1))
    assert finished.look() is None
    file.write_bytes(whole)
    assert finished.look() is not None
    file.unlink()
    assert finished.look() is None


def test_a_broker_that_has_something_else_by_now_is_noticed(finished: Finished) -> None:
    finished.log.write_bytes(b"recordz")
    assert finished.look() is None


def test_a_broker_that_lost_its_records_is_noticed(finished: Finished) -> None:
    finished.log.unlink()
    assert finished.look() is None


def test_a_decision_since_is_noticed(finished: Finished) -> None:
    key = finished.progress.observed_photos[0][0]
    out = Decided(
        image_id=key.image_id, subject=key.subject, path=key.path, standing=Exclusion.ON_REQUEST
    )
    write_decisions(finished.run, [out])
    asked = finished.open()
    assert asked.look(lambda _: None) is None
    assert asked.all_detected


def test_other_weights_and_a_kafka_of_ones_own_are_noticed(finished: Finished) -> None:
    assert finished.look(kafka=KafkaSettings(bootstrap_servers="localhost:9092")) is None
    assert finished.open(learned="others").look(lambda _: None) is None


def test_a_file_that_is_damaged_is_of_no_use_and_no_harm(finished: Finished) -> None:
    file = finished.run.finished
    data = file.read_bytes()
    for damaged in (b"", data[:40], data[:-1], data[:50] + b"\xff" + data[51:]):
        file.write_bytes(damaged)
        assert finished.look() is None


def test_a_run_that_is_not_estimated_whole_is_carried_out(finished: Finished) -> None:
    late = observation(9, "Ann", run=RUN)
    finished.progress.observation(late, 0, 99, 0.0)
    finished.open().write(finished.progress)
    assert finished.look() is None


def test_forgetting_a_subject_takes_the_file_with_its_names(finished: Finished) -> None:
    assert b"a.jpg" in finished.run.finished.read_bytes()
    forget_files(finished.run.path, "Ann")
    assert not finished.run.finished.exists()


def test_forgetting_takes_damaged_files_too_which_may_be_the_subjects(finished: Finished) -> None:
    run = finished.run
    damaged, *others = sorted(run.observations.glob("*.json"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    write_index(run, [{"image_id": file.stem} for file in (damaged, *others)])
    run.index.write_bytes(run.index.read_bytes() + b'{"image_id": "\xff"}\n')
    forget_files(run.path, "Nobody")
    assert sorted(run.observations.glob("*.json")) == others
    assert [row["image_id"] for row in read_index(run)] == [file.stem for file in others]
