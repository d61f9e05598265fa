"""Apache Kafka as it lies on this machine: Java, jars, start-up cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from avatarrig.kafka.embedded.download import fetch_jars, missing_jars
from avatarrig.kafka.embedded.jars import class_path, committed_jars
from avatarrig.kafka.embedded.java import Java, find_java

JVM_OPTIONS = (
    "-Xms64m",
    "-Xmx320m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    # What runs a few times is not worth compiling: a short run takes .3 s of CPU less.
    "-XX:CompileThresholdScaling=4",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xlog:disable",
    "-Dfile.encoding=UTF-8",
    "-Dlog4j2.configurationFile=log4j2.xml",
)
"""Small and quick to start: a laptop's broker carries references and landmarks, not pixels."""


class FetchProgress(msgspec.Struct, frozen=True):
    """How far the preparation of the broker is.

    Attributes:
        step: ``download`` (bytes) or ``startup cache`` (0 of 1, then 1 of 1).
    """

    step: str
    done: int
    total: int

    @property
    def words(self) -> str:
        """What is fetched, and how far it is."""
        unit = 1e6 if self.step == "download" else 1
        name = "fetching Apache Kafka" if self.step == "download" else "making its start quick"
        return f"{name} ({self.done / unit:.0f} of {self.total / unit:.0f})"


OnProgress = Callable[[FetchProgress], None]
"""Told about progress; may be called from several threads, one at a time."""


class Distribution(msgspec.Struct, frozen=True):
    """Everything that is needed to run Kafka's programs.

    Attributes:
        jars: The class path, in an order that never changes.
        startup_cache: Java's ahead-of-time cache; None where there is none.
    """

    java: Java
    jars: tuple[Path, ...]
    startup_cache: Path | None = None

    def command(self, main_class: str, *arguments: str, options: tuple[str, ...] = ()) -> list[str]:
        """Returns the command line that runs one of Kafka's programs.

        Args:
            main_class: For example ``kafka.Kafka``.
            options: For the Java run-time, besides the usual ones.
        """
        cached = (f"-XX:AOTCache={self.startup_cache}",) if self.startup_cache else ()
        path = os.pathsep.join(str(jar) for jar in self.jars)
        return [
            str(self.java.executable),
            *JVM_OPTIONS,
            *cached,
            *options,
            "-cp",
            path,
            main_class,
            *arguments,
        ]


def prepare_distribution(
    cache_folder: Path, *, on_progress: OnProgress | None = None, verify: bool = False
) -> Distribution:
    """Finds Java and the jars, and downloads the jars that are missing.

    Args:
        cache_folder: Per-user cache.
        verify: Whether to hash jars that are there already.

    Returns:
        The distribution, without a start-up cache.

    Raises:
        BrokerUnavailableError: There is no Java, or a jar cannot be had.
    """
    java = find_java()
    jars = committed_jars()

    def on_bytes(done: int, total: int) -> None:
        if on_progress is not None:
            on_progress(FetchProgress("download", done, total))

    if verify or missing_jars(cache_folder, jars):
        fetch_jars(cache_folder, jars, on_bytes=on_bytes, verify=verify)
    return Distribution(java, tuple(class_path(cache_folder, jars)))
