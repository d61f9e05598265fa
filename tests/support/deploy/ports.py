"""Ports for several servers that start later, no two alike."""

from __future__ import annotations

from avatarrig.kafka.embedded.ports import choose_ports


def distinct_ports(number: int) -> list[int]:
    """Chooses free ports of this machine.

    Args:
        number: How many.
    """
    chosen: set[int] = set()
    while len(chosen) < number:
        chosen.add(choose_ports().client)
    return list(chosen)
