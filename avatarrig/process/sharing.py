"""How the processes of one service put their metrics together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from prometheus_client import values

DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus-client's own variable; files in that folder outlive the process."""
PART: Final = "AVATARRIG_METRICS_PART"


def part_environment(directory: Path, part: str) -> dict[str, str]:
    """Returns the environment variables that have a child process share its metrics.

    Args:
        directory: Folder of the service; empty when the service starts.
        part: The child's name, without underscores, unique in the service. Under the same name a
            child that is started again goes on counting where its predecessor was killed.
    """
    return {DIRECTORY: str(directory), PART: part}


def share_metrics() -> None:
    """Shares this process's metrics with its service, where that asks for it.

    Call it before any metric is made.
    """
    part = os.environ.get(PART)
    if part and os.environ.get(DIRECTORY):
        values.ValueClass = values.MultiProcessValue(lambda: part)  # type: ignore[no-untyped-call]
