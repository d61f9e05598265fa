"""One detector replica as a process: settings on standard input, states on standard output.

Started by `avatarrig.process.supervision`. Settings come through a pipe, so that no secret stands
on a command line; the pipe stays open, and when it closes the replica's owner is gone.
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import msgspec
import structlog
from kafka.errors import AuthorizationError, KafkaError
from prometheus_client import CollectorRegistry

from avatarrig.kafka import (
    ConnectionRefusedByKafkaError,
    TransportError,
    TransportSettingError,
)
from avatarrig.metrics.detect import DetectMetrics
from avatarrig.photos.object_store import StoreAwayError, is_store_url, lies_in_store
from avatarrig.photos.remote import RemotePhotos
from avatarrig.process.lifeline import exit_at_end_of
from avatarrig.process.logs import configure_logs
from avatarrig.process.scratch import scratch_folder
from avatarrig.process.sharing import share_metrics
from avatarrig.process.supervision import ExitCode, Status
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

FOR_A_PERSON = (
    SandboxUnusableError,
    ConnectionRefusedByKafkaError,
    TransportSettingError,
    AuthorizationError,
    StoreAwayError,
)
"""No new try helps before somebody has done something."""
FILES_NOT_TAKEN = (RunDirectoryError, RunStorageError)
EXPECTED = (*FOR_A_PERSON, *FILES_NOT_TAKEN, BrokerTroubleError, TransportError, KafkaError)

_log = structlog.get_logger(__name__)


def main() -> ExitCode:
    """Runs one replica until it is told to stop or cannot go on."""
    configure_logs()
    share_metrics()
    stop = _stop_on_signals()
    try:
        settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=ReplicaSettings)
    except msgspec.MsgspecError as error:
        report(Status("failed", f"the replica's settings do not fit: {error}"))
        return ExitCode.UNUSABLE
    exit_at_end_of(sys.stdin.fileno())
    report(Status("starting"))
    code, message = _serve(settings, stop)
    report(Status("stopped" if code is ExitCode.DONE else "failed", message))
    return code


def report(status: Status) -> None:
    """Tells the supervisor, one line of JSON."""
    sys.stdout.write(msgspec.json.encode(status).decode() + "\n")
    sys.stdout.flush()


def _serve(settings: ReplicaSettings, stop: threading.Event) -> tuple[ExitCode, str]:
    try:
        with Watchdog(settings.limits.stall) as watchdog:
            _work(settings, stop, watchdog)
    except EXPECTED as error:
        code = _exit_code(error)
        _log.warning("the replica ends", status=code.name, why=repr(error))
        return code, str(error)
    return ExitCode.DONE, ""


def _exit_code(error: Exception) -> ExitCode:
    if isinstance(error, FILES_NOT_TAKEN):
        return ExitCode.CANNOT_WRITE
    if isinstance(error, ConnectionRefusedByKafkaError) and error.part == "address":
        return ExitCode.TRY_AGAIN  # a broker that restarts has no open port
    return ExitCode.UNUSABLE if isinstance(error, FOR_A_PERSON) else ExitCode.TRY_AGAIN


def _work(settings: ReplicaSettings, stop: threading.Event, watchdog: Watchdog) -> None:
    with scratch_folder("photos") as folder:
        _work_in(folder, settings, stop, watchdog)


def _work_in(
    folder: Path, settings: ReplicaSettings, stop: threading.Event, watchdog: Watchdog
) -> None:
    metrics = DetectMetrics(CollectorRegistry())
    photos, told = _photos(settings.sandbox, folder / "photos")
    files, told = _files(told, folder / "run")
    # It loads its models while we connect.
    sandbox = Sandbox(told, settings.limits, metrics)
    try:
        with connect(settings, watchdog) as (consumer, producer):
            back_off = BackOff(consumer)
            replica = Replica(
                settings,
                consumer,
                Transaction(producer, IMAGES),
                InFlight(sandbox, photos, files, back_off=back_off, report=report),
                back_off=back_off,
                watchdog=watchdog,
                report=report,
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


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


if __name__ == "__main__":
    sys.exit(main())
