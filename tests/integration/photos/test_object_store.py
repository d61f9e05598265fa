"""Photos in a real S3-compatible store are found, published and read."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from kafka.consumer.fetcher import ConsumerRecord
from prometheus_client import CollectorRegistry
from support import scripted_detector
from support.deploy.s3 import S3
from support.kafka import with_topics
from support.kafka_parts.publishing import RecordingProducer
from support.references import reference
from support.waiting import PATIENCE

from avatarrig.kafka.clients import open_reader
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.metrics.ingest import IngestMetrics
from avatarrig.photos.object_store import StoreAwayError, open_store, reaching, to_store_url
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.photos.remote import RemotePhotos
from avatarrig.photos.source import PhotoSource, StorageUnreachableError
from avatarrig.photos.uri import to_file_uri
from avatarrig.process.supervision import Child, Supervisor
from avatarrig.wire import Observation, RecordRefusedError, Reject, decode
from avatarrig.wire.topics import OBSERVATIONS, REJECTS
from processors.sandbox.settings import SandboxSettings
from processors.settings import ReplicaSettings
from producers.bucket import Bucket
from producers.ingest import Ingest, Schedule
from producers.memory import Memory
from producers.references import Dataset
from producers.scan import DatasetError
from producers.service import ingest
from producers.settings import IngestSettings, SourceSettings
from producers.source import SourceAwayError

PHOTOS = {
    "Ann/1.jpg": b"one",
    "Ann/deep/2 ü#%41.JPG": b"two",
    "Ann/.hidden.jpg": b"hidden",
    "Ann/notes.txt": b"text",
    "Bea/3.jpg": b"three",
}


def ingest_of(url: str, producer: RecordingProducer) -> Ingest:
    memory = Memory("d")
    for record in producer.records:
        memory.recall(record)
    return Ingest(
        Bucket(url),
        Dataset(name="d"),
        producer,
        memory,
        schedule=Schedule(rescan=0.2),
        metrics=IngestMetrics(CollectorRegistry()),
    )


def test_what_is_below_a_prefix_is_published_once(s3: S3) -> None:
    url = s3.bucket("prefixes", PHOTOS)
    producer = RecordingProducer()
    ingest_of(f"{url}/Ann", producer).once(threading.Event())
    assert {r.path: r.uri for r in producer.photos} == {
        "1.jpg": "s3://prefixes/Ann/1.jpg",
        "deep/2 ü#%41.JPG": to_store_url("prefixes/Ann/deep/2 ü#%41.JPG"),
    }
    ingest_of(f"{url}/Ann/", producer).once(threading.Event())
    assert len(producer.records) == 2
    ingest_of(url, producer).once(threading.Event())
    assert {"Ann/1.jpg", "Bea/3.jpg"} <= set(producer.paths)


def test_keys_that_climb_are_set_aside_and_all_others_are_published(
    s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = s3.bucket("climbing", {"Ann/a.jpg": b"one", "Ann/z.jpg": b"two"})
    bucket = Bucket(f"{url}/Ann")
    # The server of these tests keeps objects in folders, which hold no such names.
    odd = ["./dot.jpg", "2024/../up.jpg", "2024/.././x.jpg"]
    find = bucket._store.find
    listed = {f"climbing/Ann/{path}": {"size": 9, "ETag": "x"} for path in odd}
    monkeypatch.setattr(bucket._store, "find", lambda *a, **k: find(*a, **k) | listed)
    producer = RecordingProducer()
    ingest = Ingest(
        bucket,
        Dataset(name="d"),
        producer,
        Memory("d"),
        schedule=Schedule(),
        metrics=IngestMetrics(CollectorRegistry()),
    )
    ingest.once(threading.Event())
    assert producer.paths == ["a.jpg", "z.jpg"]
    rejects = [record for record in producer.records if isinstance(record, Reject)]
    assert sorted(each.reference.path for each in rejects if each.reference) == sorted(odd)
    assert {each.reason for each in rejects} == {"unsupported"}


@pytest.mark.parametrize("grows", [False, True])
def test_objects_that_detectors_refuse_for_their_size_are_set_aside(
    s3: S3, monkeypatch: pytest.MonkeyPatch, *, grows: bool
) -> None:
    monkeypatch.setattr("producers.bucket.LARGEST_FILE", 1000)
    name = f"sizes-{grows}".lower()
    url = s3.bucket(name, {"a.jpg": b"one", "large.jpg": bytes(1001), "z.jpg": bytes(1000)})
    producer = RecordingProducer()
    ingest = ingest_of(url, producer)
    if grows:  # between being listed and being read
        monkeypatch.setattr("producers.bucket._problem_of", lambda *_: None)
    ingest.once(threading.Event())
    assert producer.paths == ["a.jpg", "z.jpg"]
    (reject,) = (record for record in producer.records if isinstance(record, Reject))
    assert (reject.reason, reject.message) == (
        "too_large",
        "1001 bytes are more than 1000: save it smaller",
    )
    assert reject.reference is not None
    assert reject.reference.path == "large.jpg"


def test_a_folder_that_goes_by_a_photo_name_is_no_photo(s3: S3) -> None:
    bucket = Bucket(s3.bucket("folders", {"folder.jpg/1.jpg": b"one"}))
    bucket._store.pipe_file("folders/other.jpg/", b"")
    assert [entry.photo.path for entry in bucket.scan()] == ["folder.jpg/1.jpg"]


def test_what_comes_is_found_also_after_the_store_was_away(s3: S3) -> None:
    url = s3.bucket("polled", {"1.jpg": b"one"})
    producer = RecordingProducer()
    with watching(ingest_of(url, producer)):
        producer.wait_for("1.jpg")
        s3.put("polled", "2.jpg", b"two")
        producer.wait_for("2.jpg")
        s3.server.stop()
        time.sleep(0.5)
        s3.server.start()
        s3.put("polled", "3.jpg", b"three")
        producer.wait_for("3.jpg")
    assert producer.paths == ["1.jpg", "2.jpg", "3.jpg"]


@contextmanager
def watching(ingest: Ingest) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=ingest.watch, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_bucket_that_is_not_there_and_a_store_that_is_not_are_told_apart(
    s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatasetError, match="s3://never-made does not exist"):
        Bucket("s3://never-made").check()
    with pytest.raises(DatasetError, match="s3://BUCKET"):
        Bucket("s3://a/../b")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(SourceAwayError, match=r"127\.0\.0\.1:1"):
        Bucket("s3://photos").check()
    with pytest.raises(StoreAwayError), reaching("photos"):
        open_store().cat_file("photos/1.jpg")


class Photos:
    """A replica's view of the store."""

    def __init__(self, folder: Path, *, root: str) -> None:
        self.folder = folder
        self.remote = RemotePhotos([root], 1000, folder)

    def read(self, uri: str, content: bytes) -> bytes:
        """Fetches a photo, waits for it, and reads it as the detector process does."""
        photo = reference("x.jpg", content, uri=uri)
        give_up = time.monotonic() + PATIENCE
        while (local := self.remote.locally(photo)) is None:
            assert time.monotonic() < give_up
            time.sleep(0.01)
        return PhotoSource([self.folder], 1000).read(local)

    def refusal(self, uri: str, content: bytes) -> str:
        with pytest.raises(PhotoRefusedError) as refused:
            self.read(uri, content)
        return refused.value.reason


