"""The embedded broker: Apache Kafka itself, one node, as a supervised child process."""

from __future__ import annotations

from avatarrig.kafka.embedded.distribution import FetchProgress
from avatarrig.kafka.embedded.embedded import EmbeddedBroker, fetch
from avatarrig.kafka.embedded.errors import (
    BrokerError,
    BrokerUnavailableError,
    DataInUseError,
    StorageDamagedError,
)
from avatarrig.kafka.embedded.jars import default_cache
from avatarrig.kafka.embedded.keeper import BrokerKeeper
from avatarrig.kafka.embedded.running import default_data_folder, running_broker
from avatarrig.kafka.embedded.storage import set_storage_aside, storage_state

__all__ = [
    "BrokerError",
    "BrokerKeeper",
    "BrokerUnavailableError",
    "DataInUseError",
    "EmbeddedBroker",
    "FetchProgress",
    "StorageDamagedError",
    "default_cache",
    "default_data_folder",
    "fetch",
    "running_broker",
    "set_storage_aside",
    "storage_state",
]
