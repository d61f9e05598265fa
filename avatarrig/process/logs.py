"""Logs: lines for people on a terminal, one JSON object a line elsewhere.

Our own words from `LEVEL_VARIABLE` on (``info`` unless it says otherwise); of the libraries' only
what is wrong, of Kafka's clients at ``debug`` alone. No secrets and no pixels: what looks like
either is left out by a processor, whoever logs it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO, cast

import structlog

from avatarrig.process.printable import printable

LEVEL_VARIABLE: Final = "AVATARRIG_LOG_LEVEL"
LEVELS: Final = ("debug", "info", "warning", "error")

_SECRET: Final = re.compile(r"passw|secret|token|credential|authorization|jaas", re.IGNORECASE)
_LONGEST: Final = 4000
_OF_LINES: Final = {"exception", "stack"}
_KAFKA_CLIENTS: Final = ("kafka", "aiokafka")
"""These tell of a broker that is away by thousands of lines; whoever uses them tells it in one."""


def configure_logs(stream: TextIO | None = None) -> None:
    """Has this process log to a stream, structlog's and the standard library's loggers alike.

    Args:
        stream: Where to; standard error where None.
    """
    target = cast("TextIO", _Lossy(sys.stderr if stream is None else stream))
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        _without_secrets,
    ]
    ending = _for_people() if target.isatty() else _for_programs()
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(_level()),
        logger_factory=structlog.WriteLoggerFactory(file=target),
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.ERROR, force=True)
    for name in _KAFKA_CLIENTS:
        is_wanted = _level() <= logging.DEBUG
        logging.getLogger(name).setLevel(logging.ERROR if is_wanted else logging.CRITICAL)


class _Lossy:
    """A stream that loses what cannot be written: a full disk must not end, or flood, the work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()


def _level() -> int:
    name = os.environ.get(LEVEL_VARIABLE, "info").lower()
    return logging.getLevelNamesMapping().get(name.upper(), logging.INFO)


def _for_people() -> list[structlog.typing.Processor]:
    return [
        structlog.processors.format_exc_info,
        _without_escapes,
        structlog.dev.ConsoleRenderer(
            timestamp_key="timestamp", exception_formatter=structlog.dev.plain_traceback
        ),
    ]


def _for_programs() -> list[structlog.typing.Processor]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]


def _without_secrets(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    del logger, method
    return {key: _shown(key, value) for key, value in event.items()}


def _without_escapes(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Names of photos and people are in it, and the renderer quotes few of them."""
    del logger, method
    return {key: _harmless(key, value) for key, value in event.items()}


def _harmless(key: str, value: object) -> object:
    if not isinstance(value, str):
        return value  # which is shown as Python writes it
    lines = value.split("\n") if key in _OF_LINES else [value]
    return "\n".join(printable(line, _LONGEST) for line in lines)


def _shown(key: str, value: object) -> object:
    if _SECRET.search(key):
        return "***"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    if isinstance(value, dict):
        return {inner: _shown(str(inner), each) for inner, each in value.items()}
    if isinstance(value, str) and len(value) > _LONGEST:
        return value[:_LONGEST] + "…"
    return value
