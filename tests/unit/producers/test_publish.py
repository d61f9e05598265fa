"""What is published about a dataset's photos."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tracemalloc
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import cast

import pytest

from avatarrig.photos.capture import read_capture_time
from avatarrig.photos.coding import jpeg
from avatarrig.photos.passed_over import FileCounts
from avatarrig.photos.picture_digest import picture_digest
from avatarrig.photos.sizes import LARGEST_FILE
from avatarrig.photos.uri import from_file_uri
from avatarrig.wire import PhotoReference, Reject, decode, record_key
from avatarrig.wire.reasons import RejectReason
from avatarrig.wire.topics import IMAGES, REJECTS
from producers.hashing import PIECE_BYTES, begin_reading, read_content, read_stream
from producers.publish import (
    Evenly,
    PublishError,
    described,
    publish,
)
from producers.reading_ahead import AHEAD
from producers.references import Dataset

ANN = Dataset(name="Ann", run="r1")


class Delivery:
    """A record on its way; the broker takes it, or refuses it, when flushed."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[object], object]] = []
        self._errbacks: list[Callable[[BaseException], object]] = []

    def add_callback(self, callback: Callable[[object], object]) -> None:
        self._callbacks.append(callback)

    def add_errback(self, callback: Callable[[BaseException], object]) -> None:
        self._errbacks.append(callback)

    def end(self, error: BaseException | None) -> None:
        if error is None:
            for callback in self._callbacks:
                callback(None)
        else:
            for errback in self._errbacks:
                errback(error)


class Broker:
    """Takes records in memory; the integration tests publish to a real one."""

    def __init__(self, *, refuses: BaseException | None = None) -> None:
        self.taken: list[tuple[str, bytes, bytes]] = []
        self.most_pending = 0
        self._refuses = refuses
        self._pending: list[Delivery] = []

    def send(self, topic: str, value: bytes, key: bytes) -> Delivery:
        self.taken.append((topic, key, value))
        delivery = Delivery()
        self._pending.append(delivery)
        self.most_pending = max(self.most_pending, len(self._pending))
        return delivery

    def flush(self) -> None:
        pending, self._pending = self._pending, []
        for delivery in pending:
            delivery.end(self._refuses)

    def references(self) -> list[PhotoReference]:
        return [decode(value, PhotoReference) for topic, _, value in self.taken if topic == IMAGES]

    def rejects(self) -> list[Reject]:
        return [decode(value, Reject) for topic, _, value in self.taken if topic == REJECTS]


def photo(path: Path, content: bytes = b"pixels") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_reference_says_where_the_photo_lies_and_what_it_is(tmp_path: Path) -> None:
    file = photo(tmp_path / "2024" / "a b.jpg")
    broker = Broker()
    publish(described(tmp_path, ANN), broker)
    ((topic, key, _),) = broker.taken
    (reference,) = broker.references()
    assert (topic, key) == (IMAGES, record_key(reference))
    assert from_file_uri(reference.uri) == file.resolve()
    assert (reference.path, reference.size) == ("2024/a b.jpg", 6)
    assert reference.content_hash == hashlib.sha256(b"pixels").hexdigest()
    assert (reference.dataset, reference.subject, reference.run) == ("Ann", "Ann", "r1")


def test_names_that_differ_in_odd_characters_alone_stay_apart(tmp_path: Path) -> None:
    names = ["a b.jpg", "a_b.jpg", "a:b.jpg", "ä.jpg", os.fsdecode(b"\xe4.jpg"), r"\xe4.jpg"]
    for name in names:
        photo(tmp_path / name, name.encode("utf-8", "surrogateescape"))
    broker = Broker()
    publish(described(tmp_path, ANN), broker)
    assert len({reference.image_id for reference in broker.references()}) == len(names)


