"""Measured lengths as people give them."""

from __future__ import annotations

from collections.abc import Iterable

from avatarrig.body.tape.measure import parse_measure, together
from avatarrig.wire.estimate import Measured


def parse_measures(texts: Iterable[str]) -> dict[str, Measured]:
    return together(map(parse_measure, texts))
