"""A detector that does what the photo says, so that tests need no models and no luck.

A "photo" is a text file whose words are instructions, carried out in order: ``sleep:S``,
``pace:FILE`` (as many seconds as the file says at the time), ``crash``, ``crash-once:MARKER``,
``hang``, ``fail``, ``refuse``, ``garble``, ``chatter``. Where ``nobody`` is among them, nobody is
seen; otherwise a person.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import stat
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np

from avatarrig.detectors.options import DetectorOptions
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.wire.reasons import RejectReason
from processors.detector_port import DetectorUnusableError, PhotoDetector

SCRIPTED = "support.scripted_detector:open_scripted"
BROKEN = "support.scripted_detector:open_broken"
DYING = "support.scripted_detector:open_dying"
SLOW = "support.scripted_detector:open_never"
_LOOK_SECONDS = 0.02


class ScriptedDetector:
    """Sees the same in the same bytes."""

    fingerprint = "scripted"

    def detect(self, data: bytes, _sought: object = None) -> SimpleNamespace:
        words = data.decode("utf-8", "replace").split()
        for word in words:
            obey(word)
        nobody = "nobody" in words
        seed = int.from_bytes(hashlib.sha256(data).digest()[:4], "big")
        random = np.random.default_rng(seed)
        return SimpleNamespace(  # a Detection, whose module would load MediaPipe
            width=64,
            height=48,
            people=1,
            ambiguous=False,
            subject_confidence=1.0,
            pose=None if nobody else random.random((33, 5), np.float32),
            world=None if nobody else random.random((33, 3), np.float32),
            face=random.random((478, 3), np.float32),
            blendshapes=random.random(52, np.float32),
            mask=np.full((256, 256), 255, np.uint8),
            meta={"pose_score": 0.9, "frame_kind": "partial"},
            look=(),
            rgb=random.integers(0, 256, (48, 64, 3), np.uint8),
        )

    def close(self) -> None:
        """Holds nothing."""


def obey(word: str) -> None:
    verb, _, argument = word.partition(":")
    if verb == "sleep":
        time.sleep(float(argument))
    elif verb == "pace":
        keep_pace(Path(argument))
    elif verb == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(60)
    elif verb == "crash-once" and not Path(argument).exists():
        Path(argument).write_text("")
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(60)
    elif verb == "hang":
        hang_in_native_code()
    elif verb == "fail":
        raise ZeroDivisionError("a fault of the detector's own")
    elif verb == "refuse":
        raise PhotoRefusedError(RejectReason.UNREADABLE, "this is no photo")
    elif verb == "garble":
        write_into_every_pipe(b"\xff" * 64)
    elif verb == "chatter":
        os.write(1, b"printed by a library\n" * 5000)
        os.write(2, b"W0000 logged by a library\n" * 5000)


def keep_pace(file: Path) -> None:
    """Waits as long as the file says; what it says may change meanwhile."""
    begun = time.monotonic()
    while time.monotonic() - begun < float(file.read_text()):
        time.sleep(_LOOK_SECONDS)


def hang_in_native_code() -> None:
    """Holds Python's lock, as native code does that hangs without giving it back."""
    ctypes.PyDLL(None).sleep(600)


def write_into_every_pipe(data: bytes) -> None:
    for descriptor in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                os.write(descriptor, data)
        except OSError:
            continue
    time.sleep(60)


def open_scripted(options: DetectorOptions, models: Path | None) -> PhotoDetector:
    return cast("PhotoDetector", ScriptedDetector())


def open_broken(options: DetectorOptions, models: Path | None) -> PhotoDetector:
    raise DetectorUnusableError("libEGL.so.1 is missing: apt-get install libegl1")


def open_dying(options: DetectorOptions, models: Path | None) -> PhotoDetector:
    os.write(2, b"F0000 no such instruction\n")
    os.kill(os.getpid(), signal.SIGILL)
    raise AssertionError


def open_never(options: DetectorOptions, models: Path | None) -> PhotoDetector:
    time.sleep(600)
    raise AssertionError
