"""A person's state stays small, whatever was seen."""

from __future__ import annotations

from support.body.arbitrary import observation
from support.body.evidence import one_sided
from support.body.standing import ARRIVED, DAY

from avatarrig.body.ratios import RATIO_KEYS
from avatarrig.body.sums.histogram import HIGHEST_BIN, LOWEST_BIN
from avatarrig.body.sums.tally import Tally


def test_the_state_stays_under_64_kilobytes_whatever_it_has_seen() -> None:
    ratios = [dict.fromkeys(RATIO_KEYS, index) for index in range(LOWEST_BIN, HIGHEST_BIN + 1)]
    year_old = [ARRIVED - age * DAY for age in [*range(92), *range(92, 5000, 25)]]
    tally = Tally.empty()
    for number in range(max(len(ratios), len(year_old))):
        evidence = one_sided(number, ratios[number % len(ratios)])
        captured_at = year_old[number % len(year_old)] + 60.0 * number
        tally.add(observation(evidence=evidence, captured_at=captured_at, look=(31,) * 16))
    while tally.observations < 10_000_000:
        tally = tally + tally
    assert len(tally.to_bytes()) < 64_000
