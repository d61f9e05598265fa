"""A connection that sends half a request and stays is closed; one that asked is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from support.waiting import PATIENCE

from avatarrig.page.patience import Patience

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


def served(patience: Patience, work: Callable[[Connect], Awaitable[Any]]) -> None:
    """Does something with a server that looks after its connections."""

    async def serve() -> None:
        application = web.Application(middlewares=[patience.middleware])
        application.router.add_get("/", hello)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert runner.server is not None
        port = runner.addresses[0][1]
        async with patience.watching(runner.server):
            await asyncio.wait_for(
                work(lambda: asyncio.open_connection("127.0.0.1", port)), PATIENCE
            )
        await runner.cleanup()

    asyncio.run(serve())


def test_half_a_request_is_waited_for_a_while_and_then_no_more() -> None:
    async def work(connect: Connect) -> None:
        for sent in (b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "):
            reader, writer = await connect()
            writer.write(sent)
            assert await is_closed(reader)
            writer.close()

    served(Patience(seconds=0.2), work)


def test_a_connection_that_has_asked_stays_open_for_more() -> None:
    async def work(connect: Connect) -> None:
        reader, writer = await connect()
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200 OK" in await reader.readuntil(b"hello")
            await asyncio.sleep(0.5)  # longer than half a request may take
        writer.close()

    served(Patience(seconds=0.2), work)


def test_of_too_many_silent_connections_the_oldest_are_closed() -> None:
    async def work(connect: Connect) -> None:
        opened = [await connect() for _ in range(5)]
        assert await is_closed(opened[0][0])
        _, writer = opened[-1]
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in await opened[-1][0].readuntil(b"hello")
        for _, writer in opened:
            writer.close()

    served(Patience(seconds=PATIENCE, most=3), work)


async def is_closed(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True
