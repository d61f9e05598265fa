"""The stages as services, by their commands: on a Kafka with TLS and SCRAM, and on their own."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import psutil
import pytest
from click.testing import CliRunner
from support import waiting
from support.command import Command, copy_demo
from support.kafka import SecureKafka
from support.kafka_parts.topics import read_to_end

from avatarrig.cli import avatarrig
from avatarrig.kafka.clients import open_reader
from avatarrig.kafka.reading import partitions_of
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire import Observation, SkeletonRecord, decode
from avatarrig.wire.topics import OBSERVATIONS, SKELETONS

PHOTOS = 12
Kind = TypeVar("Kind", Observation, SkeletonRecord)


class Service:
    """A command that goes on until it is told to stop."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.log = log

    def stop(self, by: signal.Signals = signal.SIGTERM) -> str:
        """Asks it to stop; it ends in order and in time. Returns all it said."""
        self.process.send_signal(by)
        assert self.process.wait(timeout=waiting.PATIENCE) == 0, self.log.read_text()
        return self.log.read_text()


@contextlib.contextmanager
def service(command: Command, *arguments: str | Path) -> Iterator[Service]:
    log = command.folder / f"{arguments[0]}-{time.monotonic_ns()}.log"
    with log.open("wb") as file:
        process = command.start(*arguments, stdout=file, stderr=file)
    with process:
        try:
            yield Service(process, log)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=waiting.PATIENCE)


def wait_for(condition: Callable[[], object], *, watching: tuple[Service, ...] = ()) -> None:
    def holds() -> bool:
        for each in watching:
            assert each.process.poll() is None, each.log.read_text()
        return bool(condition())

    waiting.wait_for(holds, every=0.3, why=lambda: [each.log.read_text() for each in watching])


def read(kafka: KafkaSettings, topic: str, kind: type[Kind]) -> list[Kind]:
    with contextlib.closing(open_reader(kafka)) as reader:
        starts = reader.beginning_offsets(partitions_of(reader, topic))
        return [decode(message.value, kind) for _, message in read_to_end(reader, starts)]


def observed(kafka: KafkaSettings, subject: str) -> list[Observation]:
    return [each for each in read(kafka, OBSERVATIONS, Observation) if each.subject == subject]


def estimated(kafka: KafkaSettings, subject: str) -> int:
    """Photos in the last estimate."""
    estimates = read(kafka, SKELETONS, SkeletonRecord)
    return max((each.observations for each in estimates if each.subject == subject), default=0)


def asked(command: Command, *arguments: str) -> str:
    """What a command that only looks says."""
    done = command.ask(*arguments)
    return done.stdout if done.exit_code == 0 else ""


def photos_in_estimate(command: Command, subject: str) -> int:
    said = asked(command, "status", "--json")
    skeletons = msgspec.json.decode(said)["skeletons"] if said else ()
    return sum(each["observations"] for each in skeletons if each["subject"] == subject)


@pytest.fixture
def secured(secure_kafka: SecureKafka, tmp_path: Path) -> Command:
    """The command, where a settings file says how Kafka is reached."""
    (tmp_path / "password").write_text(secure_kafka.PASSWORD + "\n")
    (tmp_path / "avatarrig.toml").write_text(
        f"""
        [kafka]
        bootstrap_servers = "localhost:{secure_kafka.port}"
        security_protocol = "SASL_SSL"
        sasl_mechanism = "SCRAM-SHA-512"
        username = "{secure_kafka.USERNAME}"
        password_file = "password"
        cafile = "{secure_kafka.cafile}"

        [detect]
        workers = 1
        out = "run"
        """
    )
    return Command(tmp_path)


def test_the_same_settings_reach_ingest_detectors_and_aggregator_over_tls_and_scram(
    secured: Command, secure_kafka: SecureKafka
) -> None:
    photos = copy_demo(secured.folder / "Secured", [f"{n}.jpg" for n in range(PHOTOS)])
    # As many as other tests make on this node.
    created = secured.run("topics", "create", "--partitions", "2")
    assert created.returncode == 0, created.stderr
    described = msgspec.json.decode(secured.run("topics", "describe", "--json").stdout)
    assert {topic["partitions"] for topic in described} == {2}
    detecting = ("detect", "--allow-root", photos, "--group", "avatarrig.detectors.secured")
    kafka = secure_kafka.settings()

    with (
        service(secured, *detecting) as detector,
        service(secured, "aggregate", "--web-port", "0") as aggregator,
        service(secured, "ingest", photos, "--watch") as ingest,
    ):
        wait_for(lambda: observed(kafka, "Secured"), watching=(detector, aggregator))
        assert not shown_to_everybody(secure_kafka.PASSWORD, detector, aggregator, ingest)
        detector.stop()  # in the midst of it
        assert "avatarrig.detectors.secured" in alive(secured)
        wait_for(lambda: alive(secured)["avatarrig.detectors.secured"] == 0)
        with service(secured, *detecting) as again:
            wait_for(
                lambda: estimated(kafka, "Secured") == PHOTOS,
                watching=(again, aggregator),
            )
            assert photos_in_estimate(secured, "Secured") == PHOTOS
            wait_for(lambda: alive(secured)["avatarrig.detectors.secured"] == 1)
            again.stop(by=signal.SIGINT)
        aggregator.stop()
        said = ingest.stop(by=signal.SIGINT)
        assert f"{PHOTOS} photos published" in said
        assert "Traceback" not in said
        wait_for(lambda: set(alive(secured).values()) == {0})
    assert set(Counter(seen.path for seen in observed(kafka, "Secured")).values()) == {1}
    assert len(list((secured.folder / "run" / "observations").iterdir())) == PHOTOS
    for log in secured.folder.glob("*.log"):
        assert secure_kafka.PASSWORD not in log.read_text()
    assert "0 photos published" in secured.run("ingest", photos).stdout


