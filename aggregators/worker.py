"""One worker from start to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import structlog
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError

from aggregators.app import Aggregation
from aggregators.connection import prepare_topics
from aggregators.settings import WorkerCrashedError
from avatarrig.body.estimate import EstimateOptions, estimate
from avatarrig.body.evidence.learned import WEIGHTS_FOLDER, load_learned
from avatarrig.body.sums.tally import TALLY_FORMAT
from avatarrig.kafka.errors import CompressionError, DataDamagedError
from avatarrig.process.scratch import scratch_folder
from avatarrig.wire.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregators.partitions.merging import Estimator
    from aggregators.settings import AggregatorSettings
    from avatarrig.body.sums.tally import Tally
    from avatarrig.metrics.aggregate import AggregateMetrics
    from avatarrig.process.watchdog import Watchdog
    from avatarrig.wire import Measurements

_log = structlog.get_logger(__name__)

_NEW_OBJECTS: Final = 50_000
"""So many objects more are some megabytes, and Python looks for cycles among them."""
_LOOK_SECONDS: Final = 0.25
_FINISH_SECONDS: Final = 2.0
_STOP_SECONDS: Final = 1.5
_END_SECONDS: Final = 5.0
"""For all of it, the page included; a crash must not keep the next worker from starting."""


def installed_versions() -> str:
    """Returns the versions of all weights, and of tallies, spaces between.

    State of other ones is given up, and made again from the observations.
    """
    weights = sorted(load_learned(path.stem).version for path in WEIGHTS_FOLDER.glob("*.npz"))
    return " ".join([*weights, f"tally-{TALLY_FORMAT}"])


def estimator(options: EstimateOptions) -> Estimator:
    """Returns what turns a tally into an estimate."""

    def estimate_of(tally: Tally, subject: str, measured: Measurements | None) -> Estimate:
        asked = options
        if measured is not None:
            asked = msgspec.structs.replace(
                options, height=measured.height, measured=measured.measured
            )
        with np.errstate(all="ignore"):  # what comes of it is checked
            made = estimate(tally, subject=subject, options=asked)
        try:
            return msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=Estimate)
        except msgspec.ValidationError as error:
            raise ValueError(f"no person has such numbers: {error}") from error

    return estimate_of


async def run(
    settings: AggregatorSettings,
    stop: asyncio.Event,
    watchdog: Watchdog,
    on_working: Callable[[], None],
    metrics: AggregateMetrics,
) -> None:
    """Works until told to stop.

    Args:
        watchdog: Hears of progress, and of the end; it ends the process where that takes long.
        on_working: Is called when the tables are recovered.

    Raises:
        TransportError: Kafka cannot be used.
        WorkerCrashedError: Faust gave up.
    """
    partitions = await asyncio.to_thread(prepare_topics, settings)
    with scratch_folder("tables") as data:
        aggregation = Aggregation(
            settings,
            partitions,
            learned=installed_versions(),
            estimator=estimator(EstimateOptions(window_days=settings.window_days)),
            data=data,
            metrics=metrics,
        )
        starting = asyncio.create_task(aggregation.start())
        has_begun = False
        try:
            while not stop.is_set():
                if starting.done() and not has_begun:
                    starting.result()
                    leave_long_lived_alone()
                    on_working()
                    has_begun = True
                _check(aggregation)
                is_idle = starting.done() and aggregation.is_idle
                watchdog.report(aggregation.progress, idle=is_idle)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)
        finally:
            watchdog.alive("ending", _END_SECONDS)
            starting.cancel()
            await _end(aggregation)


def leave_long_lived_alone() -> None:
    """Has Python look for unreachable cycles seldom, and not among what is there by now.

    Messages are thousands of objects that go as they came, without any cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


def _check(aggregation: Aggregation) -> None:
    app = aggregation.app
    if isinstance(app.crash_reason, CorruptRecordException):
        raise DataDamagedError.at(app.crash_reason)
    if isinstance(app.crash_reason, UnsupportedCodecError):
        raise CompressionError.at(app.crash_reason)
    if app.crashed or app.should_stop:
        raise WorkerCrashedError(f"the aggregator crashed: {app.crash_reason!r}")


async def _end(aggregation: Aggregation) -> None:
    """Stops in bounded time; what was not saved is read again."""
    for step, seconds in ((aggregation.finish, _FINISH_SECONDS), (aggregation.stop, _STOP_SECONDS)):
        task = asyncio.create_task(step())
        # What was crashed may not listen to being cancelled, so that is not waited for.
        done, _ = await asyncio.wait({task}, timeout=seconds)
        error = task.exception() if done else TimeoutError(f"{seconds} s")
        if error is not None:
            task.cancel()
            _log.warning("did not stop in order", step=step.__name__, error=repr(error))
