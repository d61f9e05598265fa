"""The detector behind a wall: photos that crash it or hang it are rejected, and no more.

The process behind the wall always has the next photos in its pipe, so that it detects while
the replica talks to Kafka.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Collection
from dataclasses import dataclass

import msgspec
import structlog
from prometheus_client import CollectorRegistry

from avatarrig.errors import AvatarRigError
from avatarrig.metrics.detect import DetectMetrics
from avatarrig.wire import PhotoReference
from avatarrig.wire.reasons import RejectReason
from processors.sandbox.child_process import ChildProcess, Ended
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
)
from processors.sandbox.settings import Limits, SandboxSettings

DEPTH = 3
"""Photos in the sandbox at once: one in the detector, one read, one being read."""

_FUTILE_STARTS = 3
_log = structlog.get_logger(__name__)


class SandboxUnusableError(AvatarRigError, RuntimeError):
    """The detector does not start on this machine."""


class RunDirectoryError(AvatarRigError, RuntimeError):
    """The run directory takes no more files."""


class Rejected(msgspec.Struct, frozen=True):
    """A photo that can never be observed.

    Attributes:
        reason: Code as in `avatarrig.wire.Reject`.
        attempts: How often it was tried.
    """

    job: int
    reason: str
    message: str
    attempts: int


Result = Observed | Rejected | Unreachable


@dataclass
class _Photo:
    reference: PhotoReference
    attempts: int = 0


class Sandbox:
    """Detects photos in a process of its own, which it starts anew as often as needed.

    Use it from one thread, and keep that thread alive: the process dies with it.

    Args:
        metrics: Hears how long things take, and of what dies.
    """

    def __init__(
        self, settings: SandboxSettings, limits: Limits, metrics: DetectMetrics | None = None
    ) -> None:
        self._metrics = metrics or DetectMetrics(CollectorRegistry())
        self._settings = settings
        self._limits = limits
        self._photos: dict[int, _Photo] = {}
        self._last_number = 0
        self._fingerprint = ""
        self._futile_starts = 0
        self._start()

    @property
    def fingerprint(self) -> str:
        """Detector fingerprint; empty until the detector was ready once."""
        return self._fingerprint

    def fingerprint_for(self, reference: PhotoReference | None) -> str:
        """Fingerprint of a photo's observation; empty until the detector was ready once."""
        if reference is None:
            return self._fingerprint
        return self._settings.fingerprint_for(reference, self._fingerprint)

    @property
    def pid(self) -> int:
        """Process identifier of the present detector process."""
        return self._process.pid

    @property
    def has_room(self) -> bool:
        """Whether one more photo may be submitted."""
        return len(self._sent) < DEPTH

    @property
    def in_hand(self) -> int | None:
        """Number of the photo that is in the detector now."""
        return self._begun if self._begun in self._photos else None

    def submit(self, reference: PhotoReference) -> int:
        """Puts a photo behind those already submitted.

        Returns:
            The number by which `collect` speaks of it.
        """
        self._last_number += 1
        self._photos[self._last_number] = _Photo(reference)
        self._send(self._last_number)
        return self._last_number

    def forget(self, numbers: Collection[int]) -> None:
        """Nothing will be said about these photos any more."""
        for number in numbers:
            self._photos.pop(number, None)

    def collect(self, seconds: float) -> list[Result]:
        """Waits for something to happen, at most so long.

        Returns:
            What became of photos since, in the order of their submission.

        Raises:
            SandboxUnusableError: The detector does not start.
            RunDirectoryError: The files of a run cannot be written.
        """
        results: list[Result] = []
        wait = max(0.0, min(seconds, self._deadline - time.monotonic()))
        try:
            results += self._handle(self._process.events.get(timeout=wait))
            while True:
                results += self._handle(self._process.events.get_nowait())
        except queue.Empty:
            pass
        if time.monotonic() >= self._deadline:
            results += self._overdue()
        return results

    def close(self) -> None:
        """Ends the detector process."""
        if self._photos or self._sent:
            self._process.kill()
        else:
            self._process.close()

    def _start(self) -> None:
        self._sent: list[int] = []
        self._begun: int | None = None
        self._begun_at = 0.0
        self._ready = False
        self._started_at = time.monotonic()
        self._deadline = self._started_at + self._limits.start
        self._process = ChildProcess(self._settings)
        for number in self._photos:
            self._send(number)

    def _send(self, number: int) -> None:
        self._sent.append(number)
        self._process.send(Job(number, self._photos[number].reference))
        if self._ready and len(self._sent) == 1:
            self._expect_answer()

    def _expect_answer(self) -> None:
        patience = self._limits.reading if self._sent else float("inf")
        self._deadline = time.monotonic() + patience

    def _handle(self, event: Answer | Ended) -> list[Result]:
        match event:
            case Ready(fingerprint):
                self._fingerprint = fingerprint
                self._ready = True
                self._metrics.loaded(time.monotonic() - self._started_at)
                self._expect_answer()
            case Begun(job):
                self._begun = job
                self._begun_at = time.monotonic()
                self._deadline = self._begun_at + self._limits.detection
            case Unusable(message):
                raise SandboxUnusableError(message)
            case CannotWrite(message):
                raise RunDirectoryError(message)
            case Ended():
                return self._ended(event)
            case Observed() | Refused() | Unreachable():
                return self._answered(event)
        return []

    def _answered(self, answer: Observed | Refused | Unreachable) -> list[Result]:
        if self._begun is not None:
            self._metrics.detected(time.monotonic() - self._begun_at)
        self._begun = None
        self._futile_starts = 0
        self._sent = [number for number in self._sent if number != answer.job]
        self._expect_answer()
        photo = self._photos.pop(answer.job, None)
        if photo is None:
            return []
        if isinstance(answer, Refused):
            return [Rejected(answer.job, answer.reason, answer.message, photo.attempts + 1)]
        return [answer]

    def _ended(self, end: Ended) -> list[Result]:
        _log.warning("the detector process ended", how=str(end), pid=self.pid, stderr=end.tail)
        self._process.close()
        self._metrics.died(RejectReason.CRASHED if end.by_signal else RejectReason.DETECTOR_FAILED)
        if self._begun is None and not end.was_killed:
            self._count_futile_start(f"{end}: {_last_line(end.tail)}")
        if end.by_signal:
            return self._blame(RejectReason.CRASHED, f"the detector crashed on this photo ({end})")
        return self._blame(
            RejectReason.DETECTOR_FAILED, f"the detector failed on this photo ({end})"
        )

    def _overdue(self) -> list[Result]:
        self._process.kill()
        if self._begun is not None:
            limit = f"{self._limits.detection:g} s"
            _log.warning("the detector process hung and was killed", limit=limit)
            self._metrics.died(RejectReason.TIMED_OUT)
            return self._blame(
                RejectReason.TIMED_OUT, f"the detector did not finish within {limit}"
            )
        if not self._ready:
            self._metrics.died("start")
            self._count_futile_start(f"not ready within {self._limits.start:g} s")
            return self._blame("", "")
        return self._storage_hangs()

    def _storage_hangs(self) -> list[Result]:
        self._metrics.died("storage")
        numbers = [number for number in self._sent[:1] if self._photos.pop(number, None)]
        self._start()
        message = f"the storage did not answer within {self._limits.reading:g} s"
        return [Unreachable(number, message) for number in numbers]

    def _blame(self, reason: str, message: str) -> list[Result]:
        """Starts anew; the photo that was in the detector is tried again, or rejected."""
        culprit = self.in_hand
        results: list[Result] = []
        if culprit is not None:
            photo = self._photos[culprit]
            photo.attempts += 1
            if photo.attempts >= self._limits.attempts:
                del self._photos[culprit]
                advice = f"{message}; save it anew in a photo program, or leave it out"
                results.append(Rejected(culprit, reason, advice, photo.attempts))
        self._start()
        return results

    def _count_futile_start(self, why: str) -> None:
        self._futile_starts += 1
        if self._futile_starts >= _FUTILE_STARTS:
            raise SandboxUnusableError(
                f"the detector ended {_FUTILE_STARTS} times before it looked at a photo: {why}"
            )


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
