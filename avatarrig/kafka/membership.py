"""Lets a group's member take up an assignment that arrives between two of its polls.

kafka-python goes on joining in the background when a poll's time is up. Where the broker's answer
arrives before the next poll, that poll throws it away and joins anew (``join_group_async`` takes
a join task that is done for one that was never begun). A leader that joins anew has the whole
group rebalance, whose answer may be missed the same way: groups with short polls were seen to
rebalance without end.
"""

from __future__ import annotations

from kafka import KafkaConsumer
from kafka.structs import MemberState


def keep_assignments(consumer: KafkaConsumer) -> None:
    """Has the consumer's next poll find what a join brought after the last one.

    Args:
        consumer: Member of a group, not joined yet.
    """
    coordinator = consumer._coordinator
    join = coordinator._do_join_and_sync_async
    kept: tuple[object, bytes] | None = None

    async def join_or_take_up() -> bytes:
        nonlocal kept
        last, kept = kept, None
        # Still "rebalancing" under the generation that was joined: nobody has taken it up.
        if (
            last is not None
            and coordinator.state is MemberState.REBALANCING
            and coordinator._generation is last[0]
        ):
            return last[1]
        assignment: bytes = await join()
        kept = (coordinator._generation, assignment)
        return assignment

    coordinator._do_join_and_sync_async = join_or_take_up
