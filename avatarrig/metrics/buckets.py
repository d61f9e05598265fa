"""Buckets of the histograms: enough to tell a median from a tail, few enough to store."""

from __future__ import annotations

from typing import Final

WORK_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Work on one photo or one estimate."""

WAIT_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0)
"""From a photo's arrival: under a second when idle, hours behind a backlog."""

LOAD_SECONDS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)
"""From a detector's start to its readiness."""

WIDTHS: Final = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
"""Width of an interval over its ratio."""
