"""The sharpest of a moment are published, the others left out until they are asked for."""

from __future__ import annotations

import shutil
import threading
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from support.bursts import RENDERED, burst
from support.kafka_parts.publishing import RecordingProducer
from support.waiting import wait_for

from avatarrig.metrics.ingest import IngestMetrics
from avatarrig.wire import PhotoReference, Reject
from producers import looking
from producers.ingest import Ingest, Schedule
from producers.looking import Looking
from producers.memory import Memory
from producers.publish import described
from producers.references import Dataset
from producers.service import source_at
from producers.settings import SourceSettings

ALL = Dataset(name="Ann")
ONE = Dataset(name="Ann", sharpest_of_moment=1)
TWO = Dataset(name="Ann", sharpest_of_moment=2)
NAMES = [f"burst{number}.jpg" for number in range(5)]


def frames() -> tuple[bytes, ...]:
    return burst(RENDERED / "000.jpg", 5, sharpest=3)


class Ingested:
    """A folder with a burst and another photo, and what was published of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = RecordingProducer()
        for name, frame in zip(NAMES, frames(), strict=True):
            (folder / name).write_bytes(frame)
        shutil.copy(RENDERED / "001.jpg", folder / "other.jpg")

    def ingest(self, dataset: Dataset, looks: Looking) -> Ingest:
        memory = Memory("Ann")
        for record in self.broker.records:
            memory.recall(record)
        return Ingest(
            source_at(SourceSettings(location=str(self.folder), dataset=dataset), looks),
            dataset,
            self.broker,
            memory,
            schedule=Schedule(rescan=0.2, quiet=0.02, patience=0.2),
            metrics=IngestMetrics(CollectorRegistry()),
        )

    def once(self, dataset: Dataset) -> Ingest:
        with Looking() as looks:
            ingest = self.ingest(dataset, looks)
            ingest.once(threading.Event())
        return ingest

    @property
    def detected(self) -> list[str]:
        return [record.path for record in self.broker.records if isinstance(record, PhotoReference)]

    def has(self, path: str) -> bool:
        return path in {*self.detected, *self.left_out}

    @property
    def left_out(self) -> dict[str, str]:
        return {
            record.reference.path: record.message
            for record in self.broker.records
            if isinstance(record, Reject) and record.reference and record.is_near_copy
        }


@pytest.fixture
def ingested(tmp_path: Path) -> Ingested:
    folder = tmp_path / "photos"
    folder.mkdir()
    return Ingested(folder)


def test_every_photo_is_published_or_left_out_with_the_reason(ingested: Ingested) -> None:
    done = ingested.once(ONE)
    assert ingested.detected == ["burst3.jpg", "other.jpg"]
    why = "a near-copy of burst3.jpg, which is detected"
    assert ingested.left_out == {name: why for name in NAMES if name != "burst3.jpg"}
    assert (done.found, done.published, done.near_copies, done.rejected) == (6, 2, 4, 0)


def test_the_next_start_with_the_same_choice_does_nothing(ingested: Ingested) -> None:
    ingested.once(ONE)
    again = ingested.once(ONE)
    assert (again.found, again.published, again.near_copies) == (6, 0, 0)


def test_a_file_that_is_touched_stays_what_it_is(ingested: Ingested) -> None:
    ingested.once(ONE)
    for name in NAMES:
        file = ingested.folder / name
        file.write_bytes(file.read_bytes())
    again = ingested.once(ONE)
    assert (again.published, again.near_copies, len(ingested.detected)) == (0, 0, 2)


def test_without_the_choice_all_are_detected_after_all(ingested: Ingested) -> None:
    ingested.once(ONE)
    ingested.once(ALL)
    assert sorted(ingested.detected) == [*NAMES, "other.jpg"]
    done = ingested.once(ONE)
    assert (done.published, done.near_copies) == (0, 0)


def test_what_was_detected_before_the_choice_stays_so(ingested: Ingested) -> None:
    ingested.once(ALL)
    with_it = ingested.once(ONE)
    assert (with_it.published, with_it.near_copies) == (0, 0)


def test_without_the_choice_nothing_is_looked_at(
    ingested: Ingested, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "start_module", pytest.fail)
    assert len(list(described(ingested.folder, ALL))) == 6
    ingested.once(ALL)
    assert len(ingested.detected) == 6


def test_a_copy_of_a_photo_that_is_left_out_counts_itself(ingested: Ingested) -> None:
    (ingested.folder / "zz").mkdir()
    (ingested.folder / "zz" / "copy.jpg").write_bytes(frames()[0])
    records = list(described(ingested.folder, ONE))
    copy = next(
        record
        for record in records
        if isinstance(record, PhotoReference) and record.path == "zz/copy.jpg"
    )
    assert copy.duplicate_of is None


def test_frames_that_trickle_in_are_left_out_too(ingested: Ingested) -> None:
    stop = threading.Event()
    for name in NAMES[1:]:
        (ingested.folder / name).unlink()
    with Looking() as looks:
        ingest = ingested.ingest(TWO, looks)
        thread = threading.Thread(target=ingest.watch, args=(stop,))
        thread.start()
        try:
            ingested.broker.wait_for("burst0.jpg", "other.jpg")
            (ingested.folder / "other.jpg").unlink()
            for name, frame in zip(NAMES[1:], frames()[1:], strict=True):
                (ingested.folder / name).write_bytes(frame)
                wait_for(partial(ingested.has, name))
        finally:
            stop.set()
            thread.join()
    assert len(ingested.detected) == 4
    assert len(ingested.left_out) == 2


def test_a_photo_that_ends_whoever_looks_at_it_is_detected(ingested: Ingested) -> None:
    with Looking() as looks:
        assert looks(frames()[0]) is not None
        process = looks._process
        assert process is not None
        process.kill()
        assert looks(frames()[1]) is None
        assert looks(frames()[2]) is not None
        assert looks(b"no picture") is None
        assert looks(frames()[3]) is not None


def test_a_choice_that_takes_more_keeps_what_was_published(ingested: Ingested) -> None:
    ingested.once(ONE)
    ingested.once(TWO)
    assert ingested.detected == ["burst3.jpg", "other.jpg"]
