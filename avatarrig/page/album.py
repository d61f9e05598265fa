"""All photos, a page at a time: which they are, whether they count, and what was seen in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from avatarrig.page.listing import is_called, page_number
from avatarrig.pictures.svg import pose_picture
from avatarrig.views.catalogue import IN, Asked
from avatarrig.views.years import LEAST_PHOTOS
from avatarrig.wire.reasons import verdict, words_for

if TYPE_CHECKING:
    from avatarrig.page.thumbnails import Thumbnails
    from avatarrig.views.catalogue import Catalogue, CataloguedPhoto
    from avatarrig.views.cataloguing import Reached

PAGE: Final = 24
"""Photos shown at once."""

COUNTING: Final = "counts"
"""What is asked for where those are wanted that count."""

_LONGEST_SEARCH: Final = 200


class Photos(Protocol):
    """Where photos are looked up."""

    @property
    def version(self) -> int:
        """Grows with every change."""

    def ask(self) -> tuple[Catalogue, Reached]:
        """The catalogue as far as it is known, and how far that is."""


class Album:
    """Says which photos there are."""

    def __init__(self, photos: Photos, thumbnails: Thumbnails) -> None:
        self._photos = photos
        self._thumbnails = thumbnails

    @property
    def version(self) -> int:
        """Grows with every change; nothing is read for it."""
        return self._photos.version

    def page(self, query: Mapping[str, str]) -> bytes:
        """Returns a page of photos as JSON; what makes no sense in a query is left aside."""
        catalogue, reached = self._photos.ask()
        reason = query.get("reason")
        who = query.get("who", "")[:_LONGEST_SEARCH]
        asked = Asked(
            subject=query.get("name"),
            among=tuple(name for name in catalogue.subjects() if is_called(name, who))
            if who
            else None,
            reason=IN if reason == COUNTING else reason or None,
            search=query.get("search", "")[:_LONGEST_SEARCH],
            image_id=query.get("image", ""),
        )
        number = page_number(query.get("page", ""))
        shelf = catalogue.shelf(asked, number, PAGE)
        pages = max(-(-shelf.found // PAGE), 1)
        if number >= pages:
            number = pages - 1
            shelf = catalogue.shelf(asked, number, PAGE)
        reasons = sorted(shelf.reasons.items(), key=lambda each: (each[0] != IN, -each[1]))
        content = {
            "photos": [self._photo(photo) for photo in shelf.photos],
            "found": shelf.found,
            "all": sum(shelf.reasons.values()),
            "page": number,
            "pages": pages,
            "reasons": [
                (code or COUNTING, words_for(code) if code else "counts", count)
                for code, count in reasons
            ],
            "years": 0 if asked.subject is None else catalogue.years(asked.subject, LEAST_PHOTOS),
            "read": None if reached.is_complete else [reached.read, reached.all],
            "trouble": reached.trouble,
            "version": self.version,
        }
        return msgspec.json.encode(content)

    def pose(self, subject: str, image_id: str) -> bytes | None:
        """Draws the pose seen in a photo as an SVG file; None where there is none."""
        known = self._photos.ask()[0].pose(subject, image_id)
        return None if known is None else pose_picture(*known).encode()

    def _photo(self, photo: CataloguedPhoto) -> dict[str, Any]:
        return {
            "image": photo.image_id,
            "subject": photo.subject,
            "path": photo.path,
            "at": photo.observed_at,
            "taken": photo.captured_at,
            "width": photo.width,
            "height": photo.height,
            "people": photo.people,
            "found": photo.found,
            "counts": photo.reason == IN,
            "reason": photo.reason,
            "verdict": verdict(photo.reason),
            "standing": photo.standing,
            "overlay": self._thumbnails.has(photo.image_id),
        }
