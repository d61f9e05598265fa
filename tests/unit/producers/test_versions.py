"""Which photos of a watched dataset count: pure, without a folder or a broker."""

from __future__ import annotations

import datetime as dt
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec
import pytest
from support.observed import observation
from support.references import reference

from avatarrig.photos.period import Period
from avatarrig.wire import Decision, Forget, PhotoReference
from avatarrig.wire.identity import copies, subject_digest
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN, COUNTS, ONLY_COPY
from producers.departures.observed import Observed
from producers.departures.presence import Presence, is_plausible
from producers.departures.versions import Sight, Versions

GONE, DUPLICATE, LEFT_OUT = (
    Exclusion.GONE.value,
    Exclusion.DUPLICATE.value,
    Exclusion.ON_REQUEST.value,
)


def versions(*references: PhotoReference, **fields: Any) -> Versions:
    known = Versions("file:///photos", lambda path: path.split("/")[0] if "/" in path else "s")
    for each in references:
        known.note(msgspec.structs.replace(each, **fields))
    return known


def photo(
    path: str, content: bytes | None = None, found_at: float = 1.0, **fields: Any
) -> PhotoReference:
    data = path.encode() if content is None else content
    name = f"{path}-{data.hex()}".replace("/", "_").replace(".", "_")
    subject = path.split("/", maxsplit=1)[0] if "/" in path else "s"
    usual = {"image_id": name, "found_at": found_at, "subject": subject}
    return reference(path, data, **usual | fields)


def sight(*standings: str, **fields: Any) -> Sight:
    return Sight(frozenset(standings or {AS_SEEN}), **fields)


def wanted(
    known: Versions, sights: dict[Any, Sight], gone: AbstractSet[str] = frozenset(), **options: Any
) -> tuple[dict[str, str], int]:
    found, many = known.wanted(
        {(each.subject, each.image_id): seen for each, seen in sights.items()},
        gone.__contains__,
        **{"prune": False, **options},
    )
    return {name: standing for (_, name), standing in found.items() if standing != AS_SEEN}, many


TWENTY = [photo(f"{number}.jpg") for number in range(20)]


def seen_all(photos: list[PhotoReference]) -> dict[Any, Sight]:
    return dict.fromkeys(photos, sight())


def test_a_newer_version_takes_the_older_one_out_in_any_order() -> None:
    old, new = photo("a.jpg", b"old", 1.0), photo("a.jpg", b"new", 2.0)
    for order in ((old, new), (new, old)):
        assert wanted(versions(*order), {old: sight(), new: sight()}) == ({old.image_id: GONE}, 0)
        assert wanted(versions(*order), {}) == ({old.image_id: GONE}, 0)  # observed later


def test_an_older_version_that_is_there_again_counts_again() -> None:
    old, new = photo("a.jpg", b"old", 1.0), photo("a.jpg", b"new", 2.0)
    known = versions(old, new)
    known.there_again(msgspec.structs.replace(old, found_at=3.0))
    assert wanted(known, {old: sight(GONE), new: sight()}) == ({new.image_id: GONE}, 0)
    assert known.wanted({}, lambda _: False, prune=False)[0]["s", old.image_id] == AS_SEEN


@pytest.mark.parametrize(
    ("gone", "prune", "out", "many"), [(2, False, 2, 0), (3, False, 0, 3), (3, True, 3, 0)]
)
def test_more_than_a_tenth_goes_at_once_only_if_that_is_said(
    gone: int, prune: object, out: int, many: int
) -> None:
    paths = {each.path for each in TWENTY[:gone]}
    result = wanted(versions(*TWENTY), seen_all(TWENTY), paths, prune=bool(prune))
    assert result == (dict.fromkeys([each.image_id for each in TWENTY[:out]], GONE), many)
    assert is_plausible(gone, 20 - gone) == (gone == 2)


