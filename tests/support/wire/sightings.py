"""Observations as whoever looks on reads them."""

from __future__ import annotations

from avatarrig.views.sighting import SIGHTINGS, Sighting


def sighted(data: bytes) -> Sighting:
    seen = SIGHTINGS.decode(data)
    assert isinstance(seen, Sighting)
    return seen
