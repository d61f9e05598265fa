"""The embedded broker: Apache Kafka itself, one node, as a supervised child process."""

from __future__ import annotations

from avatarrig.broker.distribution import FetchProgress
from avatarrig.broker.embedded import EmbeddedBroker, fetch
from avatarrig.broker.errors import BrokerError, BrokerUnavailableError, DataInUseError
from avatarrig.broker.jars import default_cache

__all__ = [
    "BrokerError",
    "BrokerUnavailableError",
    "DataInUseError",
    "EmbeddedBroker",
    "FetchProgress",
    "default_cache",
    "fetch",
]
