"""Whatever child is killed, whenever: the command goes on by itself and ends as undisturbed.

One start: nobody gives the command again.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from support.cli.disturbed import (
    AGGREGATOR,
    BROKER,
    GUARD,
    REPLICA,
    SANDBOX,
    STORAGE_TOOL,
    Disturbed,
    Flock,
    wait_until_gone,
)
from support.command import Result

from avatarrig.kafka.embedded import default_cache
from avatarrig.kafka.embedded.distribution import prepare_distribution
from avatarrig.kafka.embedded.storage import bootstrap_file

pytestmark = pytest.mark.broker

LASTING = (GUARD, BROKER, REPLICA, SANDBOX, AGGREGATOR)
KINDS = (*LASTING, STORAGE_TOOL)
TURNS = [tuple((LASTING * 2)[first : first + 3]) for first in range(len(LASTING))]
"""Which is killed at its start, which at work and which while all is stopped."""

PHOTOS = 30
PACE = 0.05
ALL = "AVATARRIG_TEST_ALL" in os.environ
"""Whether `scripts/test chaos --all` asks for the long ones."""

MEANWHILE = 60.0 if ALL else 30.0
"""Seconds of killing at random."""

RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
"""The same in all processes of one run of pytest, which must find the same tests."""

SEEDS = range(1, 6) if ALL else [int(RUN[:5], 16)]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Flock:
    return Flock(tmp_path_factory.mktemp("few"), PHOTOS)


@pytest.fixture(scope="module")
def left_alone(few: Flock, tmp_path_factory: pytest.TempPathFactory) -> Result:
    run = Disturbed(few.photos, tmp_path_factory.mktemp("left-alone") / "run", "--workers", "1")
    try:
        return run.result()
    finally:
        run.close()


@pytest.fixture
def begin(few: Flock, left_alone: Result, tmp_path: Path) -> Iterator[Callable[..., Disturbed]]:
    assert left_alone.document["photos"]["observed"] == PHOTOS
    runs: list[Disturbed] = []

    def start(pace: float) -> Disturbed:
        few.pace(pace)
        runs.append(Disturbed(few.photos, tmp_path / "run", "--workers", "1"))
        return runs[-1]

    yield start
    for run in runs:
        run.close()


def assert_as_left_alone(run: Disturbed, left_alone: Result) -> None:
    family = run.family()
    result = run.result()  # of this one start, with status 0
    assert result.document["photos"] == left_alone.document["photos"]
    assert result.estimate == left_alone.estimate
    wait_until_gone(family)


def test_the_storage_tool_is_killed(begin: Callable[..., Disturbed], left_alone: Result) -> None:
    # It is not asked again once its answer is kept.
    bootstrap_file(prepare_distribution(default_cache())).unlink(missing_ok=True)
    run = begin(0)
    run.kill_one(STORAGE_TOOL)
    assert_as_left_alone(run, left_alone)


@pytest.mark.parametrize(("at_its_start", "at_work", "while_all_is_stopped"), TURNS)
def test_three_are_killed(
    begin: Callable[..., Disturbed],
    left_alone: Result,
    at_its_start: str,
    at_work: str,
    while_all_is_stopped: str,
) -> None:
    """Each kind is killed at each time, in one run or another."""
    run = begin(PACE)
    run.kill_one(at_its_start)
    run.wait_for_observed(PHOTOS // 3)
    run.kill_one(at_work)
    run.wait_for_observed(PHOTOS)
    kill_when_another_ends(run, while_all_is_stopped)
    assert_as_left_alone(run, left_alone)


def kill_when_another_ends(run: Disturbed, kind: str) -> None:
    """Kills one of a kind as soon as any of the family has been stopped, if one is left by then."""
    family = run.family()
    while run.process.poll() is None:
        _, left = psutil.wait_procs(family, timeout=0.01)
        if len(left) < len(family):
            with contextlib.suppress(psutil.NoSuchProcess, IndexError):
                run.members(kind)[0].kill()
                return


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_at_random(
    begin: Callable[..., Disturbed], left_alone: Result, few: Flock, seed: int
) -> None:
    dice = random.Random(seed)
    run = begin(MEANWHILE / PHOTOS)
    killed = 0
    give_up = time.monotonic() + MEANWHILE
    while time.monotonic() < give_up and run.process.poll() is None:
        time.sleep(dice.uniform(1, 3))  # that is what happens, not what is waited for
        victims = [each for kind in KINDS for each in run.members(kind)]
        if victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                dice.choice(victims).kill()
                killed += 1
    assert killed
    few.pace(0)
    assert_as_left_alone(run, left_alone)
