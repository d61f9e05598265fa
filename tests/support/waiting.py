"""Waiting for a condition, never for a time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

PATIENCE = 240.0
"""A busy machine takes its time; a test that hangs is ended by pytest soon after."""
_LONGEST = 2.0
"""Seconds between two looks at most: a child that ends tells at once of all that it ever took."""


def wait_for(
    condition: Callable[[], object],
    *,
    every: float = 0.1,
    patience: float = PATIENCE,
    why: Callable[[], object] = lambda: "it never came true",
) -> None:
    """Looks again and again until a condition holds.

    Args:
        condition: What to wait for.
        every: Seconds between two looks; more where a look takes much of the processor, which
            whoever is waited for needs as well.
        patience: Seconds after which the test fails.
        why: Tells then what is the matter.
    """
    give_up = time.monotonic() + patience
    before = _spent()
    while not condition():
        assert time.monotonic() < give_up, why()
        time.sleep(max(every, min(2 * (_spent() - before), _LONGEST)))
        before = _spent()


def _spent() -> float:
    """Seconds of the processor that this process took, and those that it started and saw end."""
    return sum(os.times()[:4])