def test_a_copy_names_the_photo_it_copies(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    photo(tmp_path / "b" / "a.jpg")
    photo(tmp_path / "c.jpg", b"other pixels")
    broker = Broker()
    publish(described(tmp_path, ANN), broker)
    original, other, copy = broker.references()
    assert (original.duplicate_of, other.duplicate_of) == (None, None)
    assert copy.duplicate_of == original.image_id


def test_the_same_photo_tells_about_two_subjects(tmp_path: Path) -> None:
    photo(tmp_path / "ann" / "both.jpg")
    photo(tmp_path / "ben" / "both.jpg")
    photo(tmp_path / "beside.jpg", b"other")
    broker = Broker()
    publish(described(tmp_path, Dataset(name="Party", subject_per_folder=True)), broker)
    subjects = {r.path: (r.subject, r.duplicate_of) for r in broker.references()}
    assert subjects == {
        "ann/both.jpg": ("ann", None),
        "ben/both.jpg": ("ben", None),
        "beside.jpg": ("Party", None),
    }


def test_a_subject_may_be_named(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    broker = Broker()
    publish(described(tmp_path, Dataset(name="Ann", subject="Ann Lee")), broker)
    assert [reference.subject for reference in broker.references()] == ["Ann Lee"]


def test_what_cannot_be_read_is_rejected_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "broken.jpg").symlink_to("nowhere")
    photo(tmp_path / "fine.jpg")
    broker = Broker()
    publish(described(tmp_path, ANN), broker)
    assert [reference.path for reference in broker.references()] == ["fine.jpg"]
    rejects = {r.reference.path: r for r in broker.rejects() if r.reference}
    assert rejects["folder.jpg"].reason == "not_a_file"
    assert rejects["broken.jpg"].reason == "missing"
    assert all(r.run == "r1" and r.message and r.attempts == 1 for r in rejects.values())
    keys = {key.decode() for topic, key, _ in broker.taken if topic == REJECTS}
    assert keys == {record_key(reject).decode() for reject in rejects.values()}


def test_a_photo_that_may_not_be_read_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo(tmp_path / "a.jpg")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # root, who may run this, may read everything
    broker = Broker()
    publish(described(tmp_path, ANN), broker)
    assert [reject.reason for reject in broker.rejects()] == ["permission"]


def test_only_the_first_photos_are_taken_where_a_number_is_given(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        photo(tmp_path / f"{name}.jpg", name.encode())
    broker = Broker()
    publish(described(tmp_path, ANN, max_images=2), broker)
    assert [reference.path for reference in broker.references()] == ["a.jpg", "b.jpg"]


def test_a_record_that_the_broker_refuses_is_an_error(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    with pytest.raises(PublishError, match="run the same command again"):
        publish(described(tmp_path, ANN), Broker(refuses=TimeoutError("no broker")))


def test_the_number_of_unacknowledged_records_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.publish.UNACKNOWLEDGED_LIMIT", 50)
    reject = Reject(reason="missing", message="m", attempts=1, rejected_at=0.0)
    broker = Broker()
    publish((reject for _ in range(101)), broker)
    assert broker.most_pending == 50


def test_a_photo_is_handed_on_as_it_was_read(tmp_path: Path) -> None:
    """Putting a photo together from pieces takes longer than hashing it."""
    (tmp_path / "x.jpg").write_bytes(b"\xff\xd8\xff\xda\0\2" + bytes(3_000_000))
    tracemalloc.start()
    read_content(tmp_path / "x.jpg", lambda *_: None)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2 * 3_000_000


def test_a_file_that_detectors_refuse_for_its_size_is_not_hashed(tmp_path: Path) -> None:
    """Of a terabyte, which takes no room where it is all zeros, hashing would not end."""
    (tmp_path / "a.jpg").touch()
    os.truncate(tmp_path / "a.jpg", 1 << 40)
    (record,) = described(
        tmp_path, Dataset(name="d", run="r"), max_images=None, leave_out=(), counts=FileCounts()
    )
    assert isinstance(record, Reject)
    assert record.reason == RejectReason.TOO_LARGE
    assert record.message == f"{1 << 40} bytes are more than {LARGEST_FILE}: save it smaller"


def test_what_grows_while_it_is_hashed_is_not_read_on() -> None:
    class Growing(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            self.taken += size or 0
            return bytes(size or 0)

    stream = Growing()
    with pytest.raises(OSError, match="save it smaller") as refused:
        read_stream(stream, lambda *_: None, most=1_000_000)
    assert refused.value.errno == errno.EFBIG
    assert stream.taken <= 1_000_000 + 2 * PIECE_BYTES


def test_photos_are_spread_evenly_over_partitions_and_nothing_else_is() -> None:
    class Partitioned(Broker):
        def __init__(self) -> None:
            super().__init__()
            self.partitions: list[int | None] = []

        def partitions_for(self, topic: str) -> set[int]:
            return {0, 1, 2, 3} if topic == IMAGES else set()

        def send(
            self, topic: str, value: bytes, key: bytes, *, partition: int | None = None
        ) -> Delivery:
            self.partitions.append(partition)
            return super().send(topic, value, key)

    broker = Partitioned()
    reject = Reject(reason="missing", message="m", attempts=1, rejected_at=0.0)
    photos = [
        PhotoReference(
            image_id=f"{number}",
            uri="file:///x.jpg",
            dataset="d",
            path="x.jpg",
            subject="d",
            content_hash="0" * 64,
            size=1,
            found_at=1.0,
        )
        for number in range(40)
    ]
    publish([reject, *photos, reject], Evenly(broker))
    assert (broker.partitions[0], broker.partitions[-1]) == (None, None)
    assert Counter(broker.partitions[1:-1]) == dict.fromkeys(range(4), 10)
    assert [topic for topic, _, _ in broker.taken] == [REJECTS, *[IMAGES] * 40, REJECTS]


def test_where_a_picture_ends_is_looked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    search = jpeg._find_end

    def counted(data: bytes, start: int) -> int:
        asked.append(start)
        return search(data, start)

    monkeypatch.setattr(jpeg, "_find_end", counted)
    photo = b"\xff\xd8\xff\xda\0\2" + bytes(1000) + b"\xff\xd9"
    (tmp_path / "x.jpg").write_bytes(photo)
    assert read_content(tmp_path / "x.jpg", read_capture_time).picture == picture_digest(photo)
    assert len(asked) == 2  # one of them for the digest above


def test_photos_ahead_are_fetched_while_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr("producers.references.begin_reading", lambda file: begun.append(file.name))
    for number in range(20):
        (tmp_path / f"{number:02}.jpg").write_bytes(b"a photo")
    records = described(tmp_path, ANN)
    next(records)
    assert begun == [f"{number:02}.jpg" for number in range(1 + AHEAD)]
    cast("Generator[object]", records).close()


def test_what_cannot_be_fetched_ahead_is_left_to_reading(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for name in ("pipe.jpg", "missing.jpg", ""):
        begin_reading(tmp_path / name)


def test_a_pipe_in_a_photos_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")
    with pytest.raises(IsADirectoryError):
        read_content(tmp_path / "x.jpg", lambda *_: None)
