"""The second level of the aggregator, without Kafka."""

from __future__ import annotations

from support.body.evidence import LEARNED

from aggregators.partitions.merging import TalliedPartition
from aggregators.worker import estimator
from avatarrig.body.estimate import EstimateOptions

ESTIMATOR = estimator(EstimateOptions(window_days=30))


def merged(*messages: bytes) -> TalliedPartition:
    """A partition that has taken these in."""
    part = TalliedPartition(0, LEARNED.version, ESTIMATOR)
    for offset, message in enumerate(messages):
        part.take([(offset, message)])
    return part
