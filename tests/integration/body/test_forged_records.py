"""Tallies and photos forged at random: read or refused, and an estimate is made."""

from __future__ import annotations

import random

import numpy as np
from support.body.evidence import LEARNED, one_sided
from support.observed import observation
from support.wire.hostile import mutated

from aggregators.partitions.merging import TalliedPartition
from aggregators.worker import estimator
from avatarrig.body.estimate import EstimateOptions
from avatarrig.body.refused import ImpossibleEstimateError
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import TallyUpdate, encode

ESTIMATOR = estimator(EstimateOptions(window_days=30))
FINGERPRINT = observation(0).fingerprint


def tallied(*updates: TallyUpdate) -> TalliedPartition:
    part = TalliedPartition(0, LEARNED.version, ESTIMATOR)
    for offset, update in enumerate(updates):
        part.apply(offset, encode(update))
    return part


def update(subject: str, tally: bytes, partition: int = 0) -> TallyUpdate:
    return TallyUpdate(
        subject=subject, fingerprint=FINGERPRINT, partition=partition, offset=9, tally=tally
    )


def test_whatever_photos_may_say_an_estimate_is_made_of_many() -> None:
    for side in range(8):
        tally = Tally.empty()
        for number in range(30):
            tally.add(observation(number, evidence=one_sided(side, {"hip_width": 64})))
        for _ in range(12):
            tally = tally + tally
        tallied(update("anna", tally.to_bytes())).record(("anna", FINGERPRINT), 1.0)


def test_whatever_is_changed_in_a_tally_it_is_read_or_refused() -> None:
    tally = Tally.empty()
    for number in range(5):
        tally.add(observation(number))
    chance = random.Random(11)  # noqa: S311 - no secret
    outcomes = set()
    with np.errstate(all="ignore"):
        for _ in range(1500):
            part = tallied(update("Mallory", mutated(tally.to_bytes(), chance)))
            if part.intake.take_rejections() or not part.has(("Mallory", FINGERPRINT)):
                outcomes.add("refused")
                continue
            try:
                part.record(("Mallory", FINGERPRINT), 1.0)
                outcomes.add("estimated")
            except ImpossibleEstimateError:
                outcomes.add("no estimate")
    assert {"refused", "estimated"} <= outcomes
