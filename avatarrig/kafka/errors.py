"""What can go wrong between this program and Kafka, told so that a person can act on it."""

from __future__ import annotations

from avatarrig.errors import AvatarRigError, ExitCode


class TransportError(AvatarRigError, RuntimeError):
    """Kafka cannot be used as asked.

    Attributes:
        may_pass: Whether waiting may help: a broker that is away, or starts again, comes back.
    """

    may_pass = True


class KafkaTroubleError(TransportError):
    """Kafka does not answer, or answers with an error; what the library says is for a log.

    Attributes:
        is_retriable: Whether the same request may be answered later.
    """

    def __init__(self, message: str, *, is_retriable: bool = True) -> None:
        super().__init__(message)
        self.is_retriable = is_retriable


class RightsMissingError(TransportError):
    """Kafka knows who asks, and does not let them."""

    may_pass = False


class TransportSettingError(TransportError, ValueError):
    """A setting is wrong; the message names it."""

    exit_code = ExitCode.WRONG_USAGE
    may_pass = False


class ConnectionRefusedByKafkaError(TransportError):
    """No connection came about; the message says whether address, TLS or credentials failed.

    Attributes:
        part: ``address``, ``tls``, ``credentials`` or ``protocol``.
    """

    def __init__(self, part: str, message: str, *, may_pass: bool = False) -> None:
        """Keeps the part beside the message.

        Args:
            may_pass: Whether it may have been a broker that ended just then, whatever the part.
        """
        super().__init__(message)
        self.part = part
        self.may_pass = may_pass or part in {"address", "protocol"}


class TopicError(TransportError):
    """A topic is missing, or is not what the pipeline needs."""

    may_pass = False


class CompressionError(TransportError):
    """A topic holds messages that are compressed in a way that is not read here."""

    may_pass = False

    @classmethod
    def at(cls, where: object) -> CompressionError:
        """Says what to do."""
        return cls(
            f"a topic holds messages that are compressed otherwise than with gzip ({where}): set "
            "compression.type=uncompressed for the pipeline's topics, and let those messages go, "
            "as with kafka-delete-records"
        )


class DataDamagedError(TransportError):
    """What Kafka keeps on its disk is damaged: it delivers bytes whose checksum is wrong."""

    may_pass = False

    @classmethod
    def at(cls, where: object) -> DataDamagedError:
        """Says what to do."""
        return cls(
            f"what Kafka keeps is damaged ({where}): restore its data from a copy, or move it away "
            "to start with an empty broker"
        )
