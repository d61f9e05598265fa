"""How long the web server waits for a request, and how many at once: nobody holds it up."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aiohttp.typedefs import Middleware
    from aiohttp.web_protocol import RequestHandler

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_SECONDS: Final = 10.0
"""From a connection's beginning until its first request has come whole."""

MOST_CONNECTIONS: Final = 256
"""Open at once; of more, those are closed that have asked for nothing yet, the oldest first."""

_LOOK_SECONDS: Final = 1.0


class Patience:
    """Closes connections that send half a request, or none, and stay.

    Args:
        seconds: How long a connection may be open without a whole request.
    """

    def __init__(self, seconds: float = REQUEST_SECONDS, most: int = MOST_CONNECTIONS) -> None:
        self._seconds = seconds
        self._most = most
        self._asked: set[RequestHandler] = set()
        self._since: dict[RequestHandler, float] = {}

    @property
    def middleware(self) -> Middleware:
        """Hears of every request that came whole; goes before all others."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._asked.add(request.protocol)
            return await handler(request)

        return middleware

    @asynccontextmanager
    async def watching(self, server: web.Server) -> AsyncIterator[None]:
        """Looks after a server's connections while the context is open."""
        task = asyncio.create_task(self._watch(server))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self, server: web.Server) -> None:
        while True:
            self._look(server)
            await asyncio.sleep(min(_LOOK_SECONDS, self._seconds / 4))

    def _look(self, server: web.Server) -> None:
        now = time.monotonic()
        opened = server.connections
        self._asked.intersection_update(opened)
        silent = [each for each in opened if each not in self._asked]
        self._since = {each: self._since.get(each, now) for each in silent}
        silent.sort(key=lambda each: self._since[each])
        excess = max(0, len(opened) - self._most)
        for number, connection in enumerate(silent):
            if number < excess or now - self._since[connection] >= self._seconds:
                _close(connection)


def _close(connection: RequestHandler) -> None:
    if connection.transport is not None:
        connection.transport.abort()
