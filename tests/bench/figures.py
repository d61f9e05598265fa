"""What a bench measured, as a table and as JSON."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import msgspec
import psutil


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was measured.

    Attributes:
        name: What.
        value: How much.
        unit: Of what; empty for a ratio.
        at_least: Where there is a target, the least that will do.
        at_most: The most that will do.
    """

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def target(self) -> str:
        """The target in words, and whether it was missed."""
        if self.at_least is not None:
            return f"≥ {self.at_least:,g}{'' if self.value >= self.at_least else '   MISSED'}"
        if self.at_most is not None:
            return f"≤ {self.at_most:,g}{'' if self.value <= self.at_most else '   MISSED'}"
        return ""


def machine() -> dict[str, Any]:
    """What absolute figures hold for."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 1),
        "platform": platform.platform(),
        "python": platform.python_version(),
    }


def show(figures: list[Figure]) -> None:
    """Prints a table."""
    for figure in figures:
        value = f"{figure.value:,.0f}" if abs(figure.value) >= 100 else f"{figure.value:,.2f}"
        print(f"  {figure.name:<58} {value:>10} {figure.unit:<16} {figure.target}", flush=True)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "?")
