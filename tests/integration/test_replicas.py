"""Replicas on a real broker: every photo comes out once, whatever is killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from kafka import TopicPartition
from support import scripted_detector

from avatarrig.broker import EmbeddedBroker
from avatarrig.records import Observation, PhotoReference, Reject, decode
from avatarrig.runs import RunDirectory, WantedFiles, read_observation
from avatarrig.supervision import Child, Supervisor
from avatarrig.topics import DEFAULT_PARTITIONS, IMAGES, OBSERVATIONS, REJECTS, pipeline_topics
from avatarrig.transport import KafkaSettings, create_topics, open_producer, open_reader
from processors.sandbox_settings import Limits, SandboxSettings
from processors.settings import ReplicaSettings
from producers.publish import publish_dataset
from producers.references import Dataset

pytestmark = pytest.mark.broker
PATIENCE = 200.0
DEMO = Path(__file__).parents[2] / "inputs" / "datasets" / "Demo"


class Pipeline:
    """The topics, and a run of this test's own on them."""

    def __init__(self, kafka: KafkaSettings, photos: Path) -> None:
        self.kafka = kafka
        self.photos = photos
        self.run = uuid.uuid4().hex[:12]
        self.settings = ReplicaSettings(
            kafka=kafka,
            group=f"avatarrig.detectors.{self.run}",
            run=self.run,
            sandbox=SandboxSettings(
                photo_roots=(str(photos),), detector=scripted_detector.SCRIPTED
            ),
        )

    def publish(self, scripts: dict[str, str]) -> None:
        for name, script in scripts.items():
            (self.photos / name).write_text(script)
        producer = open_producer(self.kafka)
        try:
            publish_dataset(self.photos, Dataset(name="d", run=self.run), producer)
        finally:
            producer.close()

    def publish_bytes(self, value: bytes) -> None:
        producer = open_producer(self.kafka)
        try:
            producer.send(IMAGES, value=value, key=b"k").get(timeout=30)
        finally:
            producer.close()

    def observations(self) -> list[Observation]:
        values = read_all(self.kafka, OBSERVATIONS)
        return [o for o in (decode(v, Observation) for v in values) if o.run == self.run]

    def rejects(self) -> list[Reject]:
        return [decode(value, Reject) for value in read_all(self.kafka, REJECTS)]

    def own_rejects(self) -> list[Reject]:
        return [reject for reject in self.rejects() if reject.run == self.run]

    def done(self) -> int:
        return len({o.image_id for o in self.observations()}) + len(self.own_rejects())


def read_all(kafka: KafkaSettings, topic: str) -> list[bytes]:
    """Everything committed on a topic, but for tombstones."""
    reader = open_reader(kafka)
    try:
        values: list[bytes] = []
        reader.assign([TopicPartition(topic, n) for n in range(DEFAULT_PARTITIONS)])
        ends = reader.end_offsets(list(reader.assignment()))
        while any(reader.position(partition) < end for partition, end in ends.items()):
            for batch in reader.poll(timeout_ms=200).values():
                values += [record.value for record in batch if record.value is not None]
        return values
    finally:
        reader.close()


@pytest.fixture(autouse=True)
def support_is_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(scripted_detector.__file__).parents[1]))


@pytest.fixture
def pipeline(kafka: EmbeddedBroker, tmp_path: Path) -> Pipeline:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    create_topics(settings, pipeline_topics())
    photos = tmp_path / "photos"
    photos.mkdir()
    return Pipeline(settings, photos)


@pytest.fixture
def supervise() -> Iterator[Callable[..., Supervisor]]:
    started: list[Supervisor] = []

    def start(settings: ReplicaSettings, replicas: int) -> Supervisor:
        supervisor = Supervisor(
            [
                Child(
                    f"detector-{slot}", "processors", msgspec.structs.replace(settings, slot=slot)
                )
                for slot in range(replicas)
            ]
        )
        supervisor.start()
        started.append(supervisor)
        return supervisor

    yield start
    for supervisor in started:
        supervisor.stop()
        assert supervisor.failure is None


def wait_for(condition: Callable[[], object], *, every: float = 0.2) -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(every)


def with_limits(settings: ReplicaSettings, limits: Limits) -> ReplicaSettings:
    return msgspec.structs.replace(settings, limits=limits)


