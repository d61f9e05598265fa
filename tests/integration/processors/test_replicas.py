"""Replicas on a real broker: every photo comes out once, whatever is killed."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import psutil
import pytest
from support.replicas import Pipeline, with_limits
from support.waiting import wait_for

from avatarrig.process.supervision import Supervisor
from avatarrig.runs import RunDirectory, WantedFiles, read_observation
from avatarrig.wire import PhotoReference, decode
from avatarrig.wire.topics import IMAGES
from processors.sandbox.settings import Limits, SandboxSettings

pytestmark = pytest.mark.broker
DEMO = Path(__file__).parents[3] / "inputs" / "datasets" / "Demo"


def test_a_poisonous_photo_is_set_aside_while_the_others_go_on(
    pipeline: Pipeline, supervise: Callable[..., Supervisor]
) -> None:
    good = {f"{n}.jpg": f"photo {n}" for n in range(20)}
    pipeline.publish({**good, "crash.jpg": "crash", "hang.jpg": "hang", "no.jpg": "refuse"})
    supervise(with_limits(pipeline.settings, Limits(detection=3.0)), 1)
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
    assert all(reject.origin.startswith(f"{IMAGES}/") for reject in refused)
    assert any("schema version 999" in reject.message for reject in refused)


def test_photos_of_other_runs_are_left_alone(
    pipeline: Pipeline, supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with closing(Pipeline(pipeline.kafka, elsewhere)) as other:
        other.publish({"theirs.jpg": "theirs"})
        pipeline.publish({"ours.jpg": "ours"})
        supervise(pipeline.settings, 1)
        wait_for(lambda: pipeline.done() >= 1)
        assert [o.path for o in pipeline.observations()] == ["ours.jpg"]
        assert other.observations() == []


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


def test_replicas_stopped_in_order_and_others_in_their_place_lose_and_double_nothing(
    pipeline: Pipeline, supervise: Callable[..., Supervisor]
) -> None:
    pipeline.publish({f"{n}.jpg": f"sleep:0.3 {n}" for n in range(40)})
    two = supervise(pipeline.settings, 2)
    wait_for(lambda: pipeline.done() >= 3)
    pids = [state.pid for state in two.states]
    two.stop()
    assert {state.state for state in two.states} == {"stopped"}
    assert {state.message for state in two.states} == {""}
    assert not any(pid and psutil.pid_exists(pid) for pid in pids)
    assert 0 < len(pipeline.observations()) < 40
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
    for value in pipeline.references():
        try:
            references.append(decode(value, PhotoReference))
        except ValueError:
            continue  # another test's malformed message
    assert {r.path for r in references if r.run == pipeline.run} == {"a.jpg", "b.jpg"}


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