def test_what_stopped_counting_before_makes_nothing_else_stay() -> None:
    away = {each.path for each in TWENTY[:4]}
    sights = seen_all(TWENTY) | dict.fromkeys(TWENTY[:3], sight(GONE))
    found, many = wanted(versions(*TWENTY), sights, away)
    assert (set(found.values()), len(found), many) == ({GONE}, 4, 0)


def test_photos_that_somebody_decided_about_are_none_of_the_many_that_are_gone() -> None:
    gone = {each.path for each in TWENTY[:5]}
    by_hand = dict.fromkeys(TWENTY[:2], sight(LEFT_OUT)) | dict.fromkeys(TWENTY[2:4], sight(COUNTS))
    found, many = wanted(versions(*TWENTY), seen_all(TWENTY) | by_hand, gone)
    assert (found, many) == ({TWENTY[4].image_id: GONE}, 0)


def test_whoever_starts_anew_lets_stand_what_one_look_alone_did_not_find() -> None:
    """It is gone after two looks: until then it neither counts again nor stops counting."""
    presence = Presence(2)
    there = {each.path for each in TWENTY[2:]}
    sights = seen_all(TWENTY) | {TWENTY[0]: sight(GONE)}
    keys = {(each.subject, each.image_id): sights[each] for each in TWENTY}
    known = versions(*TWENTY)

    def look() -> dict[str, str]:
        presence.looked([each.path for each in TWENTY], there)
        found, _ = known.wanted(keys, presence.is_gone, prune=False, is_unsure=presence.is_unsure)
        return {name: standing for (_, name), standing in found.items()}

    first = look()
    assert (set(first), presence.is_sure) == ({each.image_id for each in TWENTY[2:]}, False)
    assert look() == first | {each.image_id: GONE for each in TWENTY[:2]}
    assert presence.is_sure


def test_of_copies_the_one_that_is_left_counts_on_where_somebody_starts_anew() -> None:
    first, second = photo("a.jpg", b"same"), photo("b.jpg", b"same", 2.0, duplicate_of="a")
    known = versions(first, second)
    sights = {first: sight(GONE), second: sight(ONLY_COPY, is_copy=True)}
    stands = {second.image_id: ONLY_COPY}
    assert wanted(known, sights, is_unsure={"a.jpg"}.__contains__) == (stands, 0)
    assert wanted(known, sights, {"a.jpg"}) == ({first.image_id: GONE} | stands, 0)


def test_moved_photos_are_no_loss_and_count_where_they_lie() -> None:
    before = [photo(f"anna/{number}.jpg", bytes([number])) for number in range(9)]
    after = [photo(f"bert/{number}.jpg", bytes([number]), 2.0) for number in range(9)]
    found, many = wanted(
        versions(*before, *after),
        seen_all(before) | seen_all(after),
        {each.path for each in before},
    )
    assert (found, many) == ({each.image_id: GONE for each in before}, 0)


def test_a_renamed_photo_counts_once_though_it_came_as_a_copy() -> None:
    before, after = photo("a.jpg", b"x"), photo("b.jpg", b"x", 2.0, duplicate_of="a")
    known = versions(before, after)
    both = {before: sight(), after: sight(is_copy=True)}
    assert wanted(known, both) == ({}, 0)
    assert wanted(known, both, {"a.jpg"}) == ({before.image_id: GONE, after.image_id: ONLY_COPY}, 0)
    back = {before: sight(GONE), after: sight(ONLY_COPY, is_copy=True)}
    assert wanted(known, back) == ({}, 0)


def test_photos_with_equal_pixels_count_once_for_each_person() -> None:
    one, two, other = (
        photo("a.png", found_at=2.0),
        photo("b.png", found_at=1.0),
        photo("bert/c.png"),
    )
    sights = dict.fromkeys((one, two, other), sight(pixels=frozenset({"p"})))
    assert wanted(versions(one, two, other), sights) == ({one.image_id: DUPLICATE}, 0)


