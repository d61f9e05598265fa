"""Java's ahead-of-time cache: made once, it halves the broker's start.

It is worth its code: a start takes 0.9 s of CPU instead of 2.1 (three pairs, two cores, November
2026), and every run without a Kafka of its own starts one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec
import structlog
from filelock import FileLock, Timeout

from avatarrig.kafka.embedded.distribution import (
    JVM_OPTIONS,
    Distribution,
    FetchProgress,
    OnProgress,
)
from avatarrig.kafka.embedded.errors import BrokerEndedError, BrokerError
from avatarrig.kafka.embedded.jars import KAFKA_VERSION
from avatarrig.kafka.embedded.node import KafkaNode
from avatarrig.kafka.embedded.ports import choose_ports
from avatarrig.kafka.embedded.settings import NodeSettings
from avatarrig.kafka.embedded.storage import new_cluster_id
from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics
from avatarrig.process.scratch import scratch_folder
from avatarrig.wire.topics import Topic

OLDEST_MAJOR = 25
"""First Java that makes such a cache in one run (JEP 514)."""

WRITING_LIMIT_S = 120.0
"""Java writes the cache when the training run ends: 5 s on an idle laptop."""

_log = structlog.get_logger(__name__)

MOST_KEPT = 3
"""Of 70 MB each."""


def with_startup_cache(
    cache_folder: Path,
    distribution: Distribution,
    *,
    on_progress: OnProgress | None = None,
    again: bool = False,
) -> Distribution:
    """Returns the distribution with its start-up cache, made now if need be.

    A cache that cannot be made costs a second at each start and nothing else, so it is never
    an error. It is tried once; another process that is making it is not waited for.

    Args:
        cache_folder: Per-user cache.
        again: Whether to try again after a failure.
    """
    if distribution.java.major < OLDEST_MAJOR:
        return distribution
    folder = cache_folder / "startup"
    file = folder / f"{KAFKA_VERSION}-{_fingerprint(distribution)}.aot"
    failure = file.with_suffix(".failed")
    if not file.exists() and (again or not failure.exists()):
        with contextlib.suppress(OSError, Timeout):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(file.with_suffix(".lock"), timeout=0):
                _make(distribution, file, failure, on_progress)
    if not file.exists():
        return distribution
    with contextlib.suppress(OSError):
        os.utime(file)
    return msgspec.structs.replace(distribution, startup_cache=file)


def throw_startup_cache_away(distribution: Distribution) -> None:
    """Deletes a start-up cache: a damaged one breaks every start. The next start makes one."""
    if distribution.startup_cache is None:
        return
    _log.warning("the start-up cache is thrown away", file=str(distribution.startup_cache))
    with contextlib.suppress(OSError):
        distribution.startup_cache.unlink()


def _make(
    distribution: Distribution, file: Path, failure: Path, on_progress: OnProgress | None
) -> None:
    if file.exists():
        return
    if on_progress is not None:
        on_progress(FetchProgress("startup cache", 0, 1))
    try:
        _train(distribution, file)
    except BrokerEndedError as error:
        if not error.was_killed:
            failure.write_text(f"{error}\n", "utf-8")
        return
    except (OSError, BrokerError, TransportError) as error:
        failure.write_text(f"{error}\n", "utf-8")
        return
    failure.unlink(missing_ok=True)
    _remove_unused(file.parent)
    if on_progress is not None:
        on_progress(FetchProgress("startup cache", 1, 1))


def _train(distribution: Distribution, file: Path) -> None:
    """Runs a broker once while Java records what it loads."""
    with scratch_folder("training", file.parent) as room:
        written = room / file.name
        node = KafkaNode(room / "kafka", distribution)
        try:
            settings = NodeSettings(1, {1: choose_ports()}, new_cluster_id())
            node.start(
                settings, java_options=(f"-XX:AOTCacheOutput={written}",), grace_s=WRITING_LIMIT_S
            )
            node.wait_until_ready()
            create_topics(
                KafkaSettings(bootstrap_servers=node.bootstrap_servers), [Topic("training", 1)]
            )
        finally:
            node.stop()
        if not written.exists():
            raise BrokerError(f"Java wrote no start-up cache. {node.log_tail()}")
        written.replace(file)


def _remove_unused(folder: Path) -> None:
    """Each virtual environment's Java has a cache of its own; those used last are kept."""
    by_use = sorted(folder.glob("*.aot"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in by_use[MOST_KEPT:]:
        # A broker that runs may hold it open, which Windows minds.
        with contextlib.suppress(OSError):
            file.unlink()


def _fingerprint(distribution: Distribution) -> str:
    """A cache serves exactly one Java, class path and set of options."""
    parts = [
        str(distribution.java.executable.resolve()),
        distribution.java.version,
        *JVM_OPTIONS,
        *(str(jar) for jar in distribution.jars),
    ]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]
