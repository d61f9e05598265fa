"""Which files make up Apache Kafka, and where they are kept."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec
import platformdirs

KAFKA_VERSION = "4.2.2"
"""Not the newest: 4.3 and 4.4, when a broker that stands alone was killed, may never tell readers
how its transactions ended (KAFKA-20734)."""


class Jar(msgspec.Struct, frozen=True):
    """One file of the distribution.

    Attributes:
        path: Path below a Maven repository's base URL.
        size: Bytes.
        sha256: Hexadecimal.
    """

    path: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """File name, unique among the jars."""
        return self.path.rpartition("/")[2]


@cache
def committed_jars() -> tuple[Jar, ...]:
    """Returns Apache Kafka and what it needs at run time, as listed in ``jars.txt``."""
    lines = files(__package__).joinpath("jars.txt").read_text("ascii").splitlines()
    entries = (line.split() for line in lines if line and not line.startswith("#"))
    return tuple(Jar(path, int(size), sha256) for sha256, size, path in entries)


def default_cache() -> Path:
    """Returns the per-user folder that keeps jars and start-up caches between runs."""
    return platformdirs.user_cache_path("avatarrig", appauthor=False) / "kafka"


def jar_folder(cache_folder: Path) -> Path:
    """Returns the folder inside the cache that holds the jars of this version."""
    return cache_folder / KAFKA_VERSION


def class_path(cache_folder: Path, jars: tuple[Jar, ...]) -> list[Path]:
    """Returns the jars in an order that never changes, as start-up caches demand."""
    return [jar_folder(cache_folder) / name for name in sorted(jar.name for jar in jars)]
