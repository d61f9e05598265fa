"""Which subjects the overview lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.body.estimates import said, skeleton
from support.texts import texts

from avatarrig.page.listing import PAGE, Listing, Order, choose
from avatarrig.views import Subject


def subject(name: str, photos: int = 1, stable: int = 0) -> Subject:
    ratios = {f"bone{number}": 1.0 for number in range(5)}
    stats = said(ratios).stats
    unsure = said(ratios, status="provisional").stats
    mixed = said(
        stats={key: (stats if n < stable else unsure)[key] for n, key in enumerate(ratios)}
    )
    return Subject(name=name, record=skeleton(mixed, subject=name, observations=photos))


def names(subjects: list[Subject], **asked: object) -> list[str]:
    return [one.name for one in choose(subjects, Listing(**asked)).subjects]  # type: ignore[arg-type]


def test_all_are_reached_page_by_page_each_once() -> None:
    everybody = [subject(f"person {number:04}") for number in range(1000)]
    first = choose(everybody, Listing())
    assert (first.total, first.found, first.pages) == (1000, 1000, -(-1000 // PAGE))
    reached = [name for page in range(first.pages) for name in names(everybody, page=page)]
    assert reached == sorted(reached)
    assert len(set(reached)) == 1000


def test_a_search_knows_neither_case_nor_accents() -> None:
    there = [subject("Zoë"), subject("ZOEY"), subject("Anna")]
    assert names(there, search="zoe") == ["Zoë", "ZOEY"]
    assert choose(there, Listing(search="nobody")).found == 0
    assert choose(there, Listing(search="nobody")).pages == 1


def test_what_comes_first_is_a_choice() -> None:
    there = [subject("late", 3, 5), subject("b", 9, 2), subject("a", 9, 0)]
    assert names(there, order=Order.RECENT) == ["late", "b", "a"]
    assert names(there, order=Order.NAME) == ["a", "b", "late"]
    assert names(there, order=Order.PHOTOS) == ["a", "b", "late"]
    assert names(there, order=Order.UNSURE) == ["a", "b", "late"]


def test_beyond_the_last_page_is_the_last_page() -> None:
    assert choose([subject("Anna")], Listing(page=99)).page == 0
    assert Listing.of({"page": "9" * 5000}).page == 0


@given(st.dictionaries(st.sampled_from(["search", "order", "page", "name"]), texts()))
def test_whatever_is_asked_makes_a_listing(query: dict[str, str]) -> None:
    listing = Listing.of(query)
    assert listing.page >= 0
    assert choose([subject("Anna")], listing).total == 1


@pytest.mark.parametrize("order", list(Order))
def test_every_order_can_be_asked_for(order: Order) -> None:
    assert Listing.of({"order": order.value, "page": "3"}) == Listing("", order, 3)
