"""One detector replica as a process; see `avatarrig.process.protocol`."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import structlog
from prometheus_client import CollectorRegistry

from avatarrig.errors import ExitCode
from avatarrig.kafka.border import told_by
from avatarrig.kafka.errors import DataDamagedError, TransportError
from avatarrig.metrics.detect import DetectMetrics
from avatarrig.photos.object_store import StoreAwayError, is_store_url, lies_in_store
from avatarrig.photos.remote import RemotePhotos
from avatarrig.process import child
from avatarrig.process.scratch import scratch_folder
from avatarrig.process.watchdog import Watchdog
from avatarrig.runs import RunStorageError
from avatarrig.runs.store import RunStore
from avatarrig.wire.topics import IMAGES
from processors.backoff import BackOff
from processors.in_flight import InFlight
from processors.replica import BrokerTroubleError, Replica
from processors.sandbox.sandbox import RunDirectoryError, Sandbox, SandboxUnusableError
from processors.sandbox.settings import SandboxSettings
from processors.sandbox.stored_files import StoredFiles
from processors.settings import ReplicaSettings
from processors.transaction import Transaction
from processors.wiring import connect

FOR_A_PERSON = (SandboxUnusableError, StoreAwayError)
"""No new try helps before somebody has done something."""
FILES_NOT_TAKEN = (RunDirectoryError, RunStorageError)
EXPECTED = (*FOR_A_PERSON, *FILES_NOT_TAKEN, BrokerTroubleError, TransportError)

_log = structlog.get_logger(__name__)


def main() -> ExitCode:
    """Runs one replica until it is told to stop or cannot go on."""
    stop = child.stop_on_signals()

    def work(settings: ReplicaSettings) -> child.Ended:
        told = child.when_parent_ends(partial(os._exit, ExitCode.FAILED))
        return _serve(settings, stop, told)

    return child.serve(ReplicaSettings, work)


def _serve(settings: ReplicaSettings, stop: threading.Event, told: threading.Event) -> child.Ended:
    def begin() -> bool:
        alive = partial(watchdog.alive, "waiting for Kafka")
        return not settings.held or child.held_back(told, stop, alive)

    try:
        with Watchdog(settings.limits.stall) as watchdog, told_by("Kafka answers with an error"):
            _work(settings, stop, watchdog, begin)
    except EXPECTED as error:
        code = _exit_code(error)
        say = _log.debug if code is ExitCode.TRY_AGAIN else _log.warning
        say("the replica ends", status=code.name, why=repr(error))
        return code, str(error)
    return ExitCode.DONE, ""


def _exit_code(error: Exception) -> ExitCode:
    if isinstance(error, FILES_NOT_TAKEN):
        return ExitCode.CANNOT_WRITE
    if isinstance(error, DataDamagedError):
        return ExitCode.DAMAGED
    if isinstance(error, TransportError):
        return ExitCode.TRY_AGAIN if error.may_pass else ExitCode.UNUSABLE
    return ExitCode.UNUSABLE if isinstance(error, FOR_A_PERSON) else ExitCode.TRY_AGAIN


def _work(
    settings: ReplicaSettings, stop: threading.Event, watchdog: Watchdog, begin: Callable[[], bool]
) -> None:
    with scratch_folder("photos") as folder:
        _work_in(folder, settings, stop, watchdog, begin)


def _work_in(
    folder: Path,
    settings: ReplicaSettings,
    stop: threading.Event,
    watchdog: Watchdog,
    begin: Callable[[], bool],
) -> None:
    metrics = DetectMetrics(CollectorRegistry())
    photos, told = _photos(settings.sandbox, folder / "photos")
    files, told = _files(told, folder / "run")
    # It loads its models while we connect.
    sandbox = Sandbox(told, settings.limits, metrics)
    try:
        if not begin():
            return
        with connect(settings, watchdog) as (consumer, producer):
            back_off = BackOff(consumer)
            replica = Replica(
                settings,
                consumer,
                Transaction(producer, IMAGES),
                InFlight(sandbox, photos, files, back_off=back_off, report=child.report),
                back_off=back_off,
                watchdog=watchdog,
                report=child.report,
                metrics=metrics,
            )
            replica.run(stop)
    finally:
        photos.close()
        if files is not None:
            files.close()
        sandbox.close()


def _photos(settings: SandboxSettings, folder: Path) -> tuple[RemotePhotos, SandboxSettings]:
    """Keeps the stores to ourselves; the detector process sees files alone."""
    folder.mkdir()
    stores = [root for root in settings.photo_roots if is_store_url(root)]
    files = [root for root in settings.photo_roots if not is_store_url(root)]
    if stores:
        files.append(str(folder.resolve()))
    photos = RemotePhotos(stores, settings.max_photo_bytes, folder.resolve())
    return photos, msgspec.structs.replace(settings, photo_roots=tuple(files))


def _files(settings: SandboxSettings, folder: Path) -> tuple[StoredFiles | None, SandboxSettings]:
    """Has the detector process write into a folder where the run's files shall lie in a store."""
    url = settings.run_directory
    if url is None or not lies_in_store(url):
        return None, settings
    folder.mkdir()
    files = StoredFiles(RunStore(url), folder.resolve(), settings.max_photo_bytes)
    return files, msgspec.structs.replace(settings, run_directory=str(folder.resolve()))


if __name__ == "__main__":
    sys.exit(main())
