"""The embedded broker of this user: where its data is, and whether it runs."""

from __future__ import annotations

from pathlib import Path

import msgspec
import platformdirs

from avatarrig.files import read_file
from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import describe_cluster
from avatarrig.wire import decode_json

_ALIVE_MS = 2000


def default_data_folder() -> Path:
    """Where `avatarrig broker` and `avatarrig up` keep their records."""
    return platformdirs.user_state_path("avatarrig", appauthor=False) / "kafka"


def running_broker(folder: Path) -> KafkaSettings | None:
    """Finds the embedded broker that runs on a folder's data; None where none does."""
    try:
        ports = decode_json(read_file(folder / "ports.json"), dict[str, int])
        settings = KafkaSettings(bootstrap_servers=f"127.0.0.1:{ports['client']}")
        describe_cluster(settings, timeout_ms=_ALIVE_MS)
    except (OSError, KeyError, msgspec.MsgspecError, TransportError):
        return None
    return settings
