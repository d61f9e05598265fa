"""What can go wrong between this program and Kafka, told so that a person can act on it."""

from __future__ import annotations


class TransportError(RuntimeError):
    """Kafka cannot be used as asked."""


class KafkaTroubleError(TransportError):
    """Kafka does not answer, or answers with an error; what the library says is for a log."""


class TransportSettingError(TransportError, ValueError):
    """A setting is wrong; the message names it."""


class ConnectionRefusedByKafkaError(TransportError):
    """No connection came about; the message says whether address, TLS or credentials failed.

    Attributes:
        part: ``address``, ``tls``, ``credentials`` or ``protocol``.
    """

    def __init__(self, part: str, message: str) -> None:
        """Keeps the part beside the message."""
        super().__init__(message)
        self.part = part


class TopicError(TransportError):
    """A topic is missing, or is not what the pipeline needs."""
