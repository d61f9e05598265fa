"""One ingest as a process: settings on standard input, states on standard output.

Started by `avatarrig.process.supervision`. Settings come through a pipe, so that no secret stands
on a command line; the pipe stays open, and when it closes the owner is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

import msgspec
import structlog
from kafka.errors import KafkaError

from avatarrig.kafka import (
    ConnectionRefusedByKafkaError,
    TopicError,
    TransportError,
    TransportSettingError,
)
from avatarrig.process.logs import configure_logs
from avatarrig.process.sharing import share_metrics
from avatarrig.process.supervision import ExitCode, Status
from producers.scan import DatasetError
from producers.settings import IngestSettings
from producers.source import SourceAwayError

FOR_A_PERSON = (DatasetError, TopicError, TransportSettingError, ConnectionRefusedByKafkaError)
"""No new try helps before somebody has done something."""

_log = structlog.get_logger(__name__)


def main() -> ExitCode:
    """Runs one ingest until it is told to stop or cannot go on."""
    configure_logs()
    share_metrics()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=IngestSettings)
    except (msgspec.MsgspecError, TransportSettingError) as error:
        _report(Status("failed", f"the ingest's settings do not fit: {error}"))
        return ExitCode.UNUSABLE
    threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    _report(Status("starting"))
    code, message = _serve(settings, stop)
    _report(Status("stopped" if code is ExitCode.DONE else "failed", message))
    return code


def _serve(settings: IngestSettings, stop: threading.Event) -> tuple[ExitCode, str]:
    from producers.service import ingest  # noqa: PLC0415 - after the metrics are shared

    try:
        ingest(settings, stop, on_working=lambda: _report(Status("working")))
    except (*FOR_A_PERSON, SourceAwayError, TransportError, KafkaError) as error:
        is_refused = isinstance(error, FOR_A_PERSON)
        if isinstance(error, ConnectionRefusedByKafkaError) and error.part == "address":
            is_refused = False  # a broker that restarts has no open port
        return (ExitCode.UNUSABLE if is_refused else ExitCode.TRY_AGAIN), str(error)
    return ExitCode.DONE, ""


def _stop_at_end_of_input(stop: threading.Event) -> None:
    # Not through a buffered stream: the interpreter cannot end while a thread reads one.
    while os.read(sys.stdin.fileno(), 1):
        pass
    stop.set()


def _report(status: Status) -> None:
    sys.stdout.write(msgspec.json.encode(status).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
