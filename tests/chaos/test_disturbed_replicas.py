"""Replicas and their broker are killed or stand still: every photo comes out once."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable

import pytest
from support.kafka import kill
from support.replicas import Pipeline, with_limits
from support.waiting import wait_for

from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.process.supervision import Supervisor
from processors.sandbox.settings import Limits

pytestmark = pytest.mark.broker


def test_every_photo_comes_out_once_though_replicas_are_killed(
    pipeline: Pipeline, supervise: Callable[..., Supervisor]
) -> None:
    pipeline.publish({f"{n}.jpg": f"sleep:0.3 {n}" for n in range(60)})
    supervisor = supervise(pipeline.settings, 2)
    kills = 0
    dice = random.Random(7)

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


def test_a_broker_that_stands_still_is_survived(
    fresh_kafka: EmbeddedBroker,
    fresh_pipeline: Pipeline,
    supervise: Callable[..., Supervisor],
) -> None:
    fresh_pipeline.publish({f"{n}.jpg": f"sleep:0.4 {n}" for n in range(40)})
    supervisor = supervise(with_limits(fresh_pipeline.settings, Limits(stall=2.0)), 1)
    wait_for(lambda: fresh_pipeline.done() >= 3)
    os.kill(fresh_kafka.pid, signal.SIGSTOP)  # commits hang, as when their coordinator died
    try:
        wait_for(lambda: supervisor.states[0].restarts > 0)
    finally:
        os.kill(fresh_kafka.pid, signal.SIGCONT)
    wait_for(lambda: fresh_pipeline.done() >= 40)
    assert Counter(o.path for o in fresh_pipeline.observations()) == Counter(
        f"{n}.jpg" for n in range(40)
    )


def test_a_broker_that_is_killed_and_started_again_is_survived(
    fresh_kafka: EmbeddedBroker,
    fresh_pipeline: Pipeline,
    supervise: Callable[..., Supervisor],
) -> None:
    fresh_pipeline.publish({f"{n}.jpg": f"sleep:0.4 {n}" for n in range(40)})
    supervise(fresh_pipeline.settings, 2)
    wait_for(lambda: fresh_pipeline.done() >= 3)
    kill(fresh_kafka)
    fresh_kafka.restart()
    wait_for(lambda: fresh_pipeline.done() >= 40)
    assert Counter(o.path for o in fresh_pipeline.observations()) == Counter(
        f"{n}.jpg" for n in range(40)
    )