def alive(command: Command) -> dict[str, int]:
    status = msgspec.json.decode(asked(command, "status", "--json"))
    return {group["group"]: group["members"] for group in status["groups"]}


def shown_to_everybody(secret: str, *services: Service) -> list[str]:
    """Command lines, as every user of the machine sees them, that hold a secret."""
    processes = [
        process
        for each in services
        for parent in [psutil.Process(each.process.pid)]
        for process in [parent, *parent.children(recursive=True)]
    ]
    assert len(processes) >= 5
    lines = [" ".join(process.cmdline()) for process in processes]
    return [line for line in lines if secret in line]


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "photos", "--out", "run"),
        ("up", "photos"),
        ("ingest", "photos"),
        ("ingest", "photos", "--watch"),
        ("detect", "--allow-root", "photos"),
        ("aggregate",),
        ("status",),
        ("rejects", "list"),
        ("topics", "create"),
    ],
    ids=" ".join,
)
def test_wrong_credentials_end_every_command_at_once(
    secured: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    copy_demo(secured.folder / "photos", ["1.jpg"])
    (secured.folder / "password").write_text("wrong-secret")
    monkeypatch.chdir(secured.folder)
    done = CliRunner().invoke(avatarrig, arguments)
    assert done.exit_code == 1, done.output
    assert "refuses the credentials of user 'alice' (SCRAM-SHA-512)" in done.stderr
    assert "wrong-secret" not in done.output
    assert isinstance(done.exception, SystemExit), "words, and no traceback"


def photos_in_file(kept: Path) -> int:
    file = kept / "skeleton_estimate.json"
    return int(msgspec.json.decode(file.read_bytes())["photos"]["observed"] if file.exists() else 0)


def test_up_keeps_a_skeleton_up_to_date_over_kills_and_goes_on_where_it_stopped(
    tmp_path: Path,
) -> None:
    command = Command(tmp_path, {"XDG_STATE_HOME": str(tmp_path / "state")})
    names = ["0.jpg", "1.jpg", "later/2.jpg", "3.jpg", "4.jpg"]
    photos, kept = copy_demo(tmp_path / "Watched", names[:2]), tmp_path / "kept"
    starting = ("up", photos, "--workers", "1", "--web-port", "0", "--out", kept)
    with service(command, *starting) as everything:
        wait_for(lambda: photos_in_file(kept) == 2, watching=(everything,))
        assert photos_in_estimate(command, "Watched") == 2
        words = everything.log.read_text()
        told = re.search(r"Kafka is starting at (\S+);", words)
        assert told is not None, "where Kafka will be is told before anything can be asked there"
        assert told.end() < words.index("aggregator is starting")
        assert f"Kafka listens at {told[1]}" in words
        copy_demo(photos, names[:3])
        wait_for(lambda: photos_in_file(kept) == 3, watching=(everything,))
        assert photos_in_estimate(command, "Watched") == 3
        before = len(everything.log.read_text().splitlines())
        broker_of(everything).kill()
        copy_demo(photos, names[:4])
        wait_for(lambda: photos_in_file(kept) == 4, watching=(everything,))
        lines = everything.log.read_text().splitlines()[before:]
        parts = psutil.Process(everything.process.pid).children(recursive=True)
        everything.stop()
        assert psutil.wait_procs(parts, timeout=waiting.PATIENCE)[1] == []
    assert_told_in_few_words(lines)
    copy_demo(photos, names)
    with service(command, *starting) as everything:
        wait_for(lambda: photos_in_estimate(command, "Watched") == 5, watching=(everything,))
        assert msgspec.json.decode(asked(command, "status", "--json"))["found"] == 5
        everything.stop()
    assert photos_in_file(kept) == 5  # what was estimated last is written before the end
    assert (kept / "skeleton_estimate.png").is_file()
    assert command.run("export", kept, "--format", "bvh").returncode == 0


def assert_told_in_few_words(lines: list[str]) -> None:
    """That the broker was killed."""
    told = [msgspec.json.decode(line) for line in lines]
    assert len(told) <= 12
    assert len([line for line in told if line["level"] not in {"debug", "info"}]) <= 2
    assert [line for line in told if "nothing is lost" in line["event"]]


def broker_of(everything: Service) -> psutil.Process:
    family = psutil.Process(everything.process.pid).children(recursive=True)
    (broker,) = (process for process in family if "java" in process.name())
    return broker
