"""What the log says of parts that end and start again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from avatarrig.errors import ExitCode
from avatarrig.pipeline.services.service import StateLog
from avatarrig.process.supervision import ChildState

AWAY = "Kafka at 127.0.0.1:9092: no connection"


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines


def outage(log: StateLog, *names: str) -> None:
    for name in names:
        for state in ("failed", "restarting", "starting", "failed", "restarting", "starting"):
            log(ChildState(name=name, state=state, ended_with=ExitCode.TRY_AGAIN, message=AWAY))
    for name in names:
        log(ChildState(name=name, state="working", restarts=2))


def test_an_outage_is_told_once_however_many_parts_notice_it(logged: list[Any]) -> None:
    log = StateLog()
    outage(log, "ingest", "detector-0", "detector-1", "aggregator")
    told = [line for line in logged if line["log_level"] != "debug"]
    assert [line["log_level"] for line in told] == ["warning", "info"]
    assert told[0]["why"] == AWAY
    assert told[1]["event"] == "the parts work again"
    outage(log, "ingest")
    assert len([line for line in logged if line["log_level"] == "warning"]) == 2


def test_a_part_that_crashes_is_told_each_time(logged: list[Any]) -> None:
    log = StateLog()
    for restarts in (1, 2):
        log(ChildState(name="detector-0", state="restarting", restarts=restarts, ended_with=-11))
    assert [line["event"] for line in logged] == ["detector-0 is restarting"] * 2
    assert {line["log_level"] for line in logged} == {"warning"}
