"""Watching a folder: every photo is published once, when it is whole, whatever happens to it."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from support.kafka_parts.publishing import RecordingProducer
from support.references import reference
from support.waiting import wait_for

from avatarrig.detectors.faces.template import Template
from avatarrig.metrics.ingest import IngestMetrics
from avatarrig.wire import PhotoReference, Reject
from producers.events import FolderEvents
from producers.ingest import Ingest, Listed, Schedule
from producers.memory import Memory
from producers.references import Dataset
from producers.scan import DatasetError
from producers.source import LocalFolder

JPEG = b"\xff\xd8\xff%s\xff\xd9"
FACE = Template.mean([np.ones(128, np.float32)]).data


class Pointed:
    """What an ingest hears of a face that somebody pointed at, once it has caught up.

    `avatarrig`'s own is tested with a broker, in `test_pointed_faces`.
    """

    def __init__(self) -> None:
        self.faces: Mapping[str, Sequence[bytes]] = {}

    def catch_up(self, _: threading.Event) -> None:
        self.faces = {"Ann": (FACE,)}

    def looked(self, _: Listed) -> None:
        """Nothing departs."""

    def due(self) -> None:
        """Nothing departs."""

    def work(self) -> None:
        """Nothing departs."""

    def finish(self) -> None:
        """Nothing departs."""


class Watched:
    """A folder, and what came of watching it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = RecordingProducer()
        self.dataset = Dataset(name="Ann")
        self.pace = Schedule(rescan=0.2, quiet=0.05, patience=1.0)
        self.departures: Pointed | None = None

    def write(self, name: str, content: bytes | None = None) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(JPEG % name.encode() if content is None else content)
        return file

    def ingest(self) -> Ingest:
        memory = Memory("Ann")
        for record in self.broker.records:
            memory.recall(record)
        return Ingest(
            LocalFolder(self.folder, names=bool(self.dataset.person)),
            self.dataset,
            self.broker,
            memory,
            schedule=self.pace,
            metrics=IngestMetrics(CollectorRegistry()),
            departures=self.departures,
        )

    def once(self) -> Ingest:
        ingest = self.ingest()
        ingest.once(threading.Event())
        return ingest

    @contextmanager
    def watching(self, *, events: bool = True) -> Iterator[None]:
        stop = threading.Event()
        ingest = self.ingest()

        def work() -> None:
            if not events:
                ingest.watch(stop)
                return
            with FolderEvents(self.folder) as followed:
                ingest.watch(stop, followed)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def wait_for(self, *paths: str) -> None:
        self.broker.wait_for(*paths)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    folder = tmp_path / "photos"
    folder.mkdir()
    return Watched(folder)


def test_what_is_there_is_published_once_also_by_the_next_process(watched: Watched) -> None:
    watched.write("1.jpg")
    watched.write("deep/er/2.jpg")
    watched.write("notes.txt")
    first = watched.once()
    assert (first.found, first.published) == (2, 2)
    again = watched.once()
    assert (again.found, again.published) == (2, 0)
    assert watched.broker.paths == ["1.jpg", "deep/er/2.jpg"]