def test_photos_are_fetched_as_they_were_meant_or_refused(s3: S3, tmp_path: Path) -> None:
    url = s3.bucket("fetched", {"ü #1.jpg": b"pixels", "large.jpg": b"x" * 1001, "empty.jpg": b""})
    photos = Photos(tmp_path, root=url)
    uri = to_store_url("fetched/ü #1.jpg")
    assert photos.read(uri, b"pixels") == b"pixels"
    assert photos.read(f"{url}/empty.jpg", b"") == b""
    assert photos.refusal(uri, b"other pixels") == "changed"
    assert photos.refusal(f"{url}/never.jpg", b"") == "missing"
    assert photos.refusal(f"{url}/large.jpg", b"x" * 1001) == "too_large"
    photos.remote.keep_only([])
    assert list(tmp_path.iterdir()) == []
    photos.remote.close()


def test_a_store_that_is_away_is_waited_for(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    photos = Photos(tmp_path, root="s3://photos")
    with pytest.raises(StorageUnreachableError):
        photos.read("s3://photos/1.jpg", b"pixels")
    photos.remote.close()


def test_a_store_that_redirects_to_a_file_is_not_followed(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"secret")
    asked = []

    class Redirecting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(307)
            self.send_header("Location", to_file_uri(secret))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        folder = tmp_path / "fetched"
        folder.mkdir()
        photos = Photos(folder, root="s3://photos")
        with pytest.raises((StorageUnreachableError, PhotoRefusedError)):
            photos.read("s3://photos/1.jpg", b"secret")
        server.shutdown()
    assert asked
    assert list(folder.iterdir()) == []
    photos.remote.close()


def test_a_detector_observes_photos_of_a_store_without_holding_its_credentials(
    s3: S3, kafka: EmbeddedBroker, support_is_importable: None
) -> None:
    url = s3.bucket("observed", {"1.jpg": b"seen", "2.jpg": b"seen too", "3.jpg": b"refuse"})
    settings = with_topics(kafka)
    ingest(
        IngestSettings(
            kafka=settings,
            source=SourceSettings(location=url, dataset=Dataset(name="store")),
            watch=False,
        ),
        threading.Event(),
    )
    replica = ReplicaSettings(
        kafka=settings,
        group="avatarrig.detectors.store",
        sandbox=SandboxSettings(photo_roots=(url,), detector=scripted_detector.SCRIPTED),
    )
    with (
        Supervisor([Child("detector-0", "processors", replica)]) as supervisor,
        contextlib.closing(open_reader(settings, [OBSERVATIONS, REJECTS])) as reader,
    ):
        outcomes: dict[str, str] = {}
        give_up = time.monotonic() + PATIENCE
        while len(outcomes) < 3:
            assert time.monotonic() < give_up, supervisor.states
            for batch in reader.poll(timeout_ms=200).values():
                outcomes |= dict(filter(None, (outcome(message) for message in batch)))
        for process in psutil.Process(supervisor.states[0].pid).children():
            assert not {name for name in process.environ() if name.startswith("AWS_SECRET")}
    assert outcomes == {"1.jpg": "observed", "2.jpg": "observed", "3.jpg": "unreadable"}


def outcome(message: ConsumerRecord) -> tuple[str, str] | None:
    """A photo's path and what became of it; None for another test's."""
    with contextlib.suppress(RecordRefusedError):
        if message.topic == OBSERVATIONS:
            seen = decode(message.value, Observation)
            return (seen.path, "observed") if seen.dataset == "store" else None
        reject = decode(message.value, Reject)
        if reject.reference is not None and reject.reference.dataset == "store":
            return reject.reference.path, reject.reason
    return None


def test_wrong_credentials_are_told(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.bucket("closed", {"1.jpg": b"one"})
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(DatasetError, match="AWS_ACCESS_KEY_ID"):
        Bucket("s3://closed").check()
