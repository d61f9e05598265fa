"""Small pictures of overlays, from allowed folders alone."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from PIL import Image

from avatarrig.files import read_file
from avatarrig.photos.damage import unless_damaged
from avatarrig.runs import RunDirectory
from avatarrig.wire.identity import is_image_id

_SIZE: Final = (480, 480)
_KEPT: Final = 64
_MOST_PIXELS: Final = 200_000_000
_LARGEST: Final = 64 << 20
_PNG: Final = b"\x89PNG\r\n\x1a\n"


class Thumbnails:
    """Finds overlays by photo, and makes them small.

    Args:
        roots: Run directories whose overlays may be shown.
    """

    def __init__(self, roots: Iterable[str]) -> None:
        self._runs = tuple(RunDirectory(Path(root).resolve()) for root in roots)
        self._kept: OrderedDict[Path, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def has(self, image_id: str) -> bool:
        """Tells whether a photo has an overlay that may be shown."""
        return self._find(image_id) is not None

    def read(self, image_id: str) -> bytes | None:
        """Returns a photo's overlay as a small JPEG; None where there is none."""
        path = self._find(image_id)
        if path is None:
            return None
        with self._lock:  # one at a time: a browser asks for many
            if path not in self._kept:
                # Half of it may be there by now.
                small = unless_damaged(lambda: _reduced(path), None)
                if small is None:
                    return None
                self._kept[path] = small
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            return self._kept[path]

    def whole(self, image_id: str) -> bytes | None:
        """Returns a photo's overlay as it lies there, a PNG; None where there is none."""
        path = self._find(image_id)
        try:
            data = b"" if path is None else read_file(path, _LARGEST)
        except OSError:  # it was deleted, or is too large
            return None
        return data if data.startswith(_PNG) else None

    def _find(self, image_id: str) -> Path | None:
        if not is_image_id(image_id):
            return None
        for run in self._runs:
            path = run.overlay(image_id)
            try:
                real = path.resolve(strict=True)
            except (OSError, RuntimeError):  # missing, or a link that leads to itself
                continue
            if real.is_file() and real.is_relative_to(run.path):
                return real
        return None


def _reduced(path: Path) -> bytes | None:
    data = io.BytesIO()
    with Image.open(path, formats=("PNG",)) as picture:
        if picture.width * picture.height > _MOST_PIXELS:
            return None
        picture.thumbnail(_SIZE)
        picture.convert("RGB").save(data, "JPEG", quality=82)
    return data.getvalue()