def test_the_next_process_does_not_even_read_what_is_old(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.write("1.jpg")
    watched.once()
    # Published an hour after the file had last changed.
    watched.broker.records = [
        msgspec.structs.replace(record, found_at=time.time() + 3600)
        for record in watched.broker.records
    ]
    monkeypatch.setattr(LocalFolder, "read", None)
    assert watched.once().published == 0


def test_a_file_that_changed_is_another_photo(watched: Watched) -> None:
    watched.write("1.jpg")
    watched.once()
    watched.write("1.jpg", JPEG % b"another picture")
    watched.once()
    assert watched.broker.paths == ["1.jpg", "1.jpg"]
    assert len({photo.image_id for photo in watched.broker.photos}) == 2


def test_another_subject_has_the_photos_published_for_it(watched: Watched) -> None:
    watched.write("1.jpg")
    watched.once()
    watched.dataset = Dataset(name="Ann", subject="Bea")
    watched.once()
    assert [record.subject for record in watched.broker.records] == ["Ann", "Bea"]


def test_the_same_content_is_a_duplicate_also_of_what_an_earlier_process_published(
    watched: Watched,
) -> None:
    watched.write("b.jpg", JPEG % b"same")
    watched.once()
    watched.write("a.jpg", JPEG % b"same")
    watched.once()
    watched.write("c.jpg", JPEG % b"same")
    watched.once()
    first, *others = watched.broker.photos
    assert [record.duplicate_of for record in others] == [first.image_id] * 2


def test_each_first_level_folder_may_be_a_subject(watched: Watched) -> None:
    watched.dataset = Dataset(name="Ann", subject_per_folder=True)
    for name in ("Ben/1.jpg", "Cleo/x/1.jpg", "1.jpg"):
        watched.write(name)
    watched.once()
    assert {r.path: r.subject for r in watched.broker.photos} == {
        "Ben/1.jpg": "Ben",
        "Cleo/x/1.jpg": "Cleo",
        "1.jpg": "Ann",
    }


def test_a_photo_that_cannot_be_read_is_set_aside_once_and_published_when_it_can(
    watched: Watched,
) -> None:
    target = watched.folder.parent / "elsewhere.jpg"
    (watched.folder / "link.jpg").symlink_to(target)
    watched.pace = Schedule(quiet=0.02, patience=0.05)
    watched.once()
    watched.once()
    (reject,) = watched.broker.records
    assert isinstance(reject, Reject)
    assert reject.reason == "missing"
    (watched.folder / "link.jpg").unlink()
    watched.write("link.jpg")
    watched.once()
    assert watched.broker.paths == ["link.jpg"]


def test_a_folder_that_leads_elsewhere_is_told_once(watched: Watched, tmp_path: Path) -> None:
    """What cannot be looked into is missing in no count, as in a run."""
    (tmp_path / "elsewhere").mkdir()
    watched.write("1.jpg")
    (watched.folder / "linked").symlink_to(tmp_path / "elsewhere")
    ingest = watched.once()
    assert (ingest.found, ingest.published, ingest.rejected) == (2, 1, 1)
    (reject,) = [record for record in watched.broker.records if isinstance(record, Reject)]
    assert reject.reason == "outside_roots"
    assert reject.reference is not None
    assert reject.reference.path == "linked"
    assert watched.once().rejected == 0


def test_a_clock_that_is_set_back_publishes_a_new_file_once_and_it_counts(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two files at a path the one found later counts, whatever the clock says."""
    an_hour = 3600.0
    watched.write("1.jpg")
    with monkeypatch.context() as clock:
        wrong = time.time() + an_hour
        clock.setattr(time, "time", lambda: wrong)
        watched.once()
    watched.write("1.jpg", JPEG % b"another picture")
    ingest = watched.ingest()
    for _ in range(2):
        ingest.once(threading.Event())
    assert ingest.published == 1
    before, after = (
        record for record in watched.broker.records if isinstance(record, PhotoReference)
    )
    assert before.content_hash != after.content_hash
    assert before.found_at < after.found_at
    assert watched.once().published == 0


def test_a_folder_that_is_not_there_is_refused(watched: Watched) -> None:
    watched.folder.rmdir()
    with pytest.raises(DatasetError, match="does not exist"):
        watched.once()


@pytest.mark.parametrize("events", [True, False], ids=["events", "rescans"])
def test_what_comes_is_published(watched: Watched, *, events: bool) -> None:
    watched.write("before.jpg")
    with watched.watching(events=events):
        watched.wait_for("before.jpg")
        watched.write("new.jpg")
        watched.write("a new/folder/new.jpg")
        temporary = watched.write(".copying.123")
        temporary.rename(watched.folder / "renamed.jpg")
        outside = watched.folder.parent / "moved"
        outside.mkdir()
        (outside / "in.jpg").write_bytes(JPEG % b"in")
        outside.rename(watched.folder / "moved")
        watched.wait_for("new.jpg", "a new/folder/new.jpg", "renamed.jpg", "moved/in.jpg")
    assert len(watched.broker.paths) == 5


def sought(watched: Watched) -> list[bytes]:
    return [b"" if each.sought is None else each.sought.template for each in watched.broker.photos]


def test_a_new_dataset_is_published_for_the_faces_that_were_pointed_at(watched: Watched) -> None:
    watched.write("1.jpg")
    watched.departures = Pointed()
    watched.once()
    assert sought(watched) == [FACE]


def test_so_is_one_that_was_published_before_they_were(watched: Watched) -> None:
    watched.write("1.jpg")
    watched.once()
    watched.departures = Pointed()
    watched.once()
    assert sought(watched) == [b"", FACE]


def test_so_is_a_new_one_that_is_watched(watched: Watched) -> None:
    watched.write("1.jpg")
    watched.departures = Pointed()
    with watched.watching():
        watched.wait_for("1.jpg")
    assert sought(watched) == [FACE]


def test_events_are_enough_where_rescans_are_rare(watched: Watched) -> None:
    watched.pace = Schedule(rescan=3600.0, quiet=0.05, patience=1.0)
    watched.write("before.jpg")
    with watched.watching():
        watched.wait_for("before.jpg")
        numbers = itertools.count()

        def new_is_seen() -> bool:  # from when on there are events, nobody tells
            watched.write(f"new-{next(numbers)}.jpg")
            return len(watched.broker.paths) > 1

        wait_for(new_is_seen, every=0.5)


def test_a_slow_copy_is_published_whole(watched: Watched) -> None:
    watched.pace = Schedule(rescan=0.1, quiet=0.05, patience=10.0)
    whole = JPEG % (b"pixels" * 1000)
    file = watched.folder / "slow.jpg"
    with watched.watching(), file.open("wb", buffering=0) as copy:
        for start in range(0, len(whole), 1500):
            copy.write(whole[start : start + 1500])
            time.sleep(0.15)  # longer than `quiet`: only the missing end tells
        watched.wait_for("slow.jpg")
    (record,) = watched.broker.photos
    assert record.size == len(whole)


def test_names_of_copies_under_way_are_never_published(watched: Watched) -> None:
    with watched.watching():
        for name in ("x.part.jpg", ".x.jpg", "x.jpg.part", "x.jpg.crdownload", "@eaDir/x.jpg"):
            watched.write(name)
        watched.write("y.jpg")
        watched.wait_for("y.jpg")
    assert watched.broker.paths == ["y.jpg"]


def test_a_folder_that_disappears_and_comes_back_is_picked_up(watched: Watched) -> None:
    watched.write("1.jpg")
    away = watched.folder.with_name("away")
    with watched.watching():
        watched.wait_for("1.jpg")
        shutil.copytree(watched.folder, away)
        shutil.rmtree(watched.folder)
        (away / "2.jpg").write_bytes(JPEG % b"while it was down")
        time.sleep(0.1)
        away.rename(watched.folder)
        watched.wait_for("2.jpg")
        watched.write("3.jpg")
        watched.wait_for("3.jpg")
    assert watched.broker.paths == ["1.jpg", "2.jpg", "3.jpg"]


def test_a_broker_that_is_away_is_waited_for(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.publish.RETRY_SECONDS", 0.05)
    watched.broker.refusals = 3
    watched.write("1.jpg")
    watched.once()
    assert watched.broker.paths == ["1.jpg"]


def test_records_of_other_datasets_and_of_runs_are_not_this_ones() -> None:
    memory = Memory("d")
    memory.recall(reference(dataset="Bea"))
    memory.recall(reference(run="r1"))
    assert len(memory) == 0
    memory.recall(reference())
    assert len(memory) == 1


def test_a_record_with_a_hash_that_is_none_ends_nothing() -> None:
    memory = Memory("d")
    memory.recall(reference(content_hash="no hash"))
    assert len(memory) == 1
    assert not memory.first_with


def test_a_name_written_beside_a_photo_asks_for_that_photo_again(watched: Watched) -> None:
    watched.dataset = Dataset(name="Ann", person="Ann")
    for name in ("1.jpg", "2.jpg"):
        os.utime(watched.write(name), (1e9, 1e9))
    watched.once()
    assert watched.once().published == 0
    beside = watched.folder / "1.jpg.json"
    beside.write_text('{"people": [{"name": "Ann"}]}')
    assert watched.once().published == 1
    # It says the same, in other words: the photo is looked at, and not asked for again.
    later = time.time() + 100
    os.utime(beside, (later, later))
    assert watched.once().published == 0
    assert watched.broker.paths == ["1.jpg", "1.jpg", "2.jpg"]


@pytest.mark.parametrize("events", [True, False])
def test_so_does_one_that_is_written_while_photos_are_watched(
    watched: Watched, *, events: bool
) -> None:
    watched.dataset = Dataset(name="Ann", person="Ann")
    watched.write("1.jpg")
    watched.write("2.jpg")
    with watched.watching(events=events):
        watched.wait_for("1.jpg", "2.jpg")
        (watched.folder / "2.json").write_text('{"people": [{"name": "Jo"}]}')
        watched.wait_for("1.jpg", "2.jpg", "2.jpg")
        (watched.folder / "2.json").unlink()
        (watched.folder / "1.jpg.xmp").write_text(
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
            'xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><e:PersonInImage><rdf:li>Ann'
            "</rdf:li></e:PersonInImage></rdf:RDF>"
        )
        watched.wait_for("1.jpg", "1.jpg", "2.jpg", "2.jpg")
