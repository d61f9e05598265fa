"""The embedded broker: Apache Kafka itself, one node, as a supervised child process."""

from __future__ import annotations

from avatarrig.broker.distribution import FetchProgress
from avatarrig.broker.embedded import EmbeddedBroker, fetch
from avatarrig.broker.errors import BrokerError, BrokerUnavailableError, DataInUseError
from avatarrig.broker.jars import default_cache
from avatarrig.broker.running import default_data_folder, running_broker

__all__ = [
    "BrokerError",
    "BrokerUnavailableError",
    "DataInUseError",
    "EmbeddedBroker",
    "FetchProgress",
    "default_cache",
    "default_data_folder",
    "fetch",
    "running_broker",
]
