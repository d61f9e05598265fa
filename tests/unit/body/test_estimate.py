from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import msgspec
import numpy as np
import pytest
from support.body.standing import (
    BODY,
    LEARNED,
    SIZE,
    as_json,
    landmarks,
    photo,
    shown_in,
    tally_of,
    tally_of_photos,
)
from support.rendered import evidence_of, truth_of

from avatarrig import Estimator
from avatarrig.body.bones import PROTOTYPE_BONES
from avatarrig.body.estimate import WINGSPAN, EstimateOptions, estimate
from avatarrig.body.evidence.evidence import evidence_from_landmarks
from avatarrig.body.notes import ASYMMETRY_WARNING
from avatarrig.body.sums.tally import Tally
from avatarrig.wire.estimate import Estimate, Measured
from avatarrig.wire.estimate_schema import estimate_schema

MEASURED = EstimateOptions(measured={"lower_arm": Measured(value=0.26, error=0.0026)})


@pytest.fixture(scope="module")
def thirty() -> Tally:
    return tally_of(30, BODY)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    file = resources.files("avatarrig.body") / "schema" / "skeleton_estimate.schema.json"
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    return document


def test_the_prototypes_keys_are_kept(thirty: Tally) -> None:
    document = as_json(thirty)
    assert {
        "schema_version", "phase", "used_observations", "estimates", "stats", "scale_basis", "notes"
    } <= document.keys()  # fmt: skip
    assert set(document["estimates"]) == {*PROTOTYPE_BONES, "wingspan_est"}
    assert document["estimates"]["shoulder_width"] == 1
    assert document["used_observations"] == 30
    for stats in document["stats"].values():
        assert stats["n"] > 0
        assert stats["median"] > 0


def test_no_estimate_without_its_sample_count_interval_and_status(thirty: Tally) -> None:
    document = as_json(thirty)
    for key, value in document["estimates"].items():
        stats = document["stats"][key]
        assert stats["status"] in {"provisional", "stable"}
        assert shown_in(document, key) >= 3
        assert stats["interval"][0] <= value <= stats["interval"][1]


def test_left_and_right_are_told_together_and_so_is_how_sure_they_are() -> None:
    tally = Tally.empty()
    for number in range(25):
        side = "L" if number % 8 else "R"
        hidden = {f"{bone}_{side}" for bone in ("upper_arm", "lower_arm", "upper_leg", "lower_leg")}
        said = photo(number, BODY).evidence
        assert said is not None
        ratios = {key: place for key, place in said.ratios.items() if key not in hidden}
        tally.add(photo(number, BODY, evidence=msgspec.structs.replace(said, ratios=ratios)))
    stats = as_json(tally)["stats"]
    for bone in ("upper_arm", "lower_arm", "upper_leg", "lower_leg"):
        left, right = stats[f"{bone}_L"], stats[f"{bone}_R"]
        assert left["n"] < 5 < right["n"]
        assert (left["value"], left["interval"]) == (right["value"], right["interval"])
        assert left["status"] == right["status"] != "insufficient"


def test_the_estimate_follows_the_body(thirty: Tally) -> None:
    """Longer forearms and shorter thighs come out longer and shorter than the others'."""
    other = {**BODY, "farm": 1.2 * BODY["farm"], "thigh": 0.85 * BODY["thigh"]}
    usual, unusual = estimate(thirty).bones, estimate(tally_of(30, other)).bones

    def grown(bone: str) -> float:
        return unusual[bone].value / usual[bone].value

    assert grown("lower_arm_L") > 1.03 * grown("upper_arm_L")
    assert grown("upper_leg_R") < 0.95 * grown("lower_leg_R")
    assert unusual["lower_arm_L"].median == pytest.approx(
        1.2 * (usual["lower_arm_L"].median or 0), rel=0.03
    )