def test_what_somebody_decided_or_others_have_is_left_alone() -> None:
    old, new = photo("a.jpg", b"old"), photo("a.jpg", b"new", 2.0)
    known = versions(old, new)
    assert wanted(known, {old: sight(LEFT_OUT), new: sight()}) == ({}, 0)
    of_a_run = sight(Exclusion.OUT_OF_PERIOD.value, is_shared=True)
    assert wanted(known, {old: of_a_run, new: of_a_run}) == ({}, 0)
    assert wanted(known, {old: sight(is_shared=True), new: sight()}) == ({}, 0)
    back = known.wanted(
        {("s", new.image_id): sight(GONE, is_shared=True)}, lambda _: False, prune=False
    )
    assert back[0]["s", new.image_id] == AS_SEEN


@pytest.mark.parametrize("standing", [LEFT_OUT, COUNTS, Exclusion.SOMEBODY_ELSE.value])
@pytest.mark.parametrize("path", ["a.jpg", "sorted/a.jpg"])
def test_what_was_decided_of_a_picture_holds_where_its_file_is_another(
    standing: str, path: str
) -> None:
    """A photo that was left out, and then rated or moved, is left out."""
    old = photo("a.jpg", b"old", picture="p")
    new = photo(path, b"new", 2.0, picture="p", subject="s")
    known = Versions("file:///photos", lambda _: "s")
    for each in (old, new):
        known.note(each)
    gone = {"a.jpg"} - {path}
    before = dict.fromkeys([old.image_id], GONE) if standing == COUNTS else {}
    assert wanted(known, {old: sight(standing)}, gone) == ({new.image_id: standing}, 0)
    both = {old: sight(standing), new: sight()}
    assert wanted(known, both, gone) == ({new.image_id: standing} | before, 0)
    heard = {old: sight(standing), new: sight(standing, is_decided=True)}
    assert wanted(known, heard, gone) == (before, 0)
    undone = {old: sight(standing), new: sight(is_decided=True)}
    assert wanted(known, undone, gone) == (before, 0)


def test_what_was_decided_is_told_by_pixels_too_and_not_of_another_picture_or_person() -> None:
    old, new = photo("a.jpg", b"old"), photo("a.jpg", b"new", 2.0)
    known = versions(old, new)
    same = {each: sight(pixels=frozenset({"p"})) for each in (old, new)}
    left_out = {old: sight(LEFT_OUT, pixels=frozenset({"p"}))}
    assert wanted(known, same | left_out) == ({new.image_id: LEFT_OUT}, 0)
    assert wanted(known, {old: sight(LEFT_OUT), new: sight()}) == ({}, 0)
    assert wanted(known, {old: sight(COUNTS), new: sight()}) == ({old.image_id: GONE}, 0)
    moved = photo("bert/a.jpg", b"old")
    assert wanted(versions(old, moved), left_out | {moved: sight()}, {"a.jpg"}) == ({}, 0)


def test_photos_of_another_folder_or_subject_are_others() -> None:
    old = photo("a.jpg", b"old", uri="file:///photos2/a.jpg")
    mine = photo("a.jpg", b"old", 2.0, subject="another")
    known = versions(old, mine, photo("a.jpg", b"new", 3.0))
    assert wanted(known, {old: sight(), mine: sight()}) == ({}, 0)


def test_a_photo_is_gone_after_two_whole_looks_that_found_something() -> None:
    presence = Presence()
    paths = ["a.jpg", "b.jpg", "away/c.jpg"]
    presence.looked(paths, set())
    assert not presence.is_known
    presence.looked(paths, {"a.jpg"}, {"away"})
    assert [presence.is_gone(path) for path in paths] == [False, False, False]
    presence.looked(paths, {"a.jpg", "b.jpg"})
    presence.looked(paths, {"a.jpg"})
    assert [presence.is_gone(path) for path in paths] == [False, False, True]
    presence.looked(paths, {"a.jpg"})
    assert [presence.is_gone(path) for path in paths] == [False, True, True]


