"""Photos counted, and what is estimated of them."""

from __future__ import annotations

from collections.abc import Iterable

from support.body.evidence import LEARNED
from support.observed import observation

from avatarrig.body.solver.person import Proportions, solve_moments
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Observation, TallyUpdate, encode

FINGERPRINT = observation(0).fingerprint


def tallied(photos: Iterable[Observation]) -> Tally:
    tally = Tally.empty()
    for photo in photos:
        tally.add(photo)
    return tally


def solved(photos: Iterable[Observation]) -> Proportions:
    return solve_moments(tallied(photos).cells(), LEARNED)


def tally_update(
    tally: bytes | Tally, partition: int = 0, offset: int = 9, subject: str = "anna"
) -> bytes:
    """What the first level of the aggregator publishes of a subject's photos."""
    data = tally if isinstance(tally, bytes) else tally.to_bytes()
    return encode(
        TallyUpdate(
            subject=subject,
            fingerprint=FINGERPRINT,
            partition=partition,
            offset=offset,
            tally=data,
        )
    )
