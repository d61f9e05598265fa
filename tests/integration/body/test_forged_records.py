"""Tallies and photos forged at random: read or refused, and an estimate is made."""

from __future__ import annotations

import random

import numpy as np
from support.aggregators.partitions import merged
from support.body.evidence import one_sided
from support.body.tallies import FINGERPRINT, tally_update
from support.observed import observation
from support.wire.hostile import mutated

from avatarrig.body.refused import ImpossibleEstimateError
from avatarrig.body.sums.tally import Tally


def test_whatever_photos_may_say_an_estimate_is_made_of_many() -> None:
    for side in range(8):
        tally = Tally.empty()
        for number in range(30):
            tally.add(observation(number, evidence=one_sided(side, {"hip_width": 64})))
        for _ in range(12):
            tally = tally + tally
        merged(tally_update(tally.to_bytes())).record(("anna", FINGERPRINT), 1.0)


def test_whatever_is_changed_in_a_tally_it_is_read_or_refused() -> None:
    tally = Tally.empty()
    for number in range(5):
        tally.add(observation(number))
    chance = random.Random(11)
    outcomes = set()
    with np.errstate(all="ignore"):
        for _ in range(1500):
            part = merged(tally_update(mutated(tally.to_bytes(), chance), subject="Mallory"))
            if part.intake.take_rejections() or not part.has(("Mallory", FINGERPRINT)):
                outcomes.add("refused")
                continue
            try:
                part.record(("Mallory", FINGERPRINT), 1.0)
                outcomes.add("estimated")
            except ImpossibleEstimateError:
                outcomes.add("no estimate")
    assert {"refused", "estimated"} <= outcomes