def test_every_photo_comes_out_once_though_replicas_are_killed(
    pipeline: Pipeline, supervise: Callable[..., Supervisor]
) -> None:
    pipeline.publish({f"{n}.jpg": f"sleep:0.1 {n}" for n in range(60)})
    supervisor = supervise(pipeline.settings, 2)
    kills = 0
    dice = random.Random(7)  # noqa: S311 - whom to kill is no secret

    def nearly_done() -> bool:
        nonlocal kills
        working = [s.pid for s in supervisor.states if s.state == "working" and s.pid]
        if working and kills < 6:
            os.kill(dice.choice(working), signal.SIGKILL)
            kills += 1
        return pipeline.done() >= 60

    wait_for(nearly_done, every=1.0)
    assert kills > 2
    counts = Counter(observation.path for observation in pipeline.observations())
    assert set(counts.values()) == {1}
    assert len(counts) == 60
    assert pipeline.own_rejects() == []


def test_a_poisonous_photo_is_set_aside_while_the_others_go_on(
    pipeline: Pipeline, supervise: Callable[..., Supervisor]
) -> None:
    good = {f"{n}.jpg": f"photo {n}" for n in range(20)}
    pipeline.publish({**good, "crash.jpg": "crash", "hang.jpg": "hang", "no.jpg": "refuse"})
    supervise(with_limits(pipeline.settings, Limits(detection=2.0)), 1)
    wait_for(lambda: pipeline.done() >= 23)
    rejects = {r.reference.path: r for r in pipeline.own_rejects() if r.reference}
    assert {path: (r.reason, r.attempts) for path, r in rejects.items()} == {
        "crash.jpg": ("crashed", 3),
        "hang.jpg": ("timed_out", 3),
        "no.jpg": ("unreadable", 1),
    }
    assert {r.fingerprint for r in rejects.values()} == {"scripted"}
    assert len(pipeline.observations()) == 20


def test_messages_that_are_no_references_are_set_aside_with_their_origin(
    pipeline: Pipeline, supervise: Callable[..., Supervisor]
) -> None:
    before = len(pipeline.rejects())
    pipeline.publish_bytes(b"\xc1 no msgpack")
    pipeline.publish_bytes(msgspec.msgpack.encode({"version": 999}))
    pipeline.publish({"x.jpg": "a person"})
    supervise(pipeline.settings, 1)
    wait_for(lambda: pipeline.done() >= 1 and len(pipeline.rejects()) >= before + 2)
    refused = [reject for reject in pipeline.rejects() if reject.reason == "malformed"]
    assert len({reject.origin for reject in refused}) >= 2
    assert all(reject.origin.startswith(f"{IMAGES}[") for reject in refused)
    assert any("schema version 999" in reject.message for reject in refused)