def test_of_each_picture_the_first_is_none_of_the_copies() -> None:
    pictures = [("a", ["1"]), ("b", ["2", "3"]), ("c", ["3"]), ("d", []), ("e", []), ("f", ["1"])]
    assert copies(pictures) == {"c", "f"}


ONE = observation(1, dataset="d")
KEY = (ONE.subject, ONE.image_id)


def decision(standing: str, *, brought: bool) -> Decision:
    return Decision(
        subject=ONE.subject,
        image_ids=(ONE.image_id,),
        standing=standing,
        decided_at=1.0,
        observed=(ONE,) if brought else (),
    )


def test_a_decision_holds_for_what_comes_later_or_is_brought_along() -> None:
    observed = Observed("d")
    observed.take(decision(GONE, brought=False), 0, 0)
    observed.take(ONE, 0, 1)
    observed.take(ONE, 1, 0)
    assert observed.standing_otherwise(KEY, GONE) == {1: [0]}
    observed.take(decision(GONE, brought=False), 1, 1)
    assert observed.standing_otherwise(KEY, GONE) == {1: [0]}
    observed.take(decision(GONE, brought=True), 1, 2)
    assert observed.standing_otherwise(KEY, GONE, [0, 1]) == {}
    assert observed.standing_otherwise(KEY, GONE, [0, 1, 2]) == {2: []}
    assert observed.sights()[KEY] == sight(GONE, is_decided=True)


def test_a_forgotten_person_s_photos_are_known_no_more() -> None:
    observed = Observed("d")
    observed.take(ONE, 0, 0)
    observed.take(decision(GONE, brought=True), 0, 1)
    observed.take(Forget(forget=subject_digest(ONE.subject), forgotten_at=1.0), 0, 2)
    assert observed.sights() == {}
    observed.take(ONE, 0, 3)
    assert observed.sights()[KEY] == sight()


@pytest.mark.parametrize("strange", [{"run": "0123456789ab"}, {"dataset": "another"}])
def test_what_others_observed_is_shared(strange: dict[str, str]) -> None:
    observed = Observed("d")
    observed.take(ONE, 0, 0)
    observed.take(msgspec.structs.replace(ONE, fingerprint="f", **strange), 1, 0)
    assert observed.sights()[KEY].is_shared


def test_photos_of_another_time_do_not_count_and_come_back_where_that_is_not_asked() -> None:
    summer = dt.datetime(2019, 7, 15, tzinfo=dt.UTC).timestamp()
    inside, before, undated = (
        photo("a.jpg", captured_at=summer),
        photo("b.jpg", captured_at=summer - 400 * 86_400),
        photo("c.jpg", captured_at=None),
    )
    sights = {each: sight() for each in (inside, before, undated)}
    asked = Versions("file:///photos", lambda _: "s", Period(since=dt.date(2019, 7, 1)))
    for each in sights:
        asked.note(each)
    out = Exclusion.OUT_OF_PERIOD.value
    assert wanted(asked, sights) == ({before.image_id: out, undated.image_id: out}, 0)
    later = {each: sight(out) for each in (before, undated)} | {inside: sight()}
    assert wanted(versions(*sights), later) == ({}, 0)


def test_a_clip_that_is_replaced_takes_all_its_frames_with_it() -> None:
    old = [photo(f"a.mp4#t={at}", b"old", picture=f"{at}" * 64) for at in (1, 2)]
    new = photo("a.mp4#t=3", b"new", 2.0, picture="3" * 64)
    known = versions(*old, new)
    sights = {each: sight() for each in (*old, new)}
    assert wanted(known, sights) == ({each.image_id: GONE for each in old}, 0)
    assert wanted(versions(*old), dict.fromkeys(old, sight())) == ({}, 0)


def test_nothing_is_gone_where_the_folder_itself_could_not_be_listed() -> None:
    presence = Presence(1)
    presence.looked({"1.jpg", "a/2.jpg"}, {"."}, {"."})
    assert not presence.is_known
    assert not presence.is_gone("1.jpg")
