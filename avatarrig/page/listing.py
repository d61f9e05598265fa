"""Which subjects the overview lists: those that fit a search, in some order, a page at a time."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avatarrig.views import Subject

PAGE: Final = 24
"""Subjects listed at once, each with its figure."""

_LONGEST_SEARCH: Final = 200
_MOST_DIGITS: Final = 9
"""Of the number of a page; Python refuses to read very long ones."""


class Order(StrEnum):
    """What comes first."""

    NAME = "name"
    RECENT = "recent"
    PHOTOS = "photos"
    UNSURE = "unsure"


class Listing(msgspec.Struct, frozen=True):
    """What somebody asked to see.

    Attributes:
        search: Text that names must contain, whatever its case and accents.
        order: What comes first.
        page: Which page, from 0; the last one where there are fewer.
    """

    search: str = ""
    order: Order = Order.NAME
    page: int = 0

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Listing:
        """Reads a query; what makes no sense is as if it were not there."""
        order, page = query.get("order", ""), query.get("page", "")
        return cls(
            search=query.get("search", "")[:_LONGEST_SEARCH],
            order=Order(order) if order in set(Order) else Order.NAME,
            page=page_number(page),
        )


class Listed(msgspec.Struct, frozen=True):
    """What is listed.

    Attributes:
        subjects: Those of the page, in order.
        page: Which page it is, from 0.
        pages: How many there are, 1 where nobody is found.
    """

    subjects: tuple[Subject, ...]
    total: int
    found: int
    page: int
    pages: int


def page_number(text: str) -> int:
    """Reads which page is asked for, from 0; the first where the text is no number."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        return 0
    return int(text)


def choose(subjects: Sequence[Subject], listing: Listing) -> Listed:
    """Chooses the subjects that are listed.

    Args:
        subjects: Those with an estimate, those that changed last first.
    """
    fitting = [subject for subject in subjects if is_called(subject.name, listing.search)]
    if listing.order is not Order.RECENT:
        fitting.sort(key=_KEYS[listing.order])
    pages = max(-(-len(fitting) // PAGE), 1)
    page = min(listing.page, pages - 1)
    return Listed(
        tuple(fitting[page * PAGE : (page + 1) * PAGE]), len(subjects), len(fitting), page, pages
    )


def is_called(name: str, search: str) -> bool:
    """Tells whether a name contains a text, whatever its case and accents."""
    return _plain(search) in _plain(name)


def _plain(text: str) -> str:
    """Text without case and accents."""
    taken_apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in taken_apart if not unicodedata.combining(sign))


def _by_name(subject: Subject) -> tuple[int | str, ...]:
    return _plain(subject.name), subject.name


def _by_photos(subject: Subject) -> tuple[int | str, ...]:
    return -(subject.record.observations if subject.record else 0), *_by_name(subject)


def _by_doubt(subject: Subject) -> tuple[int | str, ...]:
    return subject.record.estimate.stable if subject.record else 0, *_by_name(subject)


_KEYS: Final[dict[Order, Callable[[Subject], tuple[int | str, ...]]]] = {
    Order.NAME: _by_name,
    Order.PHOTOS: _by_photos,
    Order.UNSURE: _by_doubt,
}
