"""A process's folder for what is on its way, which does not outlive it for long."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

_LOCK: Final = "lock"
_YOUNG_SECONDS: Final = 60.0
"""A folder that is younger may not have been locked yet."""


@contextlib.contextmanager
def scratch_folder(use: str, parent: Path | None = None) -> Iterator[Path]:
    """Makes a folder and deletes it in the end.

    A process that is killed deletes nothing, and photos of people are no litter: those who come
    later for the same use delete what no living process holds.

    Args:
        use: What the folder is for; a part of its name.
        parent: Where the folder is made; None for the system's place for temporary files.
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    prefix = f"avatarrig-{use}-"
    for left in parent.glob(f"{prefix}*"):
        with contextlib.suppress(OSError, Timeout):
            _delete_abandoned(left)
    made = tempfile.TemporaryDirectory(prefix=prefix, dir=parent)
    with made as folder, FileLock(Path(folder) / _LOCK):
        yield Path(folder)


def _delete_abandoned(folder: Path) -> None:
    about = folder.lstat()
    # Anybody may put things into a place for temporary files; what is not ours is left alone.
    if folder.is_symlink() or not _is_ours(about):
        return
    if time.time() - about.st_mtime >= _YOUNG_SECONDS:
        with FileLock(folder / _LOCK, timeout=0):
            shutil.rmtree(folder, ignore_errors=True)


def _is_ours(about: os.stat_result) -> bool:
    return not hasattr(os, "getuid") or about.st_uid == os.getuid()