def test_photos_of_other_runs_are_left_alone(
    pipeline: Pipeline, supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = Pipeline(pipeline.kafka, elsewhere)
    other.publish({"theirs.jpg": "theirs"})
    pipeline.publish({"ours.jpg": "ours"})
    supervise(pipeline.settings, 1)
    wait_for(lambda: pipeline.done() >= 1)
    assert [o.path for o in pipeline.observations()] == ["ours.jpg"]
    assert other.observations() == []


def test_asked_to_stop_replicas_finish_the_photo_in_hand_and_lose_nothing(
    pipeline: Pipeline, supervise: Callable[..., Supervisor]
) -> None:
    pipeline.publish({f"{n}.jpg": f"sleep:0.3 {n}" for n in range(30)})
    first = supervise(pipeline.settings, 2)
    wait_for(lambda: pipeline.done() > 0)
    pids = [state.pid for state in first.states]
    first.stop()
    assert {state.state for state in first.states} == {"stopped"}
    assert {state.message for state in first.states} == {""}
    assert not any(pid and psutil.pid_exists(pid) for pid in pids)
    done = len(pipeline.observations())
    assert 0 < done < 30
    supervise(pipeline.settings, 2)
    wait_for(lambda: pipeline.done() >= 30)
    assert set(Counter(o.path for o in pipeline.observations()).values()) == {1}


def test_a_storage_that_is_away_is_waited_for(
    pipeline: Pipeline, supervise: Callable[..., Supervisor]
) -> None:
    pipeline.publish({f"{n}.jpg": str(n) for n in range(5)})
    away = pipeline.photos.rename(pipeline.photos.with_name("away"))
    supervisor = supervise(pipeline.settings, 1)
    wait_for(lambda: supervisor.states[0].state == "waiting")
    assert "mounted" in supervisor.states[0].message
    away.rename(pipeline.photos)
    wait_for(lambda: pipeline.done() >= 5)
    assert len(pipeline.observations()) == 5
    wait_for(lambda: supervisor.states[0].state == "working")


def test_replicas_added_and_removed_double_nothing(
    pipeline: Pipeline, supervise: Callable[..., Supervisor]
) -> None:
    pipeline.publish({f"{n}.jpg": f"sleep:0.2 {n}" for n in range(40)})
    two = supervise(pipeline.settings, 2)
    wait_for(lambda: pipeline.done() >= 3)
    two.stop()
    three = supervise(pipeline.settings, 3)
    wait_for(lambda: all(state.state == "working" for state in three.states))
    wait_for(lambda: pipeline.done() >= 12)
    three.stop()
    supervise(pipeline.settings, 1)
    wait_for(lambda: pipeline.done() >= 40)
    assert Counter(o.path for o in pipeline.observations()) == Counter(
        f"{n}.jpg" for n in range(40)
    )


def test_the_publisher_reaches_a_real_broker(pipeline: Pipeline) -> None:
    pipeline.publish({"a.jpg": "a", "b.jpg": "b"})
    references = []
    for value in read_all(pipeline.kafka, IMAGES):
        try:
            references.append(decode(value, PhotoReference))
        except ValueError:
            continue  # another test's malformed message
    assert {r.path for r in references if r.run == pipeline.run} == {"a.jpg", "b.jpg"}


def test_a_broker_that_stands_still_is_survived(
    fresh_kafka: EmbeddedBroker, tmp_path: Path, supervise: Callable[..., Supervisor]
) -> None:
    settings = KafkaSettings(bootstrap_servers=fresh_kafka.bootstrap_servers)
    create_topics(settings, pipeline_topics())
    (tmp_path / "photos").mkdir()
    pipeline = Pipeline(settings, tmp_path / "photos")
    pipeline.publish({f"{n}.jpg": f"sleep:0.1 {n}" for n in range(40)})
    supervisor = supervise(with_limits(pipeline.settings, Limits(stall=2.0)), 1)
    wait_for(lambda: pipeline.done() >= 3)
    os.kill(fresh_kafka.pid, signal.SIGSTOP)  # commits hang, as when their coordinator died
    try:
        wait_for(lambda: supervisor.states[0].restarts > 0)
    finally:
        os.kill(fresh_kafka.pid, signal.SIGCONT)
    wait_for(lambda: pipeline.done() >= 40)
    assert Counter(o.path for o in pipeline.observations()) == Counter(
        f"{n}.jpg" for n in range(40)
    )


def test_a_broker_that_is_killed_and_started_again_is_survived(
    fresh_kafka: EmbeddedBroker, tmp_path: Path, supervise: Callable[..., Supervisor]
) -> None:
    settings = KafkaSettings(bootstrap_servers=fresh_kafka.bootstrap_servers)
    create_topics(settings, pipeline_topics())
    (tmp_path / "photos").mkdir()
    pipeline = Pipeline(settings, tmp_path / "photos")
    pipeline.publish({f"{n}.jpg": f"sleep:0.1 {n}" for n in range(40)})
    supervise(pipeline.settings, 2)
    wait_for(lambda: pipeline.done() >= 3)
    os.kill(fresh_kafka.pid, signal.SIGKILL)
    wait_for(lambda: not fresh_kafka.alive)
    fresh_kafka.restart()
    wait_for(lambda: pipeline.done() >= 40)
    assert Counter(o.path for o in pipeline.observations()) == Counter(
        f"{n}.jpg" for n in range(40)
    )


@pytest.mark.models
def test_the_real_detector_observes_a_rendered_person(
    pipeline: Pipeline, supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    shutil.copy(DEMO / "000.jpg", pipeline.photos)
    run = RunDirectory(tmp_path / "run")
    sandbox = SandboxSettings(
        photo_roots=(str(pipeline.photos),),
        run_directory=str(run.path),
        wanted=WantedFiles(overlays=True, masks=True),
    )
    pipeline.publish({"text.jpg": "no photo"})
    supervise(msgspec.structs.replace(pipeline.settings, sandbox=sandbox), 1)
    wait_for(lambda: pipeline.done() >= 2)
    (observation,) = pipeline.observations()
    assert observation.path == "000.jpg"
    assert observation.pose is not None
    assert observation.evidence is not None
    assert observation.face is not None
    assert read_observation(run.observation(observation.image_id)) == observation
    assert run.overlay(observation.image_id).is_file()
    assert run.mask(observation.image_id).is_file()
    (reject,) = pipeline.own_rejects()
    assert reject.reason == "unsupported"
    assert reject.fingerprint == observation.fingerprint
