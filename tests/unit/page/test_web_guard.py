"""The web server answers nobody who asks under a foreign name, and trusts nothing foreign."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web

from avatarrig.kafka.embedded.ports import choose_ports
from avatarrig.page.guard import HEADERS, is_known_host
from avatarrig.page.server import serving
from avatarrig.page.settings import AddressInUseError, PageSettings

NAMES = frozenset({"localhost", "rig.example"})


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:6066",
        "127.0.0.1",
        "[::1]:6066",
        "[::1]",
        "localhost:6066",
        "LOCALHOST",
        "rig.example:80",
        "rig.example.",
        "10.1.2.3:6066",
    ],
)
def test_addresses_and_own_names_are_known(host: str) -> None:
    assert is_known_host(host, NAMES)


@pytest.mark.parametrize(
    "host", ["", ":6066", "evil.example:6066", "localhost.evil.example", "127.0.0.1.evil.example"]
)
def test_foreign_names_are_not(host: str) -> None:
    assert not is_known_host(host, NAMES)


def settings(port: int) -> PageSettings:
    return PageSettings(port=port, names=("Rig.Example",))


async def _hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"hello")
    return response


async def _ask(port: int, path: str, host: str) -> tuple[int, dict[str, str]]:
    routes = [web.get("/", _hello), web.get("/stream", _stream)]
    async with serving(settings(port), routes), aiohttp.ClientSession() as client:
        url = f"http://127.0.0.1:{port}{path}"
        async with client.get(url, headers={"Host": host}) as answer:
            return answer.status, dict(answer.headers)


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/", "127.0.0.1", 200),
        ("/stream", "localhost", 200),
        ("/", "rig.example", 200),
        ("/missing", "localhost", 404),
        ("/", "evil.example", 421),
        ("/missing", "evil.example", 421),
    ],
)
def test_every_answer_is_guarded(path: str, host: str, status: int) -> None:
    answered, headers = asyncio.run(_ask(choose_ports().client, path, host))
    assert answered == status
    assert {name: headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("path", ["/", "/stream", "/missing"])
def test_a_phone_is_sent_nothing_that_its_browser_complains_of(path: str) -> None:
    _, headers = asyncio.run(_ask(choose_ports().client, path, "10.1.2.3:6066"))
    assert {name for name in HEADERS if name not in headers} == {"Cross-Origin-Opener-Policy"}


def test_a_port_in_use_is_named() -> None:
    port = choose_ports().client

    async def twice() -> None:
        async with serving(settings(port), []), serving(settings(port), []):
            pass

    with pytest.raises(AddressInUseError, match=str(port)):
        asyncio.run(twice())


def test_without_a_port_nothing_listens() -> None:
    async def serve() -> None:
        quiet = PageSettings()
        async with serving(quiet, []):
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(serve())
