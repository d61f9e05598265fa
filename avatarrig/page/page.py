"""The page: an overview, one page for each subject, and what they are made of."""

from __future__ import annotations

import asyncio
import functools
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import jinja2
import msgspec
from aiohttp import web
from aiohttp_sse import sse_response

from avatarrig.body.comparison import differences
from avatarrig.body.rig.formats import FORMATS
from avatarrig.body.rig.names import NAMINGS
from avatarrig.kafka.errors import TransportError
from avatarrig.page.album import Album, Photos
from avatarrig.page.avatars import Avatars
from avatarrig.page.closer import Closer
from avatarrig.page.content import Content, Views
from avatarrig.page.downloads import DownloadRefusedError, disposition, download
from avatarrig.page.kept import Kept
from avatarrig.page.listing import Listing, Order
from avatarrig.page.thumbnails import Thumbnails
from avatarrig.pictures.comparison import comparison_svg, draw_card

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from avatarrig.page.closer import Observed
    from avatarrig.page.settings import PageSettings
    from avatarrig.wire.estimate import Estimate


_HERE: Final = Path(__file__).parent
_LOOK_SECONDS: Final = 0.4
"""Between looks at what changed; an estimate changes at most once a second."""

_ANYWAY_SECONDS: Final = 5.0
"""An event is sent at least so often, so that a browser notices a connection that is dead."""

MOST_STREAMS: Final = 64
_OFFERED: Final = 100
"""Of more subjects none is offered to be chosen: their names are typed."""

_NAMED: Final = 50
"""Subjects that are named where somebody is asked for who is not here."""

ORDERS: Final = {
    Order.NAME: "by name",
    Order.RECENT: "latest first",
    Order.PHOTOS: "most photos first",
    Order.UNSURE: "least sure first",
}
_KEPT: Final = {"Cache-Control": "private, max-age=3600"}
_DOWNLOADS: Final = (*(kind for kind, made in FORMATS.items() if made.is_available), "png")


class _Pair(msgspec.Struct, frozen=True):
    """Two estimates beside each other, and what they are called."""

    first: Estimate
    second: Estimate
    names: tuple[str, str]


