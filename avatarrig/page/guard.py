"""What every answer of the web server must satisfy, whoever asks for what."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from aiohttp import web

from avatarrig.page.editing.rule import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from aiohttp.typedefs import Middleware

    from avatarrig.page.editing.access import Access

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Sent with every answer: nothing from elsewhere runs here, and nothing here is for others."""

_OPENER: Final = "Cross-Origin-Opener-Policy"
"""Browsers complain of it, and leave it aside, where a page comes unencrypted from elsewhere."""

_LOOPBACK_NAME: Final = "localhost"


def guard(names: Iterable[str] = (), access: Access | None = None) -> Middleware:
    """Makes the middleware that refuses foreign host names and changes that the rule forbids.

    It adds `HEADERS` to what it answers.

    A page of an attacker whose name is made to point at this machine (DNS rebinding) asks under
    that name; an address cannot be rebound, and names of one's own can be listed.

    Args:
        names: Host names that may be asked for, besides addresses and ``localhost``.
        access: Who may change something; None where nobody may.
    """
    allowed = frozenset({_LOOPBACK_NAME, *(name.lower() for name in names)})

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host", "")
        if not is_known_host(host, allowed):
            return _refused(421, "this server does not answer under that host name")
        refused = refusal(request, access)
        if refused is not None:
            return _refused(refused.status, refused.words)
        try:
            return await handler(request)
        except web.HTTPException as error:
            error.headers.update(HEADERS)
            raise

    return middleware


def _refused(status: int, words: str) -> web.Response:
    return web.Response(status=status, text=f"{words}\n", headers=HEADERS)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Adds `HEADERS` before an answer begins; streams begin inside their handler."""
    response.headers.update(HEADERS)
    address = _address(request.headers.get("Host", ""))
    if address is not None and not address.is_loopback and not request.secure:
        del response.headers[_OPENER]


def is_known_host(host: str, names: frozenset[str]) -> bool:
    """Tells whether a ``Host`` header is an address, or one of the names.

    Args:
        host: The header, with or without a port.
        names: Allowed names in lower case.
    """
    return _bare(host).lower().rstrip(".") in names or _address(host) is not None


def _bare(host: str) -> str:
    """A ``Host`` header without its port."""
    return host.rsplit(":", 1)[0] if not host.endswith("]") and ":" in host else host


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a ``Host`` header holds; None where it is a name."""
    try:
        return ipaddress.ip_address(_bare(host).removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
