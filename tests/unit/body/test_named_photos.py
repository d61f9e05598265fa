"""Which photos are meant by a name, and how they are brought back."""

from __future__ import annotations

import unicodedata

import msgspec
import pytest
from support.rendered import rendered

from avatarrig.body.evidence.standing import (
    KnownPhoto,
    alike,
    bringing_back,
    fits,
    including,
    is_itself,
)
from avatarrig.body.recognition import Verdict
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN, COUNTS, ONLY_COPY

PHOTO = KnownPhoto("a-0123456789abcdef", "Anna", "2019/Gr\u00f6\u00dfe [1].jpg")
LEFT_OUT = Exclusion.ON_REQUEST.value


@pytest.mark.parametrize(
    "name",
    [
        "2019/Gr\u00f6\u00dfe [1].jpg",
        "./2019/Gr\u00f6\u00dfe [1].jpg",
        "2019//Gr\u00f6\u00dfe [1].jpg",
        "2019\\Gr\u00f6\u00dfe [1].jpg",
        unicodedata.normalize("NFD", "2019/Gr\u00f6\u00dfe [1].jpg"),
        "a-0123456789abcdef",
        "observations/a-0123456789abcdef.json",
        "run/overlays/a-0123456789abcdef_raw.png",
    ],
)
def test_a_photo_is_named_however_its_path_is_written(name: str) -> None:
    assert is_itself(PHOTO, name)
    assert fits(PHOTO, name)


@pytest.mark.parametrize("name", ["2019", "2019/", "./2019", "./2019/*", "*.jpg", "**/Gr*", "*"])
def test_a_folder_or_a_pattern_names_what_is_in_it(name: str) -> None:
    assert fits(PHOTO, name)
    assert not is_itself(PHOTO, name)


@pytest.mark.parametrize(
    "name", ["", " ", "20", "2019/Gr", "Gr\u00f6\u00dfe [1].jpg", "2020/*", "."]
)
def test_what_is_no_name_of_a_photo_names_none(name: str) -> None:
    assert not fits(PHOTO, name)


@pytest.mark.parametrize(
    ("name", "within"), [("/photos/2019/*", "2019/*"), ("/photos", "."), ("photos/2019", "2019")]
)
def test_names_from_elsewhere_lead_into_the_dataset(name: str, within: str) -> None:
    assert fits(PHOTO, name, within)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("b.jpg", "2019/B.jpg"),
        ("2019/b.JPG", "2019/B.jpg"),
        ("2091/c.jpg", "2019/c.jpg"),
        ("something else", ""),
    ],
)
def test_a_name_that_fits_nothing_is_told_what_may_be_meant(name: str, meant: str) -> None:
    photos = [KnownPhoto(path, "Anna", path) for path in ("2019/B.jpg", "2019/c.jpg")]
    assert alike(photos, name) == meant


def test_what_was_left_out_is_brought_back_before_anybody_counts_who_did_not() -> None:
    stranger = msgspec.structs.replace(rendered(0), excluded=str(Verdict.SOMEBODY_ELSE))
    first = bringing_back([LEFT_OUT, AS_SEEN])
    assert (first(stranger, AS_SEEN), first(rendered(1), LEFT_OUT)) == (AS_SEEN, AS_SEEN)
    assert bringing_back([AS_SEEN, AS_SEEN])(stranger, AS_SEEN) == COUNTS


@pytest.mark.parametrize(
    ("standing", "before", "to"),
    [
        (LEFT_OUT, COUNTS, COUNTS),
        (LEFT_OUT, AS_SEEN, AS_SEEN),
        (LEFT_OUT, ONLY_COPY, ONLY_COPY),
        (LEFT_OUT, Exclusion.GONE.value, Exclusion.GONE.value),
        (LEFT_OUT, Exclusion.OUT_OF_PERIOD.value, Exclusion.OUT_OF_PERIOD.value),
        (AS_SEEN, COUNTS, AS_SEEN),
    ],
)
@pytest.mark.parametrize("name", ["2019/*", "2019/Gr\u00f6\u00dfe [1].jpg"])
def test_a_photo_that_is_brought_back_stands_as_it_did_before(
    standing: str, before: str, to: str, name: str
) -> None:
    asked = including([(name, name)], [standing])
    assert asked.standing(PHOTO, rendered(0), standing, before) == to
