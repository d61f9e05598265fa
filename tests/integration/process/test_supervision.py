"""Children are restarted when they die, given up when that cannot help, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import psutil
import pytest
from support import scripted_detector
from support.kafka import with_topics
from support.process.supervised import Behaviour
from support.waiting import PATIENCE, wait_for

from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.process import supervision
from avatarrig.process.supervision import (
    GIVE_UP_AFTER,
    MOST_FAILURES,
    Child,
    ChildState,
    Supervisor,
)

pytestmark = pytest.mark.usefixtures("support_is_importable")


def supervisor_of(
    *behaviours: str, log_directory: Path | None = None, held: bool = False
) -> Supervisor:
    return Supervisor(
        [
            Child(f"child-{number}", "support.process.supervised", Behaviour(name))
            for number, name in enumerate(behaviours)
        ],
        log_directory=log_directory,
        held=held,
    )


def works(state: ChildState) -> bool:
    return state.state == "working"


def test_children_work_until_they_are_stopped() -> None:
    with supervisor_of("work", "babble") as supervisor:
        wait_for(lambda: all(map(works, supervisor.states)))
        pids = [state.pid for state in supervisor.states]
        assert all(state.pid is not None for state in supervisor.states)
    assert [state.state for state in supervisor.states] == ["stopped", "stopped"]
    assert not any(pid and psutil.pid_exists(pid) for pid in pids)
    assert supervisor.failure is None


def test_a_killed_child_is_started_anew() -> None:
    with supervisor_of("work") as supervisor:
        wait_for(lambda: works(supervisor.states[0]))
        pid = supervisor.states[0].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: supervisor.states[0].restarts == 1 and works(supervisor.states[0]))
        assert supervisor.states[0].pid != pid


def test_a_child_that_is_held_back_begins_when_it_is_released_however_often_it_was_killed() -> None:
    with supervisor_of("held", "work", held=True) as supervisor:
        wait_for(lambda: works(supervisor.states[1]))
        wait_for(lambda: supervisor.states[0].message == "")
        first = supervisor.states[0].pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: supervisor.states[0].restarts == 1)
        wait_for(lambda: supervisor.states[0].state == "starting")
        supervisor.release()
        wait_for(lambda: works(supervisor.states[0]))
        second = supervisor.states[0].pid
        assert second is not None
        os.kill(second, signal.SIGKILL)
        wait_for(lambda: supervisor.states[0].restarts == 2 and works(supervisor.states[0]))


def test_a_child_that_is_held_back_ends_with_its_supervisor() -> None:
    with supervisor_of("held", held=True) as supervisor:
        wait_for(lambda: supervisor.states[0].pid is not None)
        pid = supervisor.states[0].pid
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_a_child_that_keeps_dying_is_restarted_again_and_again() -> None:
    with supervisor_of("die") as supervisor:
        wait_for(lambda: supervisor.states[0].restarts >= 3)
        assert supervisor.failure is None


def test_exits_of_its_own_in_a_row_are_counted_and_being_killed_is_none() -> None:
    with supervisor_of("die", "work") as supervisor:
        wait_for(lambda: supervisor.states[0].failures >= 3)
        dying, working = supervisor.states
        assert dying.failing_since is not None
        assert not dying.is_given_up(dying.failing_since + GIVE_UP_AFTER), "not often enough"
        wait_for(lambda: works(supervisor.states[1]))
        assert working.pid is not None
        os.kill(working.pid, signal.SIGKILL)
        wait_for(lambda: supervisor.states[1].restarts == 1)
        assert supervisor.states[1].failures == 0
    often = msgspec.structs.replace(dying, failures=MOST_FAILURES)
    assert not often.is_given_up(dying.failing_since + GIVE_UP_AFTER - 1), "not long enough"
    assert often.is_given_up(dying.failing_since + GIVE_UP_AFTER)


def test_a_log_that_cannot_be_kept_keeps_nobody_from_work(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("no folder")
    with supervisor_of("work", log_directory=tmp_path / "logs") as supervisor:
        wait_for(lambda: works(supervisor.states[0]))


@pytest.mark.parametrize(
    ("behaviour", "words"), [("unusable", "install the models"), ("full", "no space left")]
)
def test_a_child_that_no_restart_can_mend_is_given_up_with_its_words(
    behaviour: str, words: str
) -> None:
    with supervisor_of(behaviour, "work") as supervisor:
        wait_for(lambda: supervisor.states[0].restarts or supervisor.failure is not None)
        assert supervisor.failure == words
        assert supervisor.states[0].restarts == 0
        wait_for(lambda: works(supervisor.states[1]))


def test_a_child_that_does_not_stop_is_killed() -> None:
    supervisor = supervisor_of("ignore")
    supervisor.start()
    wait_for(lambda: works(supervisor.states[0]))
    pid = supervisor.states[0].pid
    supervisor.stop(seconds=0.2)
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_a_supervisor_that_never_started_stops_at_once() -> None:
    supervisor_of("work").stop()


def test_each_child_writes_its_own_log(tmp_path: Path) -> None:
    with supervisor_of("work", "work", log_directory=tmp_path / "logs") as supervisor:
        wait_for(lambda: all(map(works, supervisor.states)))
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {"child-0.log", "child-1.log"}


def test_children_are_out_of_reach_of_the_terminals_ctrl_c() -> None:
    with supervisor_of("work") as supervisor:
        wait_for(lambda: works(supervisor.states[0]))
        pid = supervisor.states[0].pid
        assert pid is not None
        assert os.getpgid(pid) != os.getpgid(0)


@pytest.mark.broker
def test_replicas_and_their_detectors_end_with_their_owner(
    kafka: EmbeddedBroker, tmp_path: Path
) -> None:
    """At work: one that still looks for its broker would end by itself."""
    with_topics(kafka)
    program = f"""
        import time
        from avatarrig.process.supervision import Child, Supervisor
        from avatarrig.kafka.settings import KafkaSettings
        from processors.sandbox.settings import SandboxSettings
        from processors.settings import ReplicaSettings
        settings = ReplicaSettings(
            kafka=KafkaSettings(bootstrap_servers={kafka.bootstrap_servers!r}),
            group={f"owned-{os.getpid()}"!r},
            sandbox=SandboxSettings(
                photo_roots=({str(tmp_path)!r},), detector={scripted_detector.SCRIPTED!r}
            ),
        )
        supervisor = Supervisor([Child("detector-0", "processors", settings)])
        supervisor.start()
        while supervisor.states[0].state != "working":
            time.sleep(0.05)
        print("working", flush=True)
        time.sleep(600)
    """
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"working\n"
        watched = psutil.Process(owner.pid)
        wait_for(lambda: len(watched.children(recursive=True)) >= 2)
        family = watched.children(recursive=True)
        owner.kill()
    gone, alive = psutil.wait_procs(family, timeout=PATIENCE)
    assert alive == []
    assert len(gone) >= 2


def test_a_child_that_cannot_be_killed_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that waits for a disk dies when the disk answers, and not before."""
    monkeypatch.setattr(supervision, "_LAST_SECONDS", 0.1)
    supervisor = supervisor_of("ignore")
    supervisor.start()
    wait_for(lambda: works(supervisor.states[0]))
    pid = supervisor.states[0].pid
    assert pid is not None
    with monkeypatch.context() as unkillable:
        unkillable.setattr(subprocess.Popen, "kill", lambda _: None)
        supervisor.stop(0.0)
    assert psutil.pid_exists(pid)
    supervisor.stop(0.0)
    assert not psutil.pid_exists(pid)


def test_a_child_runs_nothing_that_lies_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos are unpacked anywhere, and beside them may lie a file with a module's name."""
    (tmp_path / "msgspec.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    with supervisor_of("work") as supervisor:
        wait_for(lambda: works(supervisor.states[0]) or bool(supervisor.states[0].failures))
        assert supervisor.states[0].failures == 0