def test_few_photos_are_insufficient_then_provisional_then_stable() -> None:
    for count, status in ((1, "insufficient"), (2, "insufficient"), (4, "provisional")):
        document = as_json(tally_of(count, BODY))
        assert document["stats"]["torso_length"]["status"] == status
        assert ("torso_length" in document["estimates"]) == (status != "insufficient")
    assert (
        as_json(tally_of_photos(evidence_of("p00")))["stats"]["torso_length"]["status"] == "stable"
    )


def test_more_photos_leave_less_to_the_population(thirty: Tally) -> None:
    shares = [
        estimate(tally).bones["lower_leg_L"].prior_share
        for tally in (tally_of(1, BODY), tally_of(5, BODY), thirty)
    ]
    assert 1 >= shares[0] > shares[1] > shares[2] > 0


def test_no_photo_gives_no_estimate_and_says_so() -> None:
    document = as_json(Tally.empty())
    assert document["estimates"] == {}
    assert document["stats"] == {}
    assert any("No photo has counted" in note for note in document["notes"])


def test_the_same_tally_gives_the_same_document_after_any_detour(thirty: Tally) -> None:
    options = EstimateOptions(height=1.72, window_days=30)
    expected = json.dumps(as_json(thirty, options))
    halves = [Tally.empty(), Tally.empty()]
    for number in reversed(range(30)):
        halves[number % 2].add(photo(number, BODY))
    detour = Tally.from_bytes((halves[1] + halves[0]).to_bytes())
    assert json.dumps(as_json(detour, options)) == expected


def test_metres_come_with_a_height_and_never_without(thirty: Tally) -> None:
    without = as_json(thirty)
    assert "metres" not in without
    assert "height" not in without
    document = as_json(thirty, EstimateOptions(height=1.72))
    thigh = document["metres"]["upper_leg_L"]
    assert 0.30 < thigh["value"] < 0.50
    assert thigh["interval"][0] < thigh["value"] < thigh["interval"][1]
    doubled = as_json(thirty, EstimateOptions(height=0.86))["metres"]["upper_leg_L"]["value"]
    assert doubled == pytest.approx(thigh["value"] / 2, abs=2e-5)
    ratio = document["metres"]["hip_width"]["value"] / document["metres"]["shoulder_width"]["value"]
    assert ratio == pytest.approx(document["estimates"]["hip_width"], rel=1e-3)


def test_asymmetry_is_measured_and_warned_about() -> None:
    document = as_json(tally_of(60, BODY, left_shank=1.2))
    shank = document["asymmetry"]["lower_leg"]
    assert shank["left_over_right"] == pytest.approx(1.2, rel=0.04)
    assert shank["significant"]
    assert not document["asymmetry"]["upper_arm"]["significant"]
    assert ASYMMETRY_WARNING in document["notes"]
    assert document["stats"]["lower_leg_L"]["value"] == document["stats"]["lower_leg_R"]["value"]


def test_evidence_that_contradicts_the_plain_ratios_is_pointed_out() -> None:
    shifted = [
        msgspec.structs.replace(
            usual,
            ratios={key: index + 30 * (key == "hip_width") for key, index in usual.ratios.items()},
        )
        for usual in evidence_of("p00")
    ]
    document = as_json(tally_of_photos(shifted))
    assert any("for hip" in note for note in document["notes"])
    assert document["stats"]["hip_width"]["status"] == "provisional"


@pytest.mark.parametrize("person", ["p00", "pw01"])
def test_people_of_any_proportions_are_estimated_without_a_doubt(person: str) -> None:
    bones, known = estimate(tally_of_photos(evidence_of(person))).bones, truth_of(person)
    for key, pooled in PROTOTYPE_BONES.items():
        true = known[pooled] / known["shoulder"]
        assert bones[key].value == pytest.approx(true, rel=0.12)
        assert 0.9 * bones[key].low < true < 1.1 * bones[key].high
    notes = as_json(tally_of_photos(evidence_of(person)))["notes"]
    assert not any("Plain ratios" in note or "do not agree" in note for note in notes)


