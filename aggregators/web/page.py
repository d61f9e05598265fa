"""The page itself."""

from __future__ import annotations

from aiohttp import web


def page_routes() -> list[web.RouteDef]:
    """Returns what a browser can ask for."""
    return [web.get("/", _overview)]


async def _overview(_: web.Request) -> web.Response:
    return web.Response(text="AvatarRig\n")
