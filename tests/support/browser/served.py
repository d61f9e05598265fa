"""The page's server with a watched folder, asked as a browser asks it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
from PIL import Image

from avatarrig.body.evidence.standing import KnownPhoto
from avatarrig.errors import CommandError
from avatarrig.kafka.deciding.service import Deciding, Outcome
from avatarrig.kafka.embedded.ports import choose_ports
from avatarrig.page.editing.access import Access
from avatarrig.page.editing.changes import Changes
from avatarrig.page.kept import Kept
from avatarrig.page.server import serving
from avatarrig.page.settings import PageSettings

WITHOUT_ORIGIN = "-"
OWN = "the page's own"


def jpeg(colour: int = 0, side: int = 32) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (side, side), (colour % 256, 40, 90)).save(data, "JPEG")
    return data.getvalue() + b"%6d" % colour


class Server:
    """The page's server with a watched folder."""

    def __init__(self, folder: Path, *, people: bool = False, editing: bool = True) -> None:
        self.port = choose_ports().client
        self.root = folder / "photos"
        self.root.mkdir(exist_ok=True)
        self.access = Access.begin(folder / "access")
        self.token = self.access.token_file.read_text()
        self.asked: list[Deciding] = []
        self.faces: list[bytes] = []
        self.paths: dict[str, str] = {}
        self.kept = Kept()
        self.settings = PageSettings(
            port=self.port,
            names=("rig.example",),
            watched=str(self.root),
            people=people,
            private=str(folder / "access") if editing else "",
        )

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def decide(self, asked: Deciding) -> Outcome:
        if asked.subject == "nobody":
            raise CommandError("no photo of nobody was observed")
        reference = asked.reference
        self.faces += [reference.face] if reference and reference.face else []
        self.asked.append(asked)
        known = [KnownPhoto(name, asked.subject, name) for name in asked.photos]
        return Outcome(known, {}, [], dict.fromkeys(asked.photos, "a-digest"))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[aiohttp.ClientSession]:
        routes = Changes(
            self.settings,
            self.access,
            self.decide,
            lambda _, photo: self.paths.get(photo),
            self.kept.keep,
        ).routes()
        async with serving(self.settings, routes), aiohttp.ClientSession() as client:
            yield client

    async def ask(  # noqa: PLR0913 - what an attacker may vary
        self,
        client: aiohttp.ClientSession,
        method: str,
        path: str,
        *,
        bearer: str | None = OWN,
        origin: str = "",
        data: object = None,
        **headers: str,
    ) -> tuple[int, str]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if origin != WITHOUT_ORIGIN:
            sent["Origin"] = origin or self.origin
        if bearer is not None:
            sent["Authorization"] = f"Bearer {self.token if bearer is OWN else bearer}"
        if isinstance(data, dict):
            data, sent["Content-Type"] = json.dumps(data), "application/json"
        async with client.request(
            method, f"{self.origin}{path}", data=data, headers=sent, skip_auto_headers=["Accept"]
        ) as answer:
            return answer.status, (await answer.text()).strip()

    async def put(
        self, client: aiohttp.ClientSession, path: str, data: bytes, person: str = ""
    ) -> tuple[int, Any]:
        query = f"/photo?{urlencode({'path': path, 'person': person})}"
        status, text = await self.ask(client, "PUT", query, data=data)
        return status, json.loads(text) if status == 200 else text

    def files(self) -> list[str]:
        return sorted(
            file.relative_to(self.root).as_posix()
            for file in self.root.rglob("*")
            if not file.is_dir()
        )


Learned = TypeVar("Learned")
Attack = Callable[[Server, aiohttp.ClientSession], Awaitable[Learned]]


def run(server: Server, attack: Attack[Learned]) -> Learned:
    async def attacked() -> Learned:
        async with server.open() as client:
            return await attack(server, client)

    return asyncio.run(attacked())
