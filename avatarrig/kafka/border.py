"""Where errors of Kafka's library become this program's; beyond it nobody knows that library's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka.errors import (
    AuthorizationError,
    CorruptRecordError,
    KafkaError,
    UnsupportedCodecError,
)

from avatarrig.kafka.errors import (
    CompressionError,
    DataDamagedError,
    KafkaTroubleError,
    RightsMissingError,
)


@contextmanager
def told_by(what: str) -> Iterator[None]:
    """Turns what Kafka's library raises into an error for people.

    Args:
        what: Begins the message, such as ``Kafka at localhost:9092``.

    Raises:
        CompressionError: A message is compressed in a way that is not read here.
        DataDamagedError: What Kafka keeps is damaged.
        RightsMissingError: Kafka does not let this user do it.
        KafkaTroubleError: In place of any other `KafkaError`.
    """
    try:
        yield
    except CorruptRecordError as error:
        raise DataDamagedError.at(error) from error
    except UnsupportedCodecError as error:
        raise CompressionError.at(error) from error
    except AuthorizationError as error:
        raise RightsMissingError(f"{what}: {error}") from error
    except KafkaError as error:
        raise KafkaTroubleError(f"{what}: {error}", is_retriable=error.retriable) from error
