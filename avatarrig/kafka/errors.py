"""What can go wrong between this program and Kafka, told so that a person can act on it."""

from __future__ import annotations


class TransportError(RuntimeError):
    """Kafka cannot be used as asked.

    Attributes:
        may_pass: Whether waiting may help: a broker that is away, or starts again, comes back.
    """

    may_pass = True


class KafkaTroubleError(TransportError):
    """Kafka does not answer, or answers with an error; what the library says is for a log."""


class TransportSettingError(TransportError, ValueError):
    """A setting is wrong; the message names it."""

    may_pass = False


class ConnectionRefusedByKafkaError(TransportError):
    """No connection came about; the message says whether address, TLS or credentials failed.

    Attributes:
        part: ``address``, ``tls``, ``credentials`` or ``protocol``.
    """

    def __init__(self, part: str, message: str) -> None:
        """Keeps the part beside the message."""
        super().__init__(message)
        self.part = part
        self.may_pass = part in {"address", "protocol"}


class TopicError(TransportError):
    """A topic is missing, or is not what the pipeline needs."""

    may_pass = False


class DataDamagedError(TransportError):
    """What Kafka keeps on its disk is damaged: it delivers bytes whose checksum is wrong."""

    may_pass = False

    def __init__(self, where: object) -> None:
        """Says what to do.

        Args:
            where: What the client said.
        """
        super().__init__(
            f"what Kafka keeps is damaged ({where}): restore its data from a copy, or move it away "
            "to start with an empty broker"
        )
