"""Makes the state of partitions, new or from a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregators.merging import Estimator, TalliedPartition
from aggregators.tallying import ObservedPartition

if TYPE_CHECKING:
    from collections.abc import Iterable


class ObservedPartitions:
    """Partitions of level 1.

    Args:
        learned: Versions of what was learned that this program evaluates with.
    """

    def __init__(self, learned: str) -> None:
        self._learned = learned

    def new(self, partition: int) -> ObservedPartition:
        """Returns the state before the first message."""
        return ObservedPartition(partition, self._learned)

    def recover(self, partition: int, items: Iterable[tuple[bytes, bytes]]) -> ObservedPartition:
        """Returns the state that a table holds.

        Raises:
            StateRefusedError: It is damaged, incomplete, or of another version.
        """
        return ObservedPartition.recover(partition, self._learned, items)


class TalliedPartitions:
    """Partitions of level 2.

    Args:
        learned: Versions of what was learned that this program estimates with.
        estimator: The mathematics.
    """

    def __init__(self, learned: str, estimator: Estimator) -> None:
        self._learned = learned
        self._estimator = estimator

    def new(self, partition: int) -> TalliedPartition:
        """Returns the state before the first message."""
        return TalliedPartition(partition, self._learned, self._estimator)

    def recover(self, partition: int, items: Iterable[tuple[bytes, bytes]]) -> TalliedPartition:
        """Returns the state that a table holds.

        Raises:
            StateRefusedError: It is damaged, incomplete, or of another version.
        """
        return TalliedPartition.recover(partition, self._learned, self._estimator, items)
