"""A window, all time, and single days of one person's photos, held against each other."""

from __future__ import annotations

import datetime as dt

from support.body.standing import (
    ARRIVED,
    BODY,
    DAY,
    LEARNED,
    as_json,
    photo,
    tally_of,
    tally_of_photos,
)
from support.rendered import evidence_of

from avatarrig.body.estimate import EstimateOptions
from avatarrig.body.solver.rolling import compare
from avatarrig.body.sums.tally import Tally
from avatarrig.wire.estimate import Change


def test_halves_of_one_persons_photos_show_no_drift() -> None:
    photos = evidence_of("p00")
    early, late = tally_of_photos(photos[:15]), tally_of_photos(photos[15:])
    changes = changes_between(late, early)
    assert len(changes) == 10
    assert not any(change.drift for change in changes.values())
    somebody_else = changes_between(late, tally_of_photos(evidence_of("pw01")))
    assert any(change.drift for change in somebody_else.values())


def changes_between(inside: Tally, others: Tally) -> dict[str, Change]:
    return compare(inside.cells(), others.cells(), LEARNED.population)


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
        tally.add(photo(number, grown(0.13 * recent), captured_at=ARRIVED - age * DAY))
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
    other = {bone: length * (1.4 if "arm" in bone else 0.7) for bone, length in BODY.items()}
    strange = [photo(number, other).evidence for number in range(15)]
    for place, said in enumerate([*evidence_of("p00"), *strange]):
        captured_at = ARRIVED - DAY * (place // 15) + 60 * (place % 15)
        tally.add(photo(place, BODY, evidence=said, captured_at=captured_at))
    mixed, alone = as_json(tally), as_json(tally_of_photos(evidence_of("p00")))
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


def test_a_window_ends_where_it_is_told_to() -> None:
    thirty = tally_of(30, BODY, captured_at=ARRIVED)
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


def test_a_window_that_holds_all_photos_says_what_all_photos_say() -> None:
    tally = tally_of_photos(evidence_of("p00"))
    document = as_json(tally, EstimateOptions(window_days=10**6))
    for key, told in document["window"]["stats"].items():
        always = document["stats"][key]
        assert (told["value"], told["interval"]) == (always["value"], always["interval"])


def test_photos_without_a_time_are_in_no_window_and_that_is_said() -> None:
    tally = tally_of(3, BODY, captured_at=ARRIVED)
    for number in range(3, 5):
        tally.add(photo(number, BODY, captured_at=None))
    document = as_json(tally, EstimateOptions(window_days=30))
    assert document["window"]["used_observations"] == 3
    assert "2 photos tell no time and are in no window." in document["notes"]
    assert not [note for note in as_json(tally)["notes"] if "no time" in note]
