"""One aggregator worker as a process, the page beside it; see `avatarrig.process.protocol`."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
import threading
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from aggregators.settings import AggregatorSettings, WorkerCrashedError
from avatarrig.errors import ExitCode
from avatarrig.kafka.errors import DataDamagedError, TransportError
from avatarrig.metrics.aggregate import AggregateMetrics
from avatarrig.metrics.service import KafkaMetrics, service_registry
from avatarrig.page.settings import AddressInUseError
from avatarrig.process import child
from avatarrig.process.watchdog import Watchdog
from avatarrig.wire.topics import OBSERVATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from prometheus_client import CollectorRegistry

SETTINGS_VARIABLE: Final = "AVATARRIG_AGGREGATOR"
_END_SECONDS: Final = 8.0
_log = structlog.get_logger(__name__)


def main() -> ExitCode:
    """Runs one worker until it is told to stop or cannot go on."""

    def work(settings: AggregatorSettings) -> child.Ended:
        with Watchdog(settings.stuck_after) as watchdog:
            # Without asyncio's clean-up: that waits for Faust's agents, which Faust starts again.
            return asyncio.new_event_loop().run_until_complete(_serve(settings, watchdog))

    return child.serve(AggregatorSettings, work, variable=SETTINGS_VARIABLE)


async def _serve(settings: AggregatorSettings, watchdog: Watchdog) -> child.Ended:
    stop, told = stop_on_signals(), None
    if settings.die_with_parent:
        told = child.when_parent_ends(_ender(asyncio.get_running_loop(), stop))
    registry = service_registry()
    try:
        async with _page_beside(settings, registry) as ready:

            def work_begins() -> None:
                ready()
                child.working()

            # Faust loads slowly: the page is there before.
            worker = await asyncio.to_thread(importlib.import_module, "aggregators.worker")
            if settings.held and told is not None:
                alive = partial(watchdog.alive, "waiting for Kafka")
                await asyncio.to_thread(child.held_back, told, stop, alive)
            if not stop.is_set():
                metrics = AggregateMetrics(registry)
                await worker.run(settings, stop, watchdog, work_begins, metrics)
    except AddressInUseError as error:
        return ExitCode.UNUSABLE, str(error)
    except DataDamagedError as error:
        return ExitCode.DAMAGED, str(error)
    except TransportError as error:
        return (ExitCode.TRY_AGAIN if error.may_pass else ExitCode.UNUSABLE), str(error)
    except WorkerCrashedError as error:
        return ExitCode.TRY_AGAIN, str(error)
    except Exception as error:  # noqa: BLE001 - the exit status tells that it was not foreseen
        _log.exception("the aggregator failed")
        return ExitCode.FAILED, repr(error)
    return ExitCode.DONE, ""


@asynccontextmanager
async def _page_beside(
    settings: AggregatorSettings, registry: CollectorRegistry
) -> AsyncIterator[Callable[[], None]]:
    """Serves the page where there is one; gives what to call when the worker works."""
    kafka = KafkaMetrics()
    registry.register(kafka)
    if settings.page.port is None:
        yield lambda: None
        return
    from avatarrig.page.beside import page_beside  # noqa: PLC0415 - it loads slowly

    groups = {settings.group: OBSERVATIONS}
    async with page_beside(
        settings.page, settings.kafka, groups=groups, registry=registry, watched=kafka
    ) as ready:
        yield ready


def stop_on_signals() -> asyncio.Event:
    """Gives an event that SIGTERM and Ctrl-C set, on the running loop."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):  # not by the loop: it cannot on Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    return stop


def _ender(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> Callable[[], None]:
    def end() -> None:
        threading.Timer(_END_SECONDS, os._exit, (ExitCode.FAILED,)).start()
        loop.call_soon_threadsafe(stop.set)

    return end


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # Faust's threads may hang
