"""Bones that no photo tells of."""

from __future__ import annotations

import json
import math
from importlib import resources

import numpy as np
import pytest
from support.body.measured import parse_measures
from support.body.standing import BODY, LEARNED, tally_of, tally_of_photos
from support.rendered import evidence_of, truth_of

from avatarrig.body.bones import HELMERT, POOLED_BONES
from avatarrig.body.estimate import EstimateOptions, estimate
from avatarrig.body.population.anthropometry import STATURE_OVER_LEG_AND_TORSO
from avatarrig.body.population.further import further_bones
from avatarrig.body.solver.person import solve_moments
from avatarrig.body.sums.tally import Tally
from avatarrig.body.tape.evidence import NOTHING
from avatarrig.wire.estimate import FURTHER_LABELS, Measured

TABLE = json.loads(
    resources.files("avatarrig.body.population").joinpath("further.json").read_text()
)


def test_the_average_person_has_the_surveys_shares() -> None:
    nobody = solve_moments([], LEARNED)
    bones = further_bones(nobody, LEARNED, NOTHING, {})
    lengths = np.exp(HELMERT.T @ LEARNED.population.mean)
    known = dict(zip(POOLED_BONES, lengths, strict=True))
    tall = STATURE_OVER_LEG_AND_TORSO * (known["thigh"] + known["shank"] + known["torso"])
    assert bones.keys() == FURTHER_LABELS.keys() == TABLE.keys()
    for key, bone in bones.items():
        share = bone.value * known["shoulder"] / tall
        assert share == pytest.approx(TABLE[key]["share"], rel=1e-3)
        assert bone.prior_share == pytest.approx(1, abs=0.01)
        assert bone.status == "insufficient"
        assert bone.metres is None


def test_photos_tell_of_them_by_the_other_bones_alone() -> None:
    made = estimate(tally_of(30, BODY)).further
    assert made["hand"].prior_share == 1, "hands do not follow the rest"
    assert made["hand"].status == "insufficient"
    assert made["spine_lower"].prior_share < 1
    assert made["clavicle"].prior_share < 0.6, "collar bones follow the shoulders"
    assert made["clavicle"].status == "provisional"
    wide, narrow = (
        estimate(tally_of(30, BODY | {"shoulder": BODY["shoulder"] * by})).further["clavicle"]
        for by in (1.15, 0.87)
    )
    assert wide.value == pytest.approx(narrow.value, rel=0.06), "over the shoulders"


def test_a_person_has_them_in_metres_with_an_honest_interval() -> None:
    known = truth_of("p00")
    made = estimate(
        tally_of_photos(evidence_of("p00")), options=EstimateOptions(height=known["stature"])
    )
    for key, bone in made.further.items():
        assert bone.metres is not None
        low, high = bone.metres.interval
        assert low < TABLE[key]["share"] * known["stature"] < high
        assert math.log(high / low) > 2 * 1.6 * TABLE[key]["deviation"]


def test_what_was_measured_of_one_is_taken_where_the_size_is_known() -> None:
    tally = tally_of(30, BODY)
    measured = parse_measures(["hand=21cm", "foot=24cm+-1cm"])
    alone = estimate(tally, options=EstimateOptions(measured=measured))
    assert alone.metres is None
    assert alone.further == estimate(tally).further
    assert any("nothing is known about metres" in note for note in alone.notes)
    made = estimate(tally, options=EstimateOptions(height=1.72, measured=measured))
    hand, usual = made.further["hand"], estimate(tally, options=EstimateOptions(height=1.72))
    assert hand.metres is not None
    assert hand.metres.value == pytest.approx(0.21, rel=0.02)
    assert hand.value > 1.05 * usual.further["hand"].value
    assert hand.prior_share < 0.2 * usual.further["hand"].prior_share
    assert hand.status == "stable"
    assert made.is_measured("hand")
    assert not made.is_measured("head")
    assert made.stats == usual.stats, "it says nothing of the others"


def test_no_photo_tells_of_none() -> None:
    assert estimate(Tally.empty()).further == {}


@pytest.mark.parametrize("key", ["head", "neck", "hand", "foot", "ankle_height"])
def test_those_that_a_tape_reaches_can_be_measured(key: str) -> None:
    usual = 1.72 * TABLE[key]["share"]
    options = EstimateOptions(height=1.72, measured={key: Measured(value=usual, error=0.005)})
    bone = estimate(tally_of(10, BODY), options=options).further[key]
    assert bone.status == "stable"
    assert bone.interval[0] < bone.value < bone.interval[1]
