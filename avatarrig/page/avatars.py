"""The avatar that was fitted to somebody, as triangles that a browser draws beside the skeleton."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from avatarrig.errors import AvatarRigError
from avatarrig.runs import RunDirectory
from avatarrig.runs.estimates import place_of_estimate
from avatarrig.runs.layout import SUBJECTS

_PATTERNS: Final = ("*-fitted.glb", "*-fitted.vrm")
"""What `avatarrig fit --run` writes beside the estimate."""

_LARGEST: Final = 64 << 20
_MOST_TRIANGLES: Final = 300_000


class Avatars:
    """Finds fitted avatars in run directories."""

    def __init__(self, roots: Iterable[str]) -> None:
        self._runs = tuple(RunDirectory(Path(root).resolve()) for root in roots)
        self._lock = threading.Lock()
        self._drawn: tuple[tuple[Path, int], bytes | None] | None = None

    def find(self, subject: str) -> Path | None:
        """Finds the file of a subject's fitted avatar, the latest of several."""
        files = [file for run in self._runs for file in _files(run, subject)]
        return max(files, key=lambda file: file.stat().st_mtime_ns, default=None)

    def mesh(self, file: Path) -> bytes | None:
        """Gives an avatar's triangles; None where the file cannot be read, or OpenCV is missing.

        Returns:
            Number of triangles as uint32, their corners as float32 (to the person's left, up, to
            the front), then their colours as uint8; little-endian.
        """
        with self._lock:  # one at a time, and the last is kept: a browser asks again
            key = (file, file.stat().st_mtime_ns)
            if self._drawn is None or self._drawn[0] != key:
                self._drawn = (key, _triangles(file))
            return self._drawn[1]


def _files(run: RunDirectory, subject: str) -> Iterator[Path]:
    several = (run.path / SUBJECTS).is_dir()
    folder = place_of_estimate(run, subject, several=several).path
    for pattern in _PATTERNS:
        for file in folder.glob(pattern):
            real = file.resolve()
            if real.is_file() and real.is_relative_to(run.path) and real.stat().st_size <= _LARGEST:
                yield real


def _triangles(file: Path) -> bytes | None:
    try:
        from avatarrig.avatar.picture import painted_file  # noqa: PLC0415 - slow, wants OpenCV

        mesh = painted_file(file)
    except (ImportError, AvatarRigError, OSError):
        return None
    if not 0 < len(mesh.triangles) <= _MOST_TRIANGLES:
        return None
    corners = mesh.points[mesh.triangles].astype("<f4")
    colours = np.clip(mesh.colours * 255, 0, 255).astype(np.uint8)
    return struct.pack("<I", len(corners)) + corners.tobytes() + colours.tobytes()
