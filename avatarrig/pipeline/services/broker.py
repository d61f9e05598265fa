"""The embedded Apache Kafka alone, until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.pipeline.coordinator import Coordinator


def keep_broker(
    broker: EmbeddedBroker,
    stop: threading.Event,
    *,
    tell: Callable[[str], None],
    listens: Callable[[KafkaSettings], None],
) -> None:
    """Keeps a broker at work.

    Args:
        tell: Hears of each new start.
        listens: Hears where it is, once it answers.

    Raises:
        BrokerError: It does not start, or was given up.
    """
    with Coordinator(tell, drain=0.0) as coordinator:
        listens(coordinator.keep(broker))
        coordinator.work(stop)
