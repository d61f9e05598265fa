"""Lengths that were measured with a tape, as they are written and as evidence."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from support.body.measured import parse_measures
from support.body.standing import BODY, LEARNED, as_json, tally_of, tally_of_photos
from support.rendered import evidence_of, truth_of

from avatarrig.body.bones import HELMERT, POOLED_BONES, PROTOTYPE_BONES
from avatarrig.body.estimate import EstimateOptions, estimate
from avatarrig.body.population.anthropometry import STATURE_OVER_LEG_AND_TORSO
from avatarrig.body.sums.tally import Tally
from avatarrig.body.tape.evidence import Tape
from avatarrig.body.tape.measure import (
    MeasureError,
    check_measures,
    parse_measure,
)
from avatarrig.cli.commands.run import run
from avatarrig.wire.estimate import Estimate, Measured


@pytest.mark.parametrize(
    ("text", "key", "value", "error"),
    [
        ("forearm=26cm", "lower_arm", 0.26, 0.0026),
        ("forearm=26cm+-0.5cm", "lower_arm", 0.26, 0.005),
        ("forearm = 26 +- 2%", "lower_arm", 0.26, 0.0052),
        ("left forearm=0,26±5mm", "lower_arm_L", 0.26, 0.005),
        ("forearm_R=10.2in", "lower_arm_R", 0.25908, 0.0025908),
        ("lower-arm left=26cm+/-1cm", "lower_arm_L", 0.26, 0.01),
        ("Thigh=41.5cm", "upper_leg", 0.415, 0.00415),
        ('shank, right=16"', "lower_leg_R", 0.4064, 0.004064),
        ("upper_arm=1'", "upper_arm", 0.3048, 0.003048),
        ("shoulders=36", "shoulder_width", 0.36, 0.0036),
        ("hip width=19cm", "hip_width", 0.19, 0.0019),
        ("torso=480mm", "torso_length", 0.48, 0.0048),
    ],
)
def test_a_length_is_read_however_it_is_spelt(
    text: str, key: str, value: float, error: float
) -> None:
    found, measured = parse_measure(text)
    assert found == key
    assert measured.value == pytest.approx(value)
    assert measured.error == pytest.approx(error)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("forearm", "write forearm=26cm"),
        ("forearm=", "write forearm=26cm"),
        ("forearm=long", "write forearm=26cm"),
        ("forearm=26cm+-", "write forearm=26cm"),
        ("forearm=26cm+-x%", "write forearm=26cm"),
        ("nose=5cm", "'nose' is no bone: one of upper_arm, forearm"),
        ("left torso=48cm", "no bone"),
        ("left right forearm=26cm", "no bone"),
        ("height=1.72m", "--height"),
        ("forearm=26m", "nobody's forearm is 2600 cm long"),
        ("forearm=2.6cm", "nobody's forearm is 2.6 cm long"),
        ("forearm=26cm+-20cm", "from 0.1 to 25 %"),
        ("forearm=26cm+-0cm", "from 0.1 to 25 %"),
        ("=26cm", "no bone"),
    ],
)
def test_nonsense_is_refused_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(MeasureError, match=says.replace("(", r"\(")):
        parse_measure(text)


def test_a_bone_is_measured_once_and_each_side_once() -> None:
    assert set(parse_measures(["left forearm=26cm", "right forearm=26.5cm", "forearm=26cm"])) == {
        "lower_arm_L", "lower_arm_R", "lower_arm"
    }  # fmt: skip
    with pytest.raises(MeasureError, match="forearm was measured twice, 26 cm and 27 cm"):
        parse_measures(["forearm=26cm", "lower_arm=27cm"])


def test_a_slip_of_a_digit_does_not_fit_the_height() -> None:
    check_measures(parse_measures(["forearm=26cm"]), 1.72)
    with pytest.raises(MeasureError, match=r"forearm of 62 cm fits no height of 1\.72 m"):
        check_measures(parse_measures(["forearm=62cm"]), 1.72)


def test_the_command_refuses_nonsense_before_it_begins() -> None:
    for given, says in (
        (["--measure", "forearm=26m"], "nobody's forearm"),
        (["--measure", "forearm=26cm", "--measure", "forearm=27cm"], "measured twice"),
        (["--measure", "forearm=62cm", "--height", "1.72m"], "fits no height"),
        (["--measure", "forearm=26cm", "--subject-from-folder"], "one person"),
    ):
        result = CliRunner().invoke(run, [".", *given])
        assert result.exit_code == 2, result.output
        assert says in result.output


def relative_error(
    document: dict[str, dict[str, dict[str, float]]], person: str, key: str
) -> float:
    known = truth_of(person)
    true = known[PROTOTYPE_BONES[key]] / known["torso"]
    stats = document["stats"]
    return abs(stats[key]["value"] / stats["torso_length"]["value"] / true - 1)


def test_true_lengths_take_the_estimate_to_the_truth_and_narrow_it() -> None:
    """A person of unusual proportions, of whom photos leave much to the population."""
    known, tally = truth_of("pw01"), tally_of_photos(evidence_of("pw01")[:3])
    measured = {
        key: Measured(value=known[PROTOTYPE_BONES[f"{key}_L"]], error=0.003)
        for key in ("upper_arm", "lower_arm", "upper_leg", "lower_leg")
    } | {"torso_length": Measured(value=known["torso"], error=0.005)}
    without, given = as_json(tally), as_json(tally, EstimateOptions(measured=measured))
    for key in ("lower_arm_L", "upper_leg_R", "lower_leg_L"):
        assert relative_error(given, "pw01", key) < 0.02
        assert given["stats"][key]["prior_share"] < 0.4 * without["stats"][key]["prior_share"]
    width = [
        stats["upper_leg_L"]["interval"][1] / stats["upper_leg_L"]["interval"][0]
        for stats in (given["stats"], without["stats"])
    ]
    assert width[0] < width[1]
    assert given["metres"]["upper_leg_L"]["value"] == pytest.approx(known["thigh"], rel=0.01)


def test_one_length_alone_tells_metres_and_no_ratio() -> None:
    tally = tally_of(30, BODY)
    without = as_json(tally)
    given = as_json(tally, EstimateOptions(measured=parse_measures(["thigh=42cm"])))
    assert given["stats"] == without["stats"]
    assert given["metres"]["upper_leg_L"]["value"] == pytest.approx(0.42, rel=1e-4)
    low, high = given["metres"]["upper_leg_R"]["interval"]
    assert math.log(high / low) / 2 == pytest.approx(1.645 * 0.01, rel=0.01)
    assert any("thigh 42 ± 0.42 cm" in note for note in given["notes"])
    assert any("metres" in note and "alone" in note for note in given["notes"])


def test_with_a_height_one_length_moves_its_ratio_towards_it() -> None:
    tally = tally_of(10, BODY)
    usual = as_json(tally, EstimateOptions(height=1.72))
    longer = 1.08 * usual["metres"]["lower_arm_L"]["value"]
    moved = as_json(
        tally,
        EstimateOptions(
            height=1.72, measured={"lower_arm_L": Measured(value=longer, error=0.01 * longer)}
        ),
    )
    change = [moved["metres"][k]["value"] / usual["metres"][k]["value"] - 1
              for k in ("lower_arm_L", "upper_leg_L")]  # fmt: skip
    assert 0.04 < change[0] < 0.08
    assert abs(change[1]) < 0.02
    assert moved["stats"]["lower_arm_R"]["value"] == moved["stats"]["lower_arm_L"]["value"]


def test_an_exact_update_is_that_of_all_lengths_together() -> None:
    """Against the plain Gaussian formula, with a size of which next to nothing is known."""
    population = LEARNED.population
    mean, covariance = population.mean, population.covariances[0]
    measured = parse_measures(["forearm=24cm", "thigh=43cm", "left shank=40cm+-1cm"])
    tape = Tape.of(measured, None)
    wide = 1e4
    prior = HELMERT.T @ covariance @ HELMERT + wide * np.ones((7, 7))
    row = tape.parts
    error = np.diag(1 / tape.precision)
    gain = prior @ row.T @ np.linalg.inv(row @ prior @ row.T + error)
    expected = HELMERT.T @ mean + gain @ (tape.logs - row @ HELMERT.T @ mean)
    rest = prior - gain @ row @ prior
    known, doubt = tape.given(mean, covariance)
    assert known == pytest.approx(HELMERT @ expected, abs=1e-6)
    assert doubt == pytest.approx(HELMERT @ rest @ HELMERT.T, abs=1e-6)


def test_lengths_end_to_end_are_solved_as_the_sum_they_are() -> None:
    mean = LEARNED.population.mean
    exact = Tape.of({"torso_length": Measured(value=0.6, error=1e-5)}, 1.7)
    exact = without_errors(exact)
    known, _ = exact.given(mean, 100 * LEARNED.population.covariances[0])
    lengths = np.exp(HELMERT.T @ known)
    bones = dict(zip(POOLED_BONES, lengths, strict=True))
    tall = STATURE_OVER_LEG_AND_TORSO * (bones["thigh"] + bones["shank"] + bones["torso"])
    assert tall / bones["torso"] == pytest.approx(1.7 / 0.6, rel=1e-3)


def without_errors(tape: Tape) -> Tape:
    """The same lengths, without errors."""
    return Tape(tape.keys, tape.parts, tape.logs, np.full(len(tape.keys), 1e12))


def test_what_contradicts_all_else_is_said_and_nothing_is_stable() -> None:
    tally = tally_of_photos(evidence_of("p00"))
    fair = as_json(tally, EstimateOptions(height=truth_of("p00")["stature"]))
    measured = {
        "lower_leg": Measured(value=1.4 * fair["metres"]["lower_leg_L"]["value"], error=0.004)
    }
    given = as_json(tally, EstimateOptions(height=fair["height"], measured=measured))
    assert any("shank as measured does not fit" in note for note in given["notes"])
    assert {bone["status"] for bone in given["stats"].values()} == {"provisional"}


def test_a_measured_bone_is_known_though_no_photo_shows_it() -> None:
    legless = [
        msgspec.structs.replace(
            one, ratios={k: v for k, v in one.ratios.items() if not k.startswith("lower_leg")}
        )
        for one in evidence_of("p00")
    ]
    tally = tally_of_photos(legless)
    assert "lower_leg_L" not in as_json(tally)["estimates"]
    known = truth_of("p00")
    options = EstimateOptions(
        height=known["stature"], measured={"lower_leg": Measured(value=known["shank"], error=0.004)}
    )
    given = estimate(tally, options=options)
    assert given.stats["lower_leg_L"].status in {"provisional", "stable"}
    assert given.is_measured("lower_leg_R")
    assert not given.is_measured("upper_leg_R")


def test_no_photo_gives_no_estimate_whatever_was_measured() -> None:
    options = EstimateOptions(measured=parse_measures(["forearm=26cm"]))
    made = estimate(Tally.empty(), options=options)
    assert made.estimates == {}
    assert made.metres == {}


def test_it_comes_back_from_json_and_from_the_wire() -> None:
    options = EstimateOptions(height=1.7, measured=parse_measures(["forearm=25cm", "thigh_L=40cm"]))
    made = estimate(tally_of(5, BODY), options=options)
    assert msgspec.json.decode(msgspec.json.encode(made), type=Estimate) == made
    assert made.to_document()["measured"]["upper_leg_L"] == {"value": 0.4, "error": 0.004}
