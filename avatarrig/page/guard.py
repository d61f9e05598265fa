"""What every answer of the web server must satisfy, whoever asks for what."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from aiohttp.typedefs import Middleware

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

_LOOPBACK_NAME: Final = "localhost"


def guard(names: Iterable[str] = ()) -> Middleware:
    """Makes the middleware that refuses foreign host names and adds `HEADERS`.

    A page of an attacker whose name is made to point at this machine (DNS rebinding) asks under
    that name; an address cannot be rebound, and names of one's own can be listed.

    Args:
        names: Host names that may be asked for, besides addresses and ``localhost``.
    """
    allowed = frozenset({_LOOPBACK_NAME, *(name.lower() for name in names)})

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host", "")
        if not is_known_host(host, allowed):
            response: web.StreamResponse = web.Response(
                status=421, text="this server does not answer under that host name\n"
            )
            response.headers.update(HEADERS)
            return response
        try:
            return await handler(request)
        except web.HTTPException as error:
            error.headers.update(HEADERS)
            raise

    return middleware


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Adds `HEADERS` before an answer begins; streams begin inside their handler."""
    response.headers.update(HEADERS)


def is_known_host(host: str, names: frozenset[str]) -> bool:
    """Tells whether a ``Host`` header is an address, or one of the names.

    Args:
        host: The header, with or without a port.
        names: Allowed names in lower case.
    """
    bare = host.rsplit(":", 1)[0] if not host.endswith("]") and ":" in host else host
    if bare.lower().rstrip(".") in names:
        return True
    try:
        ipaddress.ip_address(bare.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
