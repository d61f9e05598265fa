"""What can be changed from the page; `rule` stands before all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from avatarrig.body.evidence.standing import BY_HAND, Change, bring_back
from avatarrig.detectors.faces.refused import SeveralFacesError
from avatarrig.errors import CommandError
from avatarrig.kafka.deciding.known import Reference
from avatarrig.kafka.deciding.service import Deciding, Outcome
from avatarrig.kafka.errors import TransportError
from avatarrig.page.editing.inbox import Inbox, Placed
from avatarrig.page.editing.links import NotReachableError, link_to
from avatarrig.page.editing.names import UploadRefusedError, photo_path
from avatarrig.page.editing.pointing import NoFaceError, Pointing
from avatarrig.page.editing.rule import ENTRY
from avatarrig.photos.sizes import LARGEST_FILE
from avatarrig.pictures.qr import qr_svg
from avatarrig.wire import decode_json
from avatarrig.wire.estimate import Estimate
from avatarrig.wire.identity import subject_name
from avatarrig.wire.standings import COUNTS, ONLY_COPY, as_decided

if TYPE_CHECKING:
    from avatarrig.page.editing.access import Access
    from avatarrig.page.settings import PageSettings
    from avatarrig.wire import Observation

    Decide = Callable[[Deciding], Outcome]
    Find = Callable[[str, str], str | None]

_FORM_SECONDS: Final = 15.0
_MOST_FORM: Final = 1 << 20
_AT_ONCE: Final = 4
_CHUNK: Final = 1 << 18
_SILENT_SECONDS: Final = 20.0
"""Without a byte of an upload, it is given up."""

_SLOWEST: Final = 20_000
"""Bytes a second; slower uploads are given up."""

FormT = TypeVar("FormT")
_Text = Annotated[str, Meta(max_length=1000)]
_Share = Annotated[float, Meta(ge=0, le=1)]


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    code: _Text


class _Decision(msgspec.Struct, forbid_unknown_fields=True):
    """Photos and how they shall stand; ``back`` brings them back, whatever took them out.

    ``undo`` has their faces be the references that they were, too: the one that ``face`` stands
    for, or none.
    """

    subject: _Text
    photos: Annotated[list[_Text], Meta(min_length=1, max_length=1000)]
    to: _Text
    reason: _Text = ""
    undo: bool = False
    face: _Text = ""


class _Pointed(msgspec.Struct, forbid_unknown_fields=True):
    """A photo that shows its subject; ``at`` says where, in shares of the upright photo."""

    subject: _Text
    photo: _Text
    at: tuple[_Share, _Share] | None = None


class Changes:
    """Answers those who change something.

    Args:
        settings: Where photos go, and where the page is served.
        decide: Has photos of a subject stand otherwise.
        find: Path of a subject's photo by its image_id; None where there is no such photo.
        keep: Keeps an estimate out of a file, to be compared; returns what it is asked for by.
    """

    def __init__(
        self,
        settings: PageSettings,
        access: Access,
        decide: Decide,
        find: Find,
        keep: Callable[[Estimate], str] = lambda _: "",
    ) -> None:
        self._settings = settings
        self._access = access
        self._decide = decide
        folder = settings.inbox
        self._find = find
        self._keep = keep
        models = Path(settings.models) if settings.models else None
        self._pointing = Pointing(None if folder is None else Path(folder), models)
        self._inbox = None if folder is None else Inbox(Path(folder), people=settings.people)
        self._uploads = asyncio.Semaphore(_AT_ONCE)
        self._one_decision = asyncio.Lock()
        self._one_face = asyncio.Lock()

    def routes(self) -> list[web.AbstractRouteDef]:
        """Returns what there is to ask for."""
        return [
            web.post(ENTRY, self._enter),
            web.post("/link", self._link),
            web.post("/decide", self._decided),
            web.post("/point", self._pointed),
            web.post("/kept", self._kept),
            web.put("/photo", self._photo),
        ]

    async def _enter(self, request: web.Request) -> web.Response:
        form = await _form(request, _Entry)
        token = await asyncio.to_thread(self._access.admit, form.code)
        if token is None:
            return _words(403, "this link was used before, or is older than the running command")
        return web.json_response({"token": token}, headers={"Cache-Control": "no-store"})

    async def _link(self, request: web.Request) -> web.Response:
        """A link for another device, good once."""
        try:
            link = link_to(
                self._settings.host, self._settings.port or 0, self._access, request.scheme
            )
        except NotReachableError as error:
            return _words(409, str(error))
        picture = await asyncio.to_thread(qr_svg, link)
        answer = {"link": link, "picture": picture}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    async def _kept(self, request: web.Request) -> web.Response:
        """An estimate out of a file, to be compared with one of now."""
        return web.json_response({"file": self._keep(await _form(request, Estimate))})

    async def _decided(self, request: web.Request) -> web.Response:
        form = await _form(request, _Decision)
        if form.to != "back" and form.to not in BY_HAND:
            return _words(400, "that is no way for a photo to stand")
        to = form.to
        change: Change = bring_back if to == "back" else lambda _, __: to
        reference = Reference(digest=form.face) if form.undo else None
        try:
            outcome = await self._change(
                Deciding(form.subject, form.photos, form.reason, change, reference)
            )
        except (CommandError, TransportError) as error:
            return _words(409, str(error))
        return web.json_response(_told(outcome))

    async def _pointed(self, request: web.Request) -> web.Response:
        """A photo counts, and the subject's face there is a reference where one is to be seen."""
        form = await _form(request, _Pointed)
        path = await asyncio.to_thread(self._find, form.subject, form.photo)
        if path is None:
            return _words(409, f"no such photo of {form.subject} is known")
        reference: Reference | None = None
        no_face = ""
        change: Change = bring_back
        try:
            async with self._one_face:
                face = await asyncio.to_thread(self._pointing.face, path, form.photo, form.at)
            reference = Reference(face)
            change = _counts
        except SeveralFacesError as error:
            return web.json_response({"faces": error.places})
        except NoFaceError as error:
            no_face = str(error)
        try:
            outcome = await self._change(
                Deciding(form.subject, [form.photo], "pointed at on the page", change, reference)
            )
        except (CommandError, TransportError) as error:
            return _words(409, str(error))
        return web.json_response({**_told(outcome), "no_face": no_face})

    async def _change(self, asked: Deciding) -> Outcome:
        async with self._one_decision:
            return await asyncio.to_thread(self._decide, asked)

    async def _photo(self, request: web.Request) -> web.Response:
        """One photo, as the request's body."""
        if self._inbox is None:
            return _words(409, self._settings.no_inbox)
        size = request.content_length or 0
        if size > LARGEST_FILE:
            return _words(413, f"larger than {LARGEST_FILE >> 20} MB")
        try:
            path = photo_path(
                request.query.get("path", ""),
                person=subject_name(request.query.get("person", "")),
                people=self._settings.people,
            )
            async with self._uploads:
                placed = await self._take(request, size, self._inbox, path)
        except UploadRefusedError as error:
            return _words(error.status, str(error))
        except TimeoutError:
            return _words(408, "it came too slowly, or stopped: try again")
        except (ConnectionError, web.RequestPayloadError):
            return _words(400, "the connection broke off: try again")
        return web.json_response({"path": placed.path, "new": placed.is_new})

    @staticmethod
    async def _take(request: web.Request, size: int, inbox: Inbox, path: PurePosixPath) -> Placed:
        with inbox.arriving(size) as arriving:
            async with asyncio.timeout(_SILENT_SECONDS + size / _SLOWEST):
                while data := await asyncio.wait_for(request.content.read(_CHUNK), _SILENT_SECONDS):
                    await asyncio.to_thread(arriving.write, data)
            if arriving.size != size:
                raise UploadRefusedError("the connection broke off: try again", 400)
            return await asyncio.to_thread(inbox.place, arriving, path)


def _counts(seen: Observation, standing: str) -> str:
    """A photo that shows its subject; a copy whose photo is gone counts as that alone."""
    is_copy = as_decided(seen, COUNTS).excluded is not None
    return ONLY_COPY if is_copy and standing == ONLY_COPY else COUNTS


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "changed": [photo.image_id for photo in outcome.changed],
        "before": outcome.before,
        "references": outcome.faces,
        "same": [[photo.image_id, why] for photo, why in outcome.same],
    }


async def _form(request: web.Request, kind: type[FormT]) -> FormT:
    """Reads what a small request brings along."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send JSON\n")
    if (request.content_length or 0) > _MOST_FORM:
        raise web.HTTPRequestEntityTooLarge(_MOST_FORM, request.content_length or 0)
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            return decode_json(await request.read(), kind)
    except TimeoutError as error:
        raise web.HTTPRequestTimeout(text="it came too slowly\n") from error
    except msgspec.MsgspecError as error:
        raise web.HTTPBadRequest(text=f"that does not fit: {error}\n") from error


def _words(status: int, words: str) -> web.Response:
    return web.Response(status=status, text=f"{words}\n")
