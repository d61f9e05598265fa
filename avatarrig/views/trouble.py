"""Why there is no news, in a sentence for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from avatarrig.kafka.errors import KafkaTroubleError, TransportError

NOT_CONNECTED: Final = "Not connected to Kafka yet."
READING: Final = "Reading what there is."
SILENT: Final = (
    "Kafka does not answer at the moment: what is shown is from before, and goes on by itself "
    "once it answers again."
)
SILENT_SECONDS: Final = 4.0
"""Kafka has not answered for that long: then that is said."""


def in_words(error: BaseException) -> str:
    """Says for people why Kafka cannot be read."""
    if isinstance(error, TransportError) and not isinstance(error, KafkaTroubleError):
        return str(error)
    return SILENT


class Troubles:
    """Keeps each worker's trouble apart, so that whoever has one ends it, and no other.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._troubles: dict[str, str] = {}
        self._answered_at: float | None = None

    def begins(self, worker: str, words: str) -> bool:
        """Notes why a worker cannot work; tells whether that is news."""
        is_news = self._troubles.get(worker) != words
        self._troubles = {**self._troubles, worker: words}
        return is_news

    def ends(self, worker: str) -> None:
        """Notes that a worker works."""
        self._troubles = {name: words for name, words in self._troubles.items() if name != worker}

    def answered(self) -> None:
        """Notes that Kafka answered."""
        self._answered_at = self._clock()

    def why(self, error: BaseException) -> str:
        """Says why Kafka cannot be read; one that answered before has the right address."""
        may_pass = not isinstance(error, TransportError) or error.may_pass
        return SILENT if may_pass and self._answered_at is not None else in_words(error)

    @property
    def words(self) -> str:
        """The trouble that there is; empty where there is none."""
        for words in self._troubles.values():
            return words
        if self._answered_at is None:
            return NOT_CONNECTED
        return SILENT if self._clock() - self._answered_at > SILENT_SECONDS else ""
