"""What detectors write goes to a store as well as to a folder, and is taken away again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec
import psutil
import pytest
from click.testing import CliRunner, Result
from support import scripted_detector
from support.deploy.s3 import S3
from support.kafka import with_topics
from support.observed import observation
from support.waiting import PATIENCE

from avatarrig.cli import avatarrig
from avatarrig.kafka.clients import open_producer, open_reader
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.photos.object_store import StoreAwayError, StoreUrlError
from avatarrig.photos.source import StorageUnreachableError
from avatarrig.pipeline.forgotten_files import forget_stored_files
from avatarrig.process.supervision import Child, Supervisor
from avatarrig.runs import (
    Pictures,
    RunDirectory,
    RunStorageError,
    WantedFiles,
    parse_observation,
    write_observation,
)
from avatarrig.runs.store import RunStore
from avatarrig.wire import Observation, RecordRefusedError, Reject, decode
from avatarrig.wire.topics import OBSERVATIONS, REJECTS
from processors.sandbox.settings import SandboxSettings
from processors.sandbox.stored_files import AnswerRefusedError, StoredFiles
from processors.settings import ReplicaSettings
from producers.publish import described, publish
from producers.references import Dataset

ALL = Pictures(overlay=b"drawn", raw=b"raw", mask=b"mask")


def objects(s3: S3, bucket: str) -> dict[str, bytes]:
    found = s3.store.find(bucket)
    return {name.removeprefix(f"{bucket}/"): s3.store.cat_file(name) for name in found}


def files_of(image_id: str) -> set[str]:
    return {
        f"overlays/{image_id}.png",
        f"overlays/{image_id}_raw.png",
        f"masks/{image_id}.png",
        f"observations/{image_id}.json",
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the detector process writes to."""
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def written(folder: Path, number: int, subject: str = "anna") -> Observation:
    seen = observation(number, subject)
    write_observation(RunDirectory(folder), seen, ALL)
    return seen


def send(files: StoredFiles, image_id: str) -> None:
    files.send(image_id).result(PATIENCE)


def test_files_go_to_the_store_as_they_are_and_leave_the_folder(s3: S3, folder: Path) -> None:
    url = s3.bucket("sent", {}) + "/deep/run"
    files = StoredFiles(RunStore(url), folder, 1000_000)
    first, second = written(folder, 1), written(folder, 2)
    send(files, first.image_id)
    expected = {
        f"deep/run/{file.relative_to(folder).as_posix()}": file.read_bytes()
        for file in RunDirectory(folder).files_of(first.image_id)
    }
    assert objects(s3, "sent") == expected
    files.keep_only([second.image_id])
    left = {file.relative_to(folder).as_posix() for file in folder.glob("*/*")}
    assert left == files_of(second.image_id)
    files.close()


def test_a_file_system_with_folders_takes_files_as_well(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "shared" / "run"
    files = StoredFiles(RunStore(f"local://{target}"), folder, 1000_000)
    seen = written(folder, 1)
    send(files, seen.image_id)
    there = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert there == files_of(seen.image_id)
    assert forget_stored_files(f"local://{target}", "anna") == 4
    files.close()


def test_a_link_to_a_file_elsewhere_is_not_sent(s3: S3, folder: Path, tmp_path: Path) -> None:
    """The detector process decodes what strangers made, and may have been taken over."""
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"secret")
    files = StoredFiles(RunStore(s3.bucket("linked", {})), folder, 1000_000)
    seen = written(folder, 1)
    overlay = RunDirectory(folder).overlay(seen.image_id)
    overlay.unlink()
    overlay.symlink_to(secret)
    with pytest.raises(AnswerRefusedError):
        send(files, seen.image_id)
    with pytest.raises(AnswerRefusedError, match="no observation"):
        send(files, "never-seen")
    assert objects(s3, "linked") == {}
    files.close()


def test_a_store_that_is_away_is_told_from_one_that_refuses(
    s3: S3, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.bucket("closed-to-writers", {})
    with pytest.raises(RunStorageError, match="no such bucket"):
        RunStore("s3://never-made/run").check()
    seen = written(folder, 1)
    with monkeypatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        with pytest.raises(RunStorageError, match="credentials"):
            RunStore("s3://closed-to-writers").check()
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        files = StoredFiles(RunStore("s3://closed-to-writers"), folder, 1000_000)
        with pytest.raises(StorageUnreachableError):
            send(files, seen.image_id)
        files.close()
        with pytest.raises(StoreAwayError):
            RunStore("s3://closed-to-writers").check()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://", "s3://BUCKET"),
        ("s3://a/../b", "climbs"),
        ("nothing://a/b", "neither a folder nor a store"),
        ("sftp://me:secret@host/run", "password"),
        ("simplecache::sftp://host/run", "neither a folder nor a store"),
    ],
)
def test_what_names_no_store_is_refused(url: str, words: str) -> None:
    with pytest.raises(StoreUrlError, match=words) as refused:
        RunStore(url)
    assert "secret" not in str(refused.value)


def test_a_subject_is_forgotten_in_a_store(s3: S3, folder: Path) -> None:
    url = s3.bucket("to-forget", {"other.txt": b"not ours", "observations/damaged.json": b"{"})
    files = StoredFiles(RunStore(url), folder, 1000_000)
    anna, ben = written(folder, 1, "anna"), written(folder, 2, "ben")
    for seen in (anna, ben):
        send(files, seen.image_id)
    files.close()
    assert forget_stored_files(url, "anna") == 4 + 1  # the damaged one may be hers
    left = set(objects(s3, "to-forget"))
    assert left == files_of(ben.image_id) | {"other.txt"}
    assert forget_stored_files(url, "anna") == 0


