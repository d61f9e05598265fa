"""The detector process: photos in, answers out, and nothing lost when it dies.

``python -m processors.sandbox.process`` is started by `processors.sandbox.sandbox`. Native code
decodes photos and runs models here: it may crash, hang or be taken over, so this process
holds no credentials and its parent trusts nothing it says.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, NoReturn

import msgspec

from avatarrig.detectors.fetching.models import ModelUnavailableError
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.photos.source import PhotoSource, StorageUnreachableError
from avatarrig.process.lifeline import die_with_parent_thread
from avatarrig.runs import RunStorageError
from processors.detector_port import (
    DetectorUnusableError,
    PhotoDetector,
    find_detector,
    needing_native_libraries,
)
from processors.sandbox.messages import (
    Answer,
    Begun,
    CannotWrite,
    Job,
    Observed,
    Ready,
    Refused,
    Unreachable,
    Unusable,
    read_frame,
    write_frame,
)
from processors.sandbox.settings import SandboxSettings

if TYPE_CHECKING:
    from processors.sandbox.observing import Observer


class ClipFrame(NamedTuple):
    """A frame that is still to be decoded."""

    clip: Path
    seconds: float


Read = tuple[Job, bytes | ClipFrame | PhotoRefusedError | StorageUnreachableError]
_BYTES_AHEAD = 1  # photos read while another one is in the detector


def main() -> None:
    """Serves jobs until the parent closes the pipe."""
    die_with_parent_thread()
    incoming, outgoing = _take_pipes()
    first = read_frame(incoming)
    if first is None:
        return
    settings = msgspec.msgpack.decode(first, type=SandboxSettings)
    try:
        detector, observer = _prepare(settings)
    except DetectorUnusableError as error:
        write_frame(outgoing, Unusable(str(error)))
        return
    write_frame(outgoing, Ready(detector.fingerprint))
    photos = _read_ahead(incoming, settings)
    while True:
        job, data = photos.get()
        if isinstance(data, bytes | ClipFrame):
            write_frame(outgoing, Begun(job.number))
            answer = _observe(job, data, detector, observer, settings)
        else:
            answer = _unread(job, data)
        write_frame(outgoing, answer)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keeps the pipes for the protocol alone: whatever a library prints goes to stderr."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb")


def _prepare(settings: SandboxSettings) -> tuple[PhotoDetector, Observer]:
    with needing_native_libraries("OpenCV"):
        from processors.sandbox.observing import Observer  # noqa: PLC0415 - a failure is told in words
    models = None if settings.models is None else Path(settings.models)
    detector = find_detector(settings.detector)(settings.options, models)
    return detector, Observer.for_settings(settings)


def _read_ahead(incoming: BinaryIO, settings: SandboxSettings) -> queue.Queue[Read]:
    """Reads the next photo's bytes while the detector is busy with one.

    Jobs are taken from the pipe by a thread of their own, so that the end of the pipe, and
    with it the end of the parent, is noticed whatever else is going on.
    """
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    photos: queue.Queue[Read] = queue.Queue(_BYTES_AHEAD)
    source = PhotoSource([Path(root) for root in settings.photo_roots], settings.max_photo_bytes)
    threading.Thread(target=_take_jobs, args=(incoming, jobs), daemon=True).start()
    threading.Thread(target=_read_photos, args=(source, jobs, photos), daemon=True).start()
    return photos


def _take_jobs(incoming: BinaryIO, jobs: queue.SimpleQueue[Job]) -> None:
    while (frame := read_frame(incoming)) is not None:
        jobs.put(msgspec.msgpack.decode(frame, type=Job))
    os._exit(0)


def _read_photos(
    source: PhotoSource, jobs: queue.SimpleQueue[Job], photos: queue.Queue[Read]
) -> None:
    while True:
        job = jobs.get()
        try:
            clip = source.clip(job.reference)
            found = source.read(job.reference) if clip is None else ClipFrame(*clip)
            photos.put((job, found))
        except (PhotoRefusedError, StorageUnreachableError) as error:
            photos.put((job, error))


def _observe(
    job: Job,
    found: bytes | ClipFrame,
    detector: PhotoDetector,
    observer: Observer,
    settings: SandboxSettings,
) -> Answer:
    fingerprint = settings.fingerprint_for(job.reference, detector.fingerprint)
    sought = settings.sought_in(job.reference)
    try:
        data = found if isinstance(found, bytes) else _decoded(found, settings)
        record = observer.known(job.reference, fingerprint, data)
        if record is None:
            seen = detector.detect(data) if sought is None else detector.detect(data, sought)
            record = observer.observe(job.reference, seen, fingerprint)
    except PhotoRefusedError as error:
        return Refused(job.number, error.reason, error.message)
    except ModelUnavailableError as error:
        return Unusable(str(error))
    except RunStorageError as error:
        return CannotWrite(str(error))
    return Observed(job.number, record)


def _decoded(frame: ClipFrame, settings: SandboxSettings) -> bytes:
    from avatarrig.photos.clips.frames import read_frame  # noqa: PLC0415 - only clips need it

    return read_frame(frame.clip, frame.seconds, settings.options.max_pixels)


def _unread(job: Job, error: PhotoRefusedError | StorageUnreachableError) -> Answer:
    if isinstance(error, PhotoRefusedError):
        return Refused(job.number, error.reason, error.message)
    return Unreachable(job.number, str(error))


def run() -> NoReturn:
    """Runs `main` and ends the process without Python's shutdown.

    That would wait for native threads, and abort over our own ones that read from a pipe.
    """
    status = 0
    try:
        main()
    except BrokenPipeError:  # the parent is gone
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is, the parent learns it from stderr
        traceback.print_exc()
        status = 1
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    run()