@pytest.mark.parametrize("person", ["p00", "pw01"])
def test_a_height_gives_lengths_that_are_true(person: str) -> None:
    known = truth_of(person)
    options = EstimateOptions(height=known["stature"])
    metres = as_json(tally_of_photos(evidence_of(person)), options)["metres"]
    for key, pooled in PROTOTYPE_BONES.items():
        assert metres[key]["value"] == pytest.approx(known[pooled], rel=0.12)
    wingspan = known["shoulder"] + 2 * (known["uarm"] + known["farm"])
    assert metres[WINGSPAN]["value"] == pytest.approx(wingspan, rel=0.08)


@pytest.mark.parametrize("count", [0, 1, 5, 30])
@pytest.mark.parametrize("options", [None, EstimateOptions(height=1.72, window_days=30), MEASURED])
def test_documents_follow_the_schema(
    schema: dict[str, Any], count: int, options: EstimateOptions | None
) -> None:
    jsonschema.Draft202012Validator(schema).validate(as_json(tally_of(count, BODY), options))


def test_the_schema_beside_the_product_is_that_of_the_class(schema: dict[str, Any]) -> None:
    """Where it fails: ``python -m avatarrig.wire.estimate_schema`` prints what must stand there."""
    assert schema == estimate_schema()


@pytest.mark.parametrize("options", [None, EstimateOptions(height=1.72, window_days=30), MEASURED])
def test_an_estimate_is_read_back_from_json_and_from_the_wire(
    thirty: Tally, options: EstimateOptions | None
) -> None:
    made = estimate(thirty, subject="s", options=options)
    assert msgspec.json.decode(msgspec.json.encode(made), type=Estimate) == made
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=Estimate) == made


def test_what_a_newer_program_adds_is_passed_over(thirty: Tally) -> None:
    document = as_json(thirty)
    newer = document | {"new": 1, "schema_version": "2.1"}
    newer["stats"] = document["stats"] | {"neck": document["stats"]["hip_width"] | {"new": True}}
    newer["photos"] = document["photos"] | {"excluded": {"a reason of tomorrow": 3}}
    read = msgspec.json.decode(json.dumps(newer), type=Estimate)
    assert read.stats["hip_width"].value == document["stats"]["hip_width"]["value"]
    assert read.excluded == {"a reason of tomorrow": 3}


def test_the_schema_describes_every_key_and_refuses_others(
    schema: dict[str, Any], thirty: Tally
) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    document = as_json(thirty)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**document, "surprise": 1})
    del document["stats"]["hip_width"]["n"]
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(document)


def test_half_a_body_counts_for_what_it_shows() -> None:
    tally = Tally.empty()
    for number in range(10):
        random = np.random.default_rng(number)
        pose, world = landmarks(BODY, random)
        pose[25:, 1], pose[25:, 3:] = 1.4, 0.05
        evidence = evidence_from_landmarks(pose, world, *SIZE, learned=LEARNED)
        tally.add(photo(number, BODY, evidence=evidence))
    bones = estimate(tally).bones
    assert bones["upper_arm_L"].n == 10
    assert bones["lower_leg_L"].n == 0
    assert bones["lower_leg_L"].status == "insufficient"
    assert bones["lower_leg_L"].prior_share > bones["upper_arm_L"].prior_share
    assert bones["upper_arm_L"].status == "provisional"


def test_the_estimator_is_the_tally_for_programs(thirty: Tally) -> None:
    first, second = Estimator(), Estimator()
    for number in range(31):
        (first if number % 3 else second).update(photo(number, BODY))
    both = (first + second).revert(photo(30, BODY))
    assert both.tally == thirty
    assert both.estimate(subject="s") == estimate(thirty, subject="s")
    assert both.estimate().bones[WINGSPAN].value > 2
