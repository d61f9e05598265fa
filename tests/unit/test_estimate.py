from __future__ import annotations

import datetime as dt
import functools
import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarrig import Estimator
from avatarrig.records import Evidence, Observation, PackedArray
from avatarrig.skeleton.asymmetry import ASYMMETRY_WARNING
from avatarrig.skeleton.bones import (
    BONE_VECTORS,
    HELMERT,
    POOLED_BONES,
    POOLING,
    PROTOTYPE_BONES,
)
from avatarrig.skeleton.estimate import WINGSPAN, EstimateOptions, estimate
from avatarrig.skeleton.evidence import INFORMATION_LENGTH, evidence_from_landmarks
from avatarrig.skeleton.learned import load_learned
from avatarrig.skeleton.rolling import Change, compare
from avatarrig.skeleton.tally import Tally

ARRIVED = dt.datetime(2026, 11, 22, tzinfo=dt.UTC).timestamp()
DAY = 86_400.0
SIZE = (960, 1280)
LEARNED = load_learned("full")


def average_body() -> dict[str, float]:
    """Lengths between landmarks, m, that photos of an average person show."""
    logs = POOLING @ (HELMERT.T @ LEARNED.population.mean) + LEARNED.network.offset
    lengths = {bone: float(np.exp(x)) for (bone, *_), x in zip(BONE_VECTORS, logs, strict=True)}
    return {bone: 0.48 * length / lengths["torso"] for bone, length in lengths.items()}


BODY = average_body()


