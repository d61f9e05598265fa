"""When to publish: the first change at once, then not too often, the last change always."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

Key = TypeVar("Key")


class PublishingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When to publish. Seconds.

    Attributes:
        interval: While changes keep coming, a key is published this often.
        settled: A key that has not changed for this long is published sooner,
        gap: but never sooner than this after the last time.
        share: While messages wait, at most this share of the time goes into publishing.
        portion: At most so many keys at a time, so that nothing else waits long.
    """

    interval: float = 1.0
    settled: float = 0.02
    gap: float = 0.2
    share: float = 0.15
    portion: int = 25


class SavingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When to save. Seconds.

    Attributes:
        idle: Nothing came for this long,
        least: and the last save is at least this old;
        share: Of all time, at most this share goes into saving.
    """

    idle: float = 0.3
    least: float = 1.0
    most: float = 5.0
    share: float = 0.1


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """How often a level publishes and saves.

    Attributes:
        publishing: When to publish.
        saving: When to save.
        clock: Monotonic seconds.
    """

    publishing: PublishingSettings = PublishingSettings()
    saving: SavingSettings = SavingSettings()
    clock: Callable[[], float] = time.monotonic


class Debounce(Generic[Key]):
    """Says which of the changed keys are due. The clock is an argument.

    Args:
        settings: When to publish.
    """

    def __init__(self, settings: PublishingSettings) -> None:
        self._settings = settings
        self._changed: dict[Key, float] = {}
        self._published: dict[Key, float] = {}
        self._resting_until = float("-inf")

    @property
    def pending(self) -> bool:
        """Whether any key waits to be published."""
        return bool(self._changed)

    def changed(self, key: Key, now: float) -> None:
        """Notes that a key changed."""
        self._changed[key] = now

    def due(self, now: float, *, idle: bool) -> list[Key]:
        """Returns the keys to publish now, those first that have waited longest.

        Args:
            now: Monotonic seconds.
            idle: Whether there is nothing else to do.

        Returns:
            The same keys until `published` is told.
        """
        if now < self._resting_until and not idle:
            return []
        due = (key for key, changed in self._changed.items() if self._is_due(key, changed, now))
        return list(itertools.islice(due, self._settings.portion))

    def published(self, keys: list[Key], now: float, spent: float) -> None:
        """Notes that keys were published as they stood at ``now``, which took ``spent`` seconds.

        A key that changed meanwhile stays pending.
        """
        for key in keys:
            if self._changed.get(key, now) <= now:
                self._changed.pop(key, None)
            self._published[key] = now
        self._resting_until = now + spent / self._settings.share
        self._forget(now)

    def forget_all(self) -> None:
        """Drops everything that is pending: it now belongs to somebody else."""
        self._changed.clear()

    def _is_due(self, key: Key, changed_at: float, now: float) -> bool:
        since = now - self._published.get(key, float("-inf"))
        settings = self._settings
        return since >= settings.interval or (
            since >= settings.gap and now - changed_at >= settings.settled
        )

    def _forget(self, now: float) -> None:
        old = [key for key, at in self._published.items() if now - at > self._settings.interval]
        for key in old:
            del self._published[key]
