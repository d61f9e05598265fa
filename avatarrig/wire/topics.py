"""The topics: names, partitions and how long each keeps its records."""

from __future__ import annotations

from typing import Final

import msgspec

PREFIX = "avatarrig."
"""What the names of all topics and consumer groups of a pipeline begin with."""

IMAGES = "avatarrig.images"
OBSERVATIONS = "avatarrig.observations"
REJECTS = "avatarrig.rejects"
TALLIES = "avatarrig.tallies"
SKELETONS = "avatarrig.skeletons"
HISTORY = "avatarrig.history"

DETECTOR_GROUPS = "avatarrig.detectors"
"""What the names of all consumer groups of detectors begin with."""

AGGREGATORS = "avatarrig.aggregators"
"""The consumer group of aggregators, where none is named."""

RUN_LENGTH = 12
"""Characters of a run's identifier, hexadecimal."""

DEFAULT_PARTITIONS = 12
"""Ceiling of detector replicas; 12 divides evenly among 2, 3, 4 and 6 of them."""

_DAY_MS = 24 * 3600 * 1000


def detector_group(run: str) -> str:
    """Name of the consumer group that a run's detector replicas share."""
    return f"{DETECTOR_GROUPS}.{run}"


def run_of_group(group: str) -> str:
    """Run whose photos alone a group of detectors takes; empty for a service's."""
    name, _, run = group.rpartition(".")
    is_run = len(run) == RUN_LENGTH and all(letter in "0123456789abcdef" for letter in run)
    return run if name == DETECTOR_GROUPS and is_run else ""


class Topic(msgspec.Struct, frozen=True):
    """A topic as it is created.

    Attributes:
        partitions: Number of partitions.
        settings: Topic settings that differ from the broker's defaults.
    """

    name: str
    partitions: int
    settings: dict[str, str] = {}


UNPACKED: Final = {"compression.type": "uncompressed"}
"""Has brokers unpack what arrives compressed: readers have no library for most ways of it, and what
is small when packed may fill their memory. One such message would stop all of them for good."""

STAMPED: Final = {"message.timestamp.type": "LogAppendTime"}
"""Has brokers stamp messages by their own clock: they take none from a clock that is an hour ahead,
and clients would send it again for ever."""


def pipeline_topics(partitions: int = DEFAULT_PARTITIONS) -> tuple[Topic, ...]:
    """Lists every topic of the pipeline; all have the same number of partitions.

    Faust requires the tables' changelogs and their source topics to agree, and the
    aggregator keys its state by input partition.
    """
    # For ever, but for what is replaced under the same key, or deleted by a tombstone; that is
    # gone for good within a week.
    kept = {
        "cleanup.policy": "compact",
        "max.compaction.lag.ms": str(7 * _DAY_MS),
        "delete.retention.ms": str(_DAY_MS),
    }
    # Tallies and estimates are replaced every second; small segments let the broker clean them
    # up, so that whoever begins to read finds little that is outdated.
    replaced = {
        "cleanup.policy": "compact",
        "segment.bytes": str(16 << 20),
        "min.cleanable.dirty.ratio": "0.2",
        "max.compaction.lag.ms": str(7 * _DAY_MS),
    }
    # Its keys thin it out; see `avatarrig.wire.history`.
    remembered = replaced | {"cleanup.policy": "compact,delete", "retention.ms": str(400 * _DAY_MS)}
    return (
        Topic(IMAGES, partitions, kept),
        Topic(OBSERVATIONS, partitions, kept),
        Topic(REJECTS, partitions, kept),
        Topic(TALLIES, partitions, replaced),
        Topic(SKELETONS, partitions, replaced),
        Topic(HISTORY, partitions, remembered),
    )
