"""Estimates out of files that are compared with those of now: the latest few, in memory."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from avatarrig.wire.estimate import Estimate

MOST: Final = 16
"""Of more the latest are kept."""


class Kept:
    """Keeps them for as long as the page is served."""

    def __init__(self) -> None:
        self._estimates: dict[str, Estimate] = {}

    def keep(self, estimate: Estimate) -> str:
        """Keeps one; returns what it is asked for by, the same for the same estimate."""
        name = hashlib.sha256(msgspec.json.encode(estimate)).hexdigest()[:16]
        self._estimates.pop(name, None)
        self._estimates[name] = estimate
        while len(self._estimates) > MOST:
            del self._estimates[next(iter(self._estimates))]
        return name

    def find(self, name: str) -> Estimate | None:
        """Returns one; None where it is not kept, or not any more."""
        return self._estimates.get(name)
