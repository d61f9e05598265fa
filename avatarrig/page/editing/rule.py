"""The one rule for whatever changes something from the page.

It stands before every request that is no mere question, whatever its path, so that nothing can be
added that goes round it: changes must be allowed at all; the page itself must ask (its own
``Origin``; foreign host names are refused before that, see `avatarrig.page.guard`); and whoever
asks must know the token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from avatarrig.page.editing.access import Access

QUESTIONS: Final = frozenset({"GET", "HEAD"})
ENTRY: Final = "/enter"
"""Where a link's code is given for the token; asking there takes no token."""

NOT_HERE: Final = (
    "nothing can be changed from this page: avatarrig up --web-edit, or aggregate --web-edit, "
    "allows it"
)
NOT_THE_PAGE: Final = "only the page itself may ask for a change, not another page or program"
NOT_LET_IN: Final = (
    "open the link that the command printed when it started: it lets this browser change things"
)
NO_LENGTH: Final = "say how long what you send is (Content-Length)"


class Refusal(msgspec.Struct, frozen=True):
    """Why a change is not made."""

    status: int
    words: str


def refusal(request: web.BaseRequest, access: Access | None) -> Refusal | None:
    """Tells why a request is not let through; None where it is.

    Args:
        request: What is asked for, under a host name that is known.
        access: Who may change something; None where nobody may.
    """
    if request.method in QUESTIONS:
        return None
    if access is None:
        return Refusal(403, NOT_HERE)
    if not _asks_itself(request):
        return Refusal(403, NOT_THE_PAGE)
    if request.path != ENTRY and not access.allows(_bearer(request)):
        return Refusal(401, NOT_LET_IN)
    if request.content_length is None:
        return Refusal(411, NO_LENGTH)
    return None


def _asks_itself(request: web.BaseRequest) -> bool:
    """Browsers say from which page they ask, and no page can say otherwise."""
    origins = request.headers.getall("Origin", [])
    if len(origins) != 1 or request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    try:
        origin = urlsplit(origins[0])
    except ValueError:
        return False
    own = request.headers.get("Host", "").lower()
    return origin.scheme in {"http", "https"} and bool(own) and origin.netloc.lower() == own


def _bearer(request: web.BaseRequest) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
