"""Logs: JSON for programs, lines for people, and nothing in them that must not be."""

from __future__ import annotations

import errno
import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from avatarrig.process.logs import LEVEL_VARIABLE, configure_logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]


def test_programs_get_json_with_what_was_bound() -> None:
    stream = io.StringIO()
    configure_logs(stream)
    log = structlog.get_logger().bind(image_id="x-1", subject="ann")
    log.warning("a photo was set aside", reason="crashed")
    (line,) = lines(stream)
    assert (
        line.items()
        >= {
            "event": "a photo was set aside",
            "level": "warning",
            "image_id": "x-1",
            "subject": "ann",
            "reason": "crashed",
        }.items()
    )


def test_what_libraries_say_is_json_too_and_only_where_it_is_wrong() -> None:
    stream = io.StringIO()
    configure_logs(stream)
    logging.getLogger("asyncio").warning("chatter")
    logging.getLogger("asyncio").error("broken %s", "pipe", exc_info=ValueError("why"))
    (line,) = lines(stream)
    assert line["event"] == "broken pipe"
    assert line["logger"] == "asyncio"
    assert "ValueError: why" in line["exception"]


@pytest.mark.parametrize(("level", "count"), [("info", 0), ("debug", 2)])
def test_kafkas_clients_tell_of_a_broker_that_is_away_at_debug_alone(
    level: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LEVEL_VARIABLE, level)
    stream = io.StringIO()
    configure_logs(stream)
    logging.getLogger("kafka.net.manager").error("Connection failed")
    logging.getLogger("aiokafka.consumer.group_coordinator").error("Group Coordinator failed")
    assert len(lines(stream)) == count


def test_people_get_lines() -> None:
    stream = Terminal()
    configure_logs(stream)
    structlog.get_logger().info("3 photos published", dataset="Ann")
    assert "3 photos published" in stream.getvalue()
    assert not stream.getvalue().lstrip("\x1b[0m2 ").startswith("{")


def test_neither_secrets_nor_pixels_are_written() -> None:
    for stream in (io.StringIO(), Terminal()):
        configure_logs(stream)
        structlog.get_logger().info(
            "connected",
            sasl_plain_password="hunter2",
            settings={"password": "hunter2", "username": "ann"},
            photo=b"\xff\xd8pixels",
        )
        assert "hunter2" not in stream.getvalue()
        assert "pixels" not in stream.getvalue()
        assert "ann" in stream.getvalue()


def test_the_level_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for level, shown in (("warning", 0), ("info", 1), ("debug", 2)):
        monkeypatch.setenv(LEVEL_VARIABLE, level)
        stream = io.StringIO()
        configure_logs(stream)
        structlog.get_logger().info("told")
        structlog.get_logger().debug("told in detail")
        assert len(lines(stream)) == shown


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "no space left", text[:1])


def test_a_log_that_cannot_be_written_ends_and_floods_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs(FullDisk())
    structlog.get_logger("own").warning("no space left")
    logging.getLogger("foreign").error("no space left")
    assert capsys.readouterr() == ("", "")


EVIL = "bad\x1b[31mred\x07\u202ename\nnew line.jpg"


def test_names_bring_no_escapes_to_a_terminal() -> None:
    stream = Terminal()
    configure_logs(stream)
    log = structlog.get_logger()
    log.warning(EVIL, path=EVIL, file=Path(EVIL), why=ValueError(EVIL))
    logging.getLogger("asyncio").error("broken %s", EVIL)
    log.error("a thread died", exc_info=ValueError(EVIL))
    shown = re.sub(r"\x1b\[\d*m", "", stream.getvalue().replace("\x1b[31mred", "ESCAPE"))
    assert "ESCAPE" not in shown
    assert not re.search("[\x1b\x07\u202e]", shown)
    assert "ValueError: bad" in shown
