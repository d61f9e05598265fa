"""What can go wrong with the embedded broker, told so that a person can act on it."""

from __future__ import annotations

from avatarrig.errors import AvatarRigError

_WAYS_OUT = (
    "either use a Kafka that runs already with --bootstrap-servers HOST:PORT, or get the "
    "embedded broker ahead of time, where there is a network, with `avatarrig broker fetch`."
)


class BrokerError(AvatarRigError, RuntimeError):
    """The embedded broker did not start, or did not do what it was asked."""


class BrokerEndedError(BrokerError):
    """The broker, or a program that it needs, ended before it was ready.

    Attributes:
        was_killed: Whether somebody ended it, which says nothing of how the next start goes.
    """

    def __init__(self, message: str, *, was_killed: bool) -> None:
        """Keeps that beside the message."""
        super().__init__(message)
        self.was_killed = was_killed


class BrokerUnavailableError(BrokerError):
    """The embedded broker cannot be had on this machine: no network, no disk space, no Java.

    Args:
        reason: What is missing, without a full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"The embedded Kafka broker cannot be had: {reason}", remedy=_WAYS_OUT)


class StorageDamagedError(BrokerError):
    """What the broker keeps on its disk is damaged, so that it does not start with it."""


class DataInUseError(BrokerError):
    """Another broker that is alive uses the data directory."""
