"""``avatarrig tail`` on a terminal and into pipes, against a real Kafka."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.aggregators.aggregating import producer, send
from support.process.terminal import Terminal
from support.rendered import rendered
from support.waiting import PATIENCE

from avatarrig.body.estimate import estimate
from avatarrig.body.sums.tally import Tally
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics
from avatarrig.wire import SkeletonRecord, encode
from avatarrig.wire.history import history_of, slot_of
from avatarrig.wire.topics import HISTORY, SKELETONS, pipeline_topics

pytestmark = pytest.mark.broker

ALTERNATE_SCREEN, BACK = "\x1b[?1049h", "\x1b[?1049l"
SHOW_CURSOR = "\x1b[?25h"
CLEAR = ("\x1b[2J", "\x1bc")


class Estimates:
    """Publishes estimates as the aggregator does."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.kafka = kafka
        self._tallies: dict[str, Tally] = {}
        self._sent = 0

    def publish(self, subject: str, photos: int) -> None:
        tally = self._tallies.setdefault(subject, Tally.empty())
        with producer(self.kafka) as client:
            for _ in range(photos):
                self._sent += 1
                seen = rendered(self._sent, subject=subject)
                tally.add(seen)
                send(client, [seen])
            record = SkeletonRecord(
                subject=subject,
                fingerprint="f",
                applied={},
                observations=tally.observations,
                estimate=estimate(tally, subject=subject),
                estimated_at=1.76e9 + self._sent,
            )
            noted = history_of(record)
            client.send(SKELETONS, key=subject.encode(), value=encode(record))
            slot = f"{subject}{slot_of(noted)}".encode()
            client.send(HISTORY, key=slot, value=encode(noted))
            client.flush()


@pytest.fixture(scope="module")
def empty(kafka: EmbeddedBroker) -> str:
    return kafka.bootstrap_servers


@pytest.fixture(scope="module")
def estimates(empty: str) -> Estimates:
    kafka = KafkaSettings(bootstrap_servers=empty)
    create_topics(kafka, pipeline_topics(2))
    known = Estimates(kafka)
    for _ in range(3):
        known.publish("anna", 12)
    known.publish("ben", 4)
    return known


def tail(
    estimates: Estimates, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "avatarrig", "tail", *arguments, *address(estimates)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env={**os.environ, "COLUMNS": "120", **environment},
        cwd=Path(__file__).parents[2],
    )


def address(estimates: Estimates) -> tuple[str, str]:
    return ("--bootstrap-servers", estimates.kafka.bootstrap_servers)


def test_it_follows_on_a_terminal_and_leaves_it_as_it_was(estimates: Estimates) -> None:
    with Terminal("tail", "anna", *address(estimates)) as terminal:
        terminal.wait_for("anna  ")
        terminal.wait_for("latest pose")
        terminal.wait_for("●")
        while not {"━", "─"} & set(terminal.text):
            terminal.read()
        photos = estimates._tallies["anna"].observations
        terminal.type("what is typed does not disturb")
        estimates.publish("anna", 5)
        terminal.wait_for(f"{photos + 5} photos")
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert "typed" not in terminal.text
        assert "Traceback" not in terminal.text
        assert terminal.settings == terminal.before
        drawn = terminal.output
        assert drawn.count(ALTERNATE_SCREEN) == drawn.count(BACK) == 1
        assert drawn.index(ALTERNATE_SCREEN) < drawn.index(BACK)
        assert SHOW_CURSOR in drawn
        first = drawn.index("anna")
        assert not any(clear in drawn[first:] for clear in CLEAR), "no flicker"


def test_sigterm_leaves_the_terminal_as_it_was(estimates: Estimates) -> None:
    with Terminal("tail", *address(estimates)) as terminal:
        terminal.wait_for("wingspan")
        children = Path(f"/proc/{terminal.process.pid}/task/{terminal.process.pid}/children")
        own = [int(child) for child in children.read_text().split()] or [terminal.process.pid]
        os.kill(own[0], signal.SIGTERM)
        terminal.wait()
        assert terminal.settings == terminal.before
        assert BACK in terminal.output
        assert SHOW_CURSOR in terminal.output


def test_without_colours_it_is_still_right(estimates: Estimates) -> None:
    with Terminal(
        "tail", "anna", *address(estimates), columns=70, environment={"NO_COLOR": "1"}
    ) as terminal:
        terminal.wait_for("wingspan")
        assert "\x1b[3" not in terminal.output
        assert "\x1b[9" not in terminal.output
        terminal.type("\x03")
        terminal.wait()


def test_on_a_terminal_that_cannot_move_its_cursor_it_writes_lines(estimates: Estimates) -> None:
    with Terminal("tail", *address(estimates), environment={"TERM": "dumb"}) as terminal:
        terminal.wait_for("anna · ")
        assert "\x1b" not in terminal.output
        terminal.type("\x03")
        assert terminal.wait() == 130


def test_once_prints_a_picture_into_a_pipe(estimates: Estimates) -> None:
    process = tail(estimates, "--once", "anna")
    assert process.returncode == 0, process.stderr
    assert "\x1b" not in process.stdout
    assert "upper arm, left" in process.stdout
    assert "●" in process.stdout
    assert max(len(line) for line in process.stdout.splitlines()) <= 120


def test_once_in_a_terminal_that_knows_ascii_alone(estimates: Estimates) -> None:
    process = tail(estimates, "--once", PYTHONIOENCODING="ascii", COLUMNS="50")
    assert process.returncode == 0, process.stderr
    assert process.stdout.isascii()
    assert max(len(line) for line in process.stdout.splitlines()) <= 50


def test_json_once_is_one_line_for_each_subject(estimates: Estimates) -> None:
    process = tail(estimates, "--json", "--once")
    assert process.returncode == 0, process.stderr
    latest = {line["subject"]: line for line in map(json.loads, process.stdout.splitlines())}
    assert latest.keys() == {"anna", "ben"}
    assert latest["ben"]["photos"] == 4
    assert latest["anna"]["ratios"]["hip_width"]["n"] > 20


def test_json_from_the_beginning_is_the_history(estimates: Estimates) -> None:
    process = tail(estimates, "--json", "--once", "--from-beginning", "anna")
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    assert len(lines) >= 3
    assert {line["subject"] for line in lines} == {"anna"}
    assert [line["photos"] for line in lines] == sorted(line["photos"] for line in lines)
    assert lines[0]["photos"] == 12


def test_json_goes_on_with_every_update(estimates: Estimates) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "avatarrig", "tail", "--json", "carl", *address(estimates)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        for photos in (3, 6, 9):
            estimates.publish("carl", 3)
            assert json.loads(process.stdout.readline())["photos"] == photos
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130


def test_a_reader_that_goes_away_ends_it_quietly(estimates: Estimates) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "avatarrig", "tail", "--json", "dora", *address(estimates)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        estimates.publish("dora", 3)
        process.stdout.readline()
        process.stdout.close()
        while process.poll() is None:
            estimates.publish("dora", 1)
        assert process.returncode == 0
        assert process.stderr.read() == ""


def test_nobody_known_is_said(estimates: Estimates) -> None:
    for arguments in (["--once", "nobody"], ["--once", "--json", "nobody"]):
        process = tail(estimates, *arguments)
        assert process.returncode == 3
        assert "no estimate of nobody yet" in process.stderr
        assert not process.stdout


def test_a_kafka_that_is_not_there_is_said_at_once() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "avatarrig", "tail", "--bootstrap-servers", "127.0.0.1:9"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert process.returncode == 1
    assert "127.0.0.1:9" in process.stderr
