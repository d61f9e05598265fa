"""What all processes of one run of pytest share: made by the first that asks for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that one process makes, and for which the others wait.

    Args:
        name: The folder's, the same in all processes.
        make: Is given the folder, which is not there yet. Where it fails, the next one tries.
    """
    of_this_process = factory.getbasetemp()
    is_one_of_many = "PYTEST_XDIST_WORKER" in os.environ
    folder = (of_this_process.parent if is_one_of_many else of_this_process) / name
    done = folder.with_suffix(".made")
    with FileLock(folder.with_suffix(".lock")):
        if not done.exists():
            make(folder)
            done.touch()
    return folder
