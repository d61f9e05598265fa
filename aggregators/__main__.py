"""One aggregator worker as a process, with the page beside it: settings come in, states go out.

Settings are one JSON object, in the environment variable ``AVATARRIG_AGGREGATOR`` or else in the
first line of standard input, so that no secret stands on a command line. States are lines of
JSON on standard output. Exit status: 0 stopped, 75 try again, 78 somebody has to do something.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from typing import Final

import msgspec
import structlog

from aggregators.settings import AggregatorSettings, SettingsRefusedError, read_settings
from avatarrig.kafka import (
    ConnectionRefusedByKafkaError,
    TopicError,
    TransportError,
    TransportSettingError,
)
from avatarrig.metrics.aggregate import AggregateMetrics
from avatarrig.metrics.service import service_registry
from avatarrig.page.settings import PageSettings
from avatarrig.process.logs import configure_logs
from avatarrig.process.sharing import share_metrics
from avatarrig.process.supervision import ExitCode, Status
from avatarrig.wire.topics import OBSERVATIONS

SETTINGS_VARIABLE: Final = "AVATARRIG_AGGREGATOR"
_END_SECONDS: Final = 8.0
_log = structlog.get_logger(__name__)


def main() -> ExitCode:
    """Runs one worker until it is told to stop or cannot go on."""
    configure_logs()
    share_metrics()
    try:
        settings = _settings()
    except SettingsRefusedError as error:
        _report(Status("failed", str(error)))
        return ExitCode.UNUSABLE
    _report(Status("starting"))
    code, message = asyncio.run(_serve(settings))
    _report(Status("stopped" if code is ExitCode.DONE else "failed", message))
    return code


def _settings() -> AggregatorSettings:
    text = os.environ.pop(SETTINGS_VARIABLE, None)
    return read_settings(sys.stdin.buffer.readline() if text is None else text)


async def _serve(settings: AggregatorSettings) -> tuple[ExitCode, str]:
    stop = _stop_on_signals()
    if settings.die_with_parent:
        _stop_at_end_of_input(asyncio.get_running_loop(), stop)
    from aggregators.worker import WorkerCrashedError, run  # noqa: PLC0415 - and so does Faust
    from avatarrig.page.beside import page_beside  # noqa: PLC0415 - it loads slowly,
    from avatarrig.page.server import AddressInUseError  # noqa: PLC0415

    registry = service_registry()
    groups = {settings.group: OBSERVATIONS}
    page = PageSettings(
        settings.web_host,
        settings.web_port,
        settings.web_names,
        settings.overlay_roots,
        settings.watched,
    )
    try:
        async with page_beside(page, settings.kafka, groups=groups, registry=registry) as ready:

            def work_begins() -> None:
                ready()
                _report(Status("working"))

            await run(settings, stop, work_begins, AggregateMetrics(registry))
    except (
        TopicError,
        TransportSettingError,
        ConnectionRefusedByKafkaError,
        AddressInUseError,
    ) as error:
        return ExitCode.UNUSABLE, str(error)
    except (TransportError, WorkerCrashedError) as error:
        return ExitCode.TRY_AGAIN, str(error)
    except Exception as error:  # noqa: BLE001 - the exit status tells that it was not foreseen
        _log.exception("the aggregator failed")
        return ExitCode.FAILED, repr(error)
    return ExitCode.DONE, ""


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _stop_at_end_of_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def wait_for_end() -> None:
        # Not through a buffered stream: the interpreter cannot end while a thread reads one.
        while os.read(sys.stdin.fileno(), 1):
            pass
        threading.Timer(_END_SECONDS, os._exit, (ExitCode.FAILED,)).start()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_end, name="lifeline", daemon=True).start()


def _report(status: Status) -> None:
    sys.stdout.write(msgspec.json.encode(status).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # Faust's threads may hang
