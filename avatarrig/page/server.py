"""One HTTP server, for everything that is shown."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from avatarrig.page.editing.access import Access
from avatarrig.page.guard import add_headers, guard
from avatarrig.page.patience import Patience
from avatarrig.page.settings import AddressInUseError, PageSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

_SHUTDOWN_SECONDS: Final = 0.5
"""Open event streams are cut after that; browsers come back by themselves."""


@asynccontextmanager
async def serving(
    settings: PageSettings, routes: Iterable[web.AbstractRouteDef]
) -> AsyncIterator[None]:
    """Serves while the context is open; does nothing where no port is set.

    Args:
        settings: Where to listen, under which names.

    Raises:
        AddressInUseError: Somebody else listens there, or it is no address of this machine.
    """
    if settings.port is None:
        yield
        return
    patience = Patience()
    access = Access(Path(settings.private)) if settings.private else None
    application = web.Application(middlewares=[patience.middleware, guard(settings.names, access)])
    application.on_response_prepare.append(add_headers)
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await _listen(runner, settings.host, settings.port)
        async with patience.watching(_server_of(runner)):
            yield
    finally:
        await runner.cleanup()


def _server_of(runner: web.AppRunner) -> web.Server:
    if runner.server is None:
        raise RuntimeError("the runner is not set up")
    return runner.server


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise AddressInUseError(
            f"the web page cannot be served at {host}:{port} ({error.strerror}): "
            "choose another port, or none"
        ) from error
