"""Threads of a command: where one dies, the command ends with the reason instead of waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from avatarrig.errors import AvatarRigError

_log = structlog.get_logger(__name__)


class BackgroundError(AvatarRigError, RuntimeError):
    """A thread died; the message names it and its reason."""


class Background:
    """Owns the threads of a command. They end with the process; each is told to stop by its owner.

    Attributes:
        failure: What the first thread that died died of; None while none did.
    """

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self._name = ""

    def start(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """Runs some work beside the command. `work`: returns when it is done."""
        thread = threading.Thread(target=self._run, args=(name, work), name=name, daemon=True)
        thread.start()
        return thread

    def check(self) -> None:
        """Looks whether all threads are well.

        Raises:
            Exception: What the first one that died raised, where that is made for people.
            BackgroundError: It was something else; the log has the rest.
        """
        if self.failure is not None:
            raise BackgroundError(
                f"{self._name} failed: {self.failure!r}. The same command resumes; if it fails "
                "again, report it with the log"
            ) from self.failure

    def _run(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the command hears of it, and ends
            _log.exception("a thread died", thread=name)
            if self.failure is None:
                self._name, self.failure = name, error