class Page:
    """Answers browsers.

    Args:
        photos: Where photos are looked up.
        observed: Reads what was observed of a subject, and how its photos stand.
        kafka: Address of Kafka, for the commands that people may copy.
    """

    def __init__(
        self,
        views: Views,
        photos: Photos,
        settings: PageSettings,
        *,
        observed: Observed,
        kafka: str = "",
    ) -> None:
        self._thumbnails = Thumbnails(settings.overlays)
        self._avatars = Avatars(settings.overlays)
        self._kept = Kept()
        self._closer = Closer(observed, self._thumbnails)
        self._album = Album(photos, self._thumbnails)
        self._content = Content(views, self._album)
        self._settings = settings
        self._kafka = kafka
        self._one_look = asyncio.Lock()
        self._streams = 0
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def keep(self, estimate: Estimate) -> str:
        """Keeps an estimate out of a file to compare with; returns what it is asked for by."""
        return self._kept.keep(estimate)

    def routes(self) -> list[web.AbstractRouteDef]:
        """Returns what there is to ask for."""
        return [
            web.get("/", self._overview),
            web.get("/subject", self._subject),
            web.get("/events", self._events),
            web.get("/compare", self._compare),
            web.get("/compare.png", self._card),
            web.get("/closer", self._closer_look),
            web.get("/avatar.mesh", self._avatar),
            web.get("/photos", self._photos),
            web.get("/pose.svg", self._pose),
            web.get("/overlay", self._overlay),
            *(web.get(f"/skeleton.{kind}", self._download) for kind in _DOWNLOADS),
            web.get("/favicon.ico", self._favicon),
            web.static("/static", _HERE / "static"),
        ]

    async def _overview(self, _: web.Request) -> web.Response:
        return self._html("overview.html", orders=ORDERS)

    async def _subject(self, request: web.Request) -> web.Response:
        name = _name(request)
        if self._content.is_known(name):
            return self._html("subject.html", subject=name, namings=NAMINGS)
        return self._unknown(name)

    def _unknown(self, name: str) -> web.Response:
        names = self._content.names()
        return self._html(
            "unknown.html",
            status=404,
            subject=name,
            names=names[:_NAMED],
            more=max(len(names) - _NAMED, 0),
        )

    async def _compare(self, request: web.Request) -> web.Response:
        known = self._content.names()
        first = request.query.get("a", "")
        file = request.query.get("file", "")
        is_gone = bool(file) and self._kept.find(file) is None
        second = request.query.get("b") or next((name for name in known if name != first), first)
        pair = self._pair(first, second, "" if is_gone else file)
        if isinstance(pair, str):
            return self._unknown(pair)
        return self._html(
            "compare.html",
            first=pair.names[0],
            second=pair.names[1],
            subject=first,
            file="" if is_gone else file,
            is_gone=is_gone,
            names=known if len(known) <= _OFFERED else [],
            rows=differences(pair.first.stats, pair.second.stats),
            overlay=comparison_svg(pair.first, pair.second),
        )

    async def _card(self, request: web.Request) -> web.Response:
        query = request.query
        pair = self._pair(query.get("a", ""), query.get("b", ""), query.get("file", ""))
        if isinstance(pair, str):
            raise web.HTTPNotFound(text="there is no estimate of that subject yet\n")
        card = await asyncio.to_thread(draw_card, pair.first, pair.second, pair.names)
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": disposition(" and ".join(pair.names), "png"),
        }
        return web.Response(body=card, content_type="image/png", headers=headers)

    def _pair(self, first: str, second: str, file: str) -> _Pair | str:
        """Two estimates, the second out of a file where one is named; whom there is none of."""
        one = self._content.estimate(first)
        if one is None:
            return first
        if file:
            other = self._kept.find(file)
            name = "" if other is None else other.subject
            second = f"{name} before" if name == first else f"{name} in a file"
        else:
            other = self._content.estimate(second)
        return second if other is None else _Pair(one, other, (first, second))

    async def _closer_look(self, request: web.Request) -> web.Response:
        name = _name(request)
        estimated_at = self._content.estimated_at(name)
        if estimated_at is None:
            raise web.HTTPNotFound(text="there is no estimate of that subject yet\n")
        try:
            async with self._one_look:  # those who wait take no thread from others
                body = await asyncio.to_thread(self._closer.look, name, estimated_at)
        except TransportError as error:
            raise web.HTTPServiceUnavailable(text=f"{error}\n") from error
        return web.Response(
            body=body, content_type="application/json", headers={"Cache-Control": "no-store"}
        )

    async def _favicon(self, _: web.Request) -> web.Response:
        raise web.HTTPFound("/static/icon.svg")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self._streams >= MOST_STREAMS:
            raise web.HTTPServiceUnavailable(
                text="too many pages are open\n", headers={"Retry-After": "10"}
            )
        changes = _changes(self._followed(request))
        answer: web.StreamResponse = web.Response()  # for who has gone before it began
        self._streams += 1
        try:
            async with sse_response(request) as stream:
                answer = stream
                async for text in changes:
                    if not stream.is_connected():
                        break
                    await stream.send(text)
        except OSError:  # who listened has gone
            pass
        finally:
            self._streams -= 1
        return answer

    def _followed(self, request: web.Request) -> Callable[[], str | None]:
        """What is asked for: those who are compared, somebody, or the list of all."""
        compared = request.query.getall("compared", [])[:2]
        if compared:
            return self._content.follow_estimates(compared)
        name = request.query.get("name")
        if name is not None:
            return self._content.follow(name)
        return functools.partial(self._content.overview, Listing.of(request.query))

    async def _avatar(self, request: web.Request) -> web.Response:
        """The avatar that was fitted to somebody; nothing where there is none."""
        name = _name(request)
        file = await asyncio.to_thread(self._avatars.find, name)
        mesh = None if file is None else await asyncio.to_thread(self._avatars.mesh, file)
        if file is None or mesh is None:
            return web.Response(status=204, headers={"Cache-Control": "no-store"})
        return web.Response(
            body=mesh,
            content_type="application/octet-stream",
            headers={"Cache-Control": "no-store", "X-Avatar": quote(file.name)},
        )

    async def _photos(self, request: web.Request) -> web.Response:
        body = await asyncio.to_thread(self._album.page, request.query)
        return web.Response(
            body=body, content_type="application/json", headers={"Cache-Control": "no-store"}
        )

    async def _pose(self, request: web.Request) -> web.Response:
        image_id = request.query.get("image", "")
        drawn = await asyncio.to_thread(self._album.pose, _name(request), image_id)
        if drawn is None:
            raise web.HTTPNotFound(text="no pose was seen in such a photo\n")
        return web.Response(body=drawn, content_type="image/svg+xml", headers=_KEPT)

    async def _overlay(self, request: web.Request) -> web.Response:
        image_id = request.query.get("image", "")
        whole = "whole" in request.query
        read = self._thumbnails.whole if whole else self._thumbnails.read
        picture = await asyncio.to_thread(read, image_id)
        if picture is None:
            raise web.HTTPNotFound(text="there is no such overlay here\n")
        kind = "image/png" if whole else "image/jpeg"
        return web.Response(body=picture, content_type=kind, headers=_KEPT)

    async def _download(self, request: web.Request) -> web.Response:
        name = _name(request)
        estimate = self._content.estimate(name)
        if estimate is None:
            raise web.HTTPNotFound(text="there is no estimate of that subject yet\n")
        kind = request.path.rpartition(".")[2]
        try:
            file = await asyncio.to_thread(download, kind, name, estimate, request.query)
        except DownloadRefusedError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        return web.Response(
            body=file.data,
            content_type=file.content_type,
            headers={"Content-Disposition": file.disposition, "Cache-Control": "no-store"},
        )

    def _html(
        self,
        template: str,
        *,
        status: int = 200,
        **values: Any,
    ) -> web.Response:
        text = self._templates.get_template(template).render(
            **values, settings=self._settings, kafka=self._kafka, may=bool(self._settings.private)
        )
        return web.Response(
            status=status,
            text=text,
            content_type="text/html",
            headers={"Cache-Control": "no-store"},
        )


def _name(request: web.Request) -> str:
    name = request.query.get("name")
    if name is None:
        raise web.HTTPBadRequest(text="say whose skeleton: ?name=SUBJECT\n")
    return name


async def _changes(look: Callable[[], str | None]) -> AsyncIterator[str]:
    """Yields what a look gives, when it differs or some time has passed."""
    said, said_at = None, 0.0
    while True:
        text = await asyncio.to_thread(look)
        now = time.monotonic()
        if text is not None and (text != said or now - said_at >= _ANYWAY_SECONDS):
            said, said_at = text, now
            yield text
        await asyncio.sleep(_LOOK_SECONDS)
