"""Records that fit their form and were written to do harm: who meets them, and who does not."""

from __future__ import annotations

import itertools
import random

import msgspec
import pytest
from support.aggregators.partitions import merged
from support.body.evidence import LEARNED, any_evidence
from support.body.tallies import FINGERPRINT, tally_update
from support.observed import observation

from aggregators.partitions.tallying import ObservedPartition
from avatarrig.body.evidence import current_evidence
from avatarrig.body.evidence.counting import judge, possible
from avatarrig.body.refused import ImpossibleEstimateError, StateRefusedError
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Evidence, encode

LARGEST = 1 << 32


@pytest.mark.parametrize("signs", [*itertools.product((LARGEST, -LARGEST), repeat=3)])
@pytest.mark.parametrize("information", [(0,) * 22, any_evidence(3).information])
def test_evidence_that_moves_somebody_further_than_a_photo_can_is_refused(
    signs: tuple[int, ...], information: tuple[int, ...]
) -> None:
    forged = Evidence(learned=LEARNED.version, information=information, vector=signs * 2)
    with pytest.raises(StateRefusedError):
        judge(observation(1, evidence=forged))
    part = ObservedPartition(0, LEARNED.version)
    assert not part.take([(0, encode(observation(1, evidence=forged)))])
    assert [one.reason for one in part.intake.take_rejections()] == ["evidence"]


def test_numbers_that_no_landmarks_give_are_refused_one_by_one() -> None:
    sound = any_evidence(5)
    chance = random.Random(7)
    for _ in range(200):
        row = list(sound.information + sound.vector)
        row[chance.randrange(len(row))] += chance.choice((-1, 1)) * (1 << chance.randrange(19, 32))
        forged = msgspec.structs.replace(sound, information=tuple(row[:22]), vector=tuple(row[22:]))
        with pytest.raises(StateRefusedError):
            judge(observation(1, evidence=forged))


def test_who_looks_on_passes_over_what_no_photo_gives() -> None:
    forged = Evidence(learned=LEARNED.version, information=(LARGEST,) * 22, vector=(0,) * 6)
    seen = [observation(number) for number in range(3)]
    seen.insert(1, observation(9, evidence=forged))
    assert possible(seen) == [seen[0], *seen[2:]]


def test_an_estimate_that_cannot_be_made_is_the_trouble_of_its_subject_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound, forged = Tally.empty(), Tally.empty()
    vector = (LARGEST, LARGEST, LARGEST, LARGEST, -LARGEST, LARGEST)
    harmful = Evidence(learned=LEARNED.version, information=(0,) * 22, vector=vector)
    with monkeypatch.context() as unchecked:  # a tally may be forged as well
        unchecked.setattr(current_evidence, "check_possible", lambda *_: None)
        for number in range(12):
            forged.add(observation(number, evidence=harmful))
    for number in range(12):
        sound.add(observation(number))
    part = merged(
        tally_update(forged.to_bytes(), subject="Mallory"), tally_update(sound.to_bytes())
    )
    with pytest.raises(ImpossibleEstimateError):
        part.record(("Mallory", FINGERPRINT), 1.0)
    assert part.is_new_refusal(("Mallory", FINGERPRINT), "why")
    assert not part.is_new_refusal(("Mallory", FINGERPRINT), "why"), "it is told once"
    assert part.record(("anna", FINGERPRINT), 1.0).observations == 12