def landmarks(
    body: dict[str, float], random: np.random.Generator, *, left_shank: float = 1.0
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A standing figure of known lengths, turned a little, seen from far away: (33, 5), (33, 3)."""
    points = np.zeros((33, 3))
    points[:11] = [0, -0.72, -0.1]
    points[[2, 5, 7, 8, 9, 10], 0] = [0.03, -0.03, 0.07, -0.07, 0.02, -0.02]
    for side, sign in ((0, 1), (1, -1)):
        shoulder = np.array([sign * body["shoulder"] / 2, -body["torso"], 0])
        hip = np.array([sign * body["hip"] / 2, 0, 0])
        swing, spread = random.normal(0, 0.15), random.uniform(0.2, 1.2)
        arm = np.array([sign * np.sin(spread), np.cos(spread), np.sin(swing)])
        leg = np.array([sign * 0.08, 1, 0.5 * np.sin(swing)])
        arm, leg = arm / np.linalg.norm(arm), leg / np.linalg.norm(leg)
        shank = body["shank"] * (left_shank if side == 0 else 1)
        elbow, knee = shoulder + body["uarm"] * arm, hip + body["thigh"] * leg
        wrist, ankle = elbow + body["farm"] * arm, knee + shank * leg
        points[11 + side], points[13 + side], points[15 + side] = shoulder, elbow, wrist
        points[[17 + side, 19 + side, 21 + side]] = wrist + 0.08 * arm
        points[23 + side], points[25 + side], points[27 + side] = hip, knee, ankle
        points[29 + side] = np.add(ankle, [0, 0.05, 0.05])
        points[31 + side] = np.add(ankle, [0, 0.06, -0.14])
    yaw = random.normal(0, 0.25)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    world = points @ turn.T
    pixels = world[:, :2] * 500 + [SIZE[0] / 2, 600] + random.normal(0, 4, (33, 2))
    pose = np.concatenate([pixels / SIZE, world[:, 2:], np.full((33, 2), 0.99)], axis=1)
    return pose.astype(np.float32), world.astype(np.float32)


@functools.cache
def seen(number: int, body: tuple[tuple[str, float], ...], left_shank: float) -> dict[str, Any]:
    pose, world = landmarks(dict(body), np.random.default_rng(number), left_shank=left_shank)
    return {
        "pose": PackedArray.pack(pose),
        "world": PackedArray.pack(world),
        "evidence": evidence_from_landmarks(pose, world, *SIZE, learned=LEARNED),
    }


def photo(
    number: int,
    body: dict[str, float],
    left_shank: float = 1.0,
    **fields: Any,  # noqa: ANN401
) -> Observation:
    usual: dict[str, Any] = {
        "image_id": f"photo-{number}",
        "dataset": "d",
        "path": f"{number}.jpg",
        "subject": "s",
        "content_hash": f"{number:064}",
        "found_at": ARRIVED,
        "observed_at": ARRIVED,
        "fingerprint": "f",
        "width": SIZE[0],
        "height": SIZE[1],
        "people": 1,
        **seen(number, tuple(body.items()), left_shank),
    }
    return Observation(**usual | fields)


def tally_of(count: int, body: dict[str, float], **fields: Any) -> Tally:  # noqa: ANN401
    tally = Tally.empty()
    for number in range(count):
        tally.add(photo(number, body, **fields))
    return tally


@functools.cache
def rendered(person: str, first: int = 0, last: int = 30) -> Tally:
    """Photos of a rendered person: see data/README.md."""
    with np.load(Path(__file__).parent / "data" / "rendered_people.npz") as people:
        poses, worlds = people[f"{person}_pose"], people[f"{person}_world"]
    tally = Tally.empty()
    for number in range(first, last):
        pose, world = poses[number].astype(np.float32), worlds[number].astype(np.float32)
        evidence = evidence_from_landmarks(pose, world, 640, 960, learned=LEARNED)
        tally.add(photo(number, BODY, evidence=evidence))
    return tally


def truth(person: str) -> dict[str, float]:
    with np.load(Path(__file__).parent / "data" / "rendered_people.npz") as people:
        return dict(
            zip((*POOLED_BONES, "stature"), people[f"{person}_bones"].tolist(), strict=True)
        )


@pytest.fixture(scope="module")
def thirty() -> Tally:
    return tally_of(30, BODY)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    file = resources.files("avatarrig.skeleton") / "schema" / "skeleton_estimate.schema.json"
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    return document


def as_json(tally: Tally, options: EstimateOptions | None = None) -> dict[str, Any]:
    document = estimate(tally, subject="s", options=options).to_document()
    read_back: dict[str, Any] = json.loads(json.dumps(document, allow_nan=False))
    assert read_back == document
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
        assert stats["n"] >= 3
        assert stats["interval"][0] <= value <= stats["interval"][1]


def test_the_estimate_follows_the_body(thirty: Tally) -> None:
    """Longer forearms and shorter thighs come out longer and shorter than the others'."""
    other = {**BODY, "farm": 1.2 * BODY["farm"], "thigh": 0.85 * BODY["thigh"]}
    usual, unusual = estimate(thirty).bones, estimate(tally_of(30, other)).bones
    assert unusual["lower_arm_L"].value > 1.04 * usual["lower_arm_L"].value
    assert unusual["upper_leg_R"].value < 0.97 * usual["upper_leg_R"].value
    assert unusual["lower_arm_L"].median == pytest.approx(
        1.2 * (usual["lower_arm_L"].median or 0), rel=0.03
    )


def test_few_photos_are_insufficient_then_provisional_then_stable() -> None:
    for count, status in ((1, "insufficient"), (2, "insufficient"), (4, "provisional")):
        document = as_json(tally_of(count, BODY))
        assert document["stats"]["torso_length"]["status"] == status
        assert ("torso_length" in document["estimates"]) == (status != "insufficient")
    assert as_json(rendered("p00"))["stats"]["torso_length"]["status"] == "stable"


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
    shifted = Tally.empty()
    for number in range(30):
        usual = photo(number, BODY)
        assert usual.evidence is not None
        ratios = {
            key: index + 30 * (key == "hip_width") for key, index in usual.evidence.ratios.items()
        }
        evidence = msgspec.structs.replace(usual.evidence, ratios=ratios)
        shifted.add(msgspec.structs.replace(usual, evidence=evidence))
    document = as_json(shifted)
    assert any("for hip" in note for note in document["notes"])
    assert document["stats"]["hip_width"]["status"] == "provisional"


@pytest.mark.parametrize("person", ["p00", "pw01"])
def test_people_of_any_proportions_are_estimated_without_a_doubt(person: str) -> None:
    bones, known = estimate(rendered(person)).bones, truth(person)
    for key, pooled in PROTOTYPE_BONES.items():
        true = known[pooled] / known["shoulder"]
        assert bones[key].value == pytest.approx(true, rel=0.12)
        assert 0.9 * bones[key].low < true < 1.1 * bones[key].high
    notes = as_json(rendered(person))["notes"]
    assert not any("Plain ratios" in note or "do not agree" in note for note in notes)


@pytest.mark.parametrize("person", ["p00", "pw01"])
def test_a_height_gives_lengths_that_are_true(person: str) -> None:
    known = truth(person)
    options = EstimateOptions(height=known["stature"])
    metres = as_json(rendered(person), options)["metres"]
    for key, pooled in PROTOTYPE_BONES.items():
        assert metres[key]["value"] == pytest.approx(known[pooled], rel=0.12)
    wingspan = known["shoulder"] + 2 * (known["uarm"] + known["farm"])
    assert metres[WINGSPAN]["value"] == pytest.approx(wingspan, rel=0.06)


def test_halves_of_one_persons_photos_show_no_drift() -> None:
    early, late = rendered("p00", 0, 15), rendered("p00", 15, 30)
    changes = changes_between(late, early)
    assert len(changes) == 10
    assert not any(change.drift for change in changes.values())
    assert any(change.drift for change in changes_between(late, rendered("pw01")).values())


def changes_between(inside: Tally, others: Tally) -> dict[str, Change]:
    version = LEARNED.version
    return compare(inside.everything().evidence(version), others.everything().evidence(version))


def grown(years: float) -> dict[str, float]:
    """Legs grow faster than the trunk; landmarks show a third of what a body has grown."""
    return {
        bone: length * (1 + years * (bone in {"thigh", "shank"})) for bone, length in BODY.items()
    }


def test_a_person_who_grows_shows_in_the_window_and_as_drift() -> None:
    tally = Tally.empty()
    for number in range(80):
        recent = number % 2 == 0
        age = number / 4 if recent else 300 + number
        tally.add(photo(number, grown(0.1 * recent), captured_at=ARRIVED - age * DAY))
    document = as_json(tally, EstimateOptions(window_days=30))
    window = document["window"]
    assert window["used_observations"] == 40
    assert (window["first"], window["last"]) == ("2026-10-24", "2026-11-22")
    assert window["drift"]
    assert window["changes"]["upper_leg_L"]["drift"]
    assert window["changes"]["upper_leg_L"]["window_over_others"] > 1.08
    assert not window["changes"]["lower_arm_L"]["drift"]
    assert window["stats"]["upper_leg_L"]["value"] > document["stats"]["upper_leg_L"]["value"]


def test_a_day_of_somebody_else_is_pointed_out_and_nothing_is_stable() -> None:
    tally = Tally.empty()
    with np.load(Path(__file__).parent / "data" / "rendered_people.npz") as people:
        for place, (person, number) in enumerate(
            [("p00", number) for number in range(30)] + [("pw01", number) for number in range(15)]
        ):
            pose, world = people[f"{person}_pose"][number], people[f"{person}_world"][number]
            evidence = evidence_from_landmarks(
                pose.astype(np.float32), world.astype(np.float32), 640, 960, learned=LEARNED
            )
            tally.add(photo(place, BODY, evidence=evidence, found_at=ARRIVED - DAY * (place // 15)))
    mixed, alone = as_json(tally), as_json(rendered("p00"))
    odd_day = dt.datetime.fromtimestamp(ARRIVED - 2 * DAY, dt.UTC).date().isoformat()
    assert [note for note in mixed["notes"] if f"photos of {odd_day} do not fit" in note]
    assert not [note for note in alone["notes"] if "do not fit" in note]
    assert "stable" in {stats["status"] for stats in alone["stats"].values()}
    assert "stable" not in {stats["status"] for stats in mixed["stats"].values()}


def test_a_person_who_stays_does_not_drift() -> None:
    tally = Tally.empty()
    for number in range(80):
        tally.add(photo(number, BODY, captured_at=ARRIVED - number * DAY))
    window = as_json(tally, EstimateOptions(window_days=30))["window"]
    assert window["used_observations"] == 30
    assert len(window["changes"]) == 10
    assert not window["drift"]


def test_a_window_ends_where_it_is_told_to(thirty: Tally) -> None:
    options = EstimateOptions(window_days=7, as_of=dt.date(2027, 3, 1))
    window = as_json(thirty, options)["window"]
    assert (window["first"], window["last"], window["used_observations"]) == (
        "2027-02-23", "2027-03-01", 0
    )  # fmt: skip
    assert window["stats"] == {}
    ever = as_json(thirty, EstimateOptions(window_days=10**9))["window"]
    assert (ever["used_observations"], ever["changes"]) == (30, {})
    early = EstimateOptions(window_days=7, as_of=dt.date(2020, 1, 1))
    assert as_json(thirty, early)["window"]["last"] == "2026-11-22"


@pytest.mark.parametrize("count", [0, 1, 5, 30])
@pytest.mark.parametrize("options", [None, EstimateOptions(height=1.72, window_days=30)])
def test_documents_follow_the_schema(
    schema: dict[str, Any], count: int, options: EstimateOptions | None
) -> None:
    jsonschema.validate(as_json(tally_of(count, BODY), options), schema)


def test_the_schema_describes_every_key_and_refuses_others(
    schema: dict[str, Any], thirty: Tally
) -> None:
    document = as_json(thirty)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "surprise": 1}, schema)
    del document["stats"]["hip_width"]["n"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


PARTIAL = st.dictionaries(st.sampled_from(sorted(PROTOTYPE_BONES)), st.integers(-180, 20))


def any_evidence(seed: int, ratios: dict[str, int]) -> Evidence:
    random = np.random.default_rng(seed)
    half = random.normal(0, 60, (6, 6))
    triangle = (half @ half.T)[np.triu_indices(6)].astype(int).tolist()
    return Evidence(
        learned=LEARNED.version,
        information=(*triangle, *[9000] * (INFORMATION_LENGTH - len(triangle))),
        vector=tuple(random.normal(0, 3000, 6).astype(int).tolist()),
        ratios=ratios,
    )


ANY_EVIDENCE = st.builds(any_evidence, st.integers(0, 1 << 30), PARTIAL)


@settings(max_examples=12, deadline=None)
@given(evidence=st.lists(ANY_EVIDENCE, min_size=1, max_size=12))
def test_any_evidence_gives_a_document_that_holds_together(
    schema: dict[str, Any], evidence: list[Evidence]
) -> None:
    tally = Tally.empty()
    for number, one in enumerate(evidence):
        tally.add(photo(0, BODY, evidence=one, captured_at=ARRIVED - number * DAY))
    document = as_json(tally, EstimateOptions(height=1.8, window_days=5))
    jsonschema.validate(document, schema)
    for key in document["estimates"]:
        assert document["stats"][key]["n"] >= 3


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