class Detecting:
    """A replica whose files go to a store; what comes out of it."""

    def __init__(self, settings: ReplicaSettings) -> None:
        self.supervisor = Supervisor([Child("detector-0", "processors", settings)])
        self._run = settings.run
        self._reader = open_reader(settings.kafka, [OBSERVATIONS, REJECTS])
        self.observed: dict[str, Observation] = {}
        self.rejected: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.supervisor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.supervisor.stop()
        self._reader.close()

    @property
    def state(self) -> str:
        return self.supervisor.states[0].state

    def wait_for(self, condition: Callable[[], bool]) -> None:
        give_up = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < give_up, self.supervisor.states
            for batch in self._reader.poll(timeout_ms=100).values():
                for message in batch:
                    self._take(message.topic, message.value)

    def _take(self, topic: str, value: bytes) -> None:
        with contextlib.suppress(RecordRefusedError):  # other tests'
            if topic == OBSERVATIONS:
                seen = decode(value, Observation)
                if seen.run == self._run:
                    self.observed[seen.path] = seen
            elif (reject := decode(value, Reject)).run == self._run and reject.reference:
                self.rejected[reject.reference.path] = reject.reason


@pytest.fixture
def replica(kafka: EmbeddedBroker, tmp_path: Path, support_is_importable: None) -> ReplicaSettings:
    settings = with_topics(kafka)
    run = tmp_path.name[-12:].rjust(12, "r")
    return ReplicaSettings(
        kafka=settings,
        group=f"avatarrig.detectors.{run}",
        run=run,
        sandbox=SandboxSettings(
            photo_roots=(str(tmp_path),),
            detector=scripted_detector.SCRIPTED,
            wanted=WantedFiles(overlays=True, masks=True),
        ),
    )


def publish_photos(settings: ReplicaSettings, photos: Path, **scripts: str) -> None:
    photos.mkdir(exist_ok=True)
    for name, script in scripts.items():
        (photos / f"{name}.jpg").write_text(script)
    with contextlib.closing(open_producer(settings.kafka)) as producer:
        publish(described(photos, Dataset(name="stored", run=settings.run)), producer)


def writing_to(settings: ReplicaSettings, url: str) -> ReplicaSettings:
    sandbox = msgspec.structs.replace(settings.sandbox, run_directory=url)
    return msgspec.structs.replace(settings, sandbox=sandbox)


def test_a_photo_counts_once_its_files_are_in_the_store_which_may_go_away(
    s3: S3, replica: ReplicaSettings, tmp_path: Path
) -> None:
    url = s3.bucket("results", {}) + "/run"
    publish_photos(replica, tmp_path / "first", seen="1", nobody="nobody", bad="refuse")
    with Detecting(writing_to(replica, url)) as detecting:
        detecting.wait_for(lambda: len(detecting.observed) + len(detecting.rejected) == 3)
        assert detecting.rejected == {"bad.jpg": "unreadable"}
        for process in psutil.Process(detecting.supervisor.states[0].pid).children():
            assert not {name for name in process.environ() if name.startswith("AWS_SECRET")}
        s3.server.stop()
        publish_photos(replica, tmp_path / "second", later="2")
        detecting.wait_for(lambda: detecting.state == "waiting")
        assert "later.jpg" not in detecting.observed
        s3.server.start()
        detecting.wait_for(lambda: "later.jpg" in detecting.observed)
        detecting.wait_for(lambda: detecting.state == "working")
    there = objects(s3, "results")
    assert set(there) == {
        f"run/{path}" for seen in detecting.observed.values() for path in files_of(seen.image_id)
    }
    for seen in detecting.observed.values():
        name = f"run/observations/{seen.image_id}.json"
        assert parse_observation(there[name], name) == seen


def test_a_store_that_takes_nothing_ends_the_work(
    s3: S3, replica: ReplicaSettings, tmp_path: Path
) -> None:
    publish_photos(replica, tmp_path / "photos", seen="1")
    with Detecting(writing_to(replica, "s3://not-a-bucket/run")) as detecting:
        detecting.wait_for(lambda: detecting.supervisor.failure is not None)
        assert "s3://not-a-bucket/run/" in str(detecting.supervisor.failure)
    assert detecting.observed == {}


@pytest.fixture
def ask(kafka: EmbeddedBroker) -> Callable[..., Result]:
    with_topics(kafka)

    def invoke(*arguments: str | Path) -> Result:
        named = ("--bootstrap-servers", kafka.bootstrap_servers)
        return CliRunner().invoke(avatarrig, [*map(str, arguments), *named])

    return invoke


def test_mistakes_are_told_at_the_start(s3: S3, ask: Callable[..., Result], tmp_path: Path) -> None:
    detect = ("detect", "--allow-root", tmp_path, "--out")
    no_bucket = ask(*detect, "s3://never-made-either/run")
    assert (no_bucket.exit_code, "no such bucket" in no_bucket.stderr) == (1, True)
    no_store = ask(*detect, "nothing://x/y")
    assert (no_store.exit_code, "--out" in no_store.stderr) == (2, True)
    page = ask("aggregate", "--web-overlays", "s3://results/run")
    assert (page.exit_code, "--web-overlays" in page.stderr) == (2, True)
    forgotten = ask("forget", "anna", "--yes", "--out", tmp_path / "nowhere")
    assert (forgotten.exit_code, "nowhere" in forgotten.stderr) == (2, True)
