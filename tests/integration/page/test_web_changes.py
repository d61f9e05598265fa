"""Whatever changes something from the page follows one rule; it is attacked here."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from support.body import estimates
from support.browser.served import WITHOUT_ORIGIN, Server, jpeg, run
from support.observed import observation

from avatarrig.kafka.deciding.known import Reference
from avatarrig.page.editing import changes
from avatarrig.page.editing.access import Access
from avatarrig.page.editing.inbox import Inbox
from avatarrig.page.editing.names import UploadRefusedError, photo_path
from avatarrig.page.kept import MOST
from avatarrig.page.settings import PageSettings
from avatarrig.photos.sizes import LARGEST_FILE
from avatarrig.wire.standings import AS_SEEN, ONLY_COPY
from producers.scan import scan

DECISION = {"subject": "anna", "photos": ["p-1"], "to": "left_out"}


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


# Who may.


def test_whoever_follows_the_rule_is_let_through(server: Server) -> None:
    status, text = run(server, lambda s, c: s.ask(c, "POST", "/decide", data=DECISION))
    assert (status, json.loads(text)["changed"]) == (200, ["p-1"])
    (asked,) = server.asked
    assert (asked.subject, asked.photos, asked.reason) == ("anna", ["p-1"], "")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY"])
@pytest.mark.parametrize(
    "path", ["/decide", "/point", "/kept", "/photo", "/link", "/enter/", "/", "/nothing/here"]
)
def test_nothing_but_a_question_gets_past_without_the_token(
    server: Server, method: str, path: str
) -> None:
    status, _ = run(server, lambda s, c: s.ask(c, method, path, bearer=None, data=b"x"))
    assert status == 401
    assert server.asked == []


@pytest.mark.parametrize("said", ["", "wrong", "{}x", "ä", "x" * 5000])
def test_a_wrong_token_is_none(server: Server, said: str) -> None:
    given = said.format(server.token)
    status, words = run(
        server,
        lambda s, c: s.ask(
            c, "POST", f"/decide?token={s.token}", bearer=given.encode().decode("latin-1"),
            data=DECISION, Cookie=f"token={s.token}",
        ),
    )  # fmt: skip
    assert (status, "open the link" in words) == (401, True)
    assert server.asked == []


@pytest.mark.parametrize(
    "origin",
    [
        WITHOUT_ORIGIN,
        "null",
        "http://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://localhost:{port}",
        "http://127.0.0.1:{port}.evil.example",
        "http://evil.example#@127.0.0.1:{port}",
        "file://127.0.0.1:{port}",
        "http://[",
    ],
)
def test_another_page_is_refused_even_with_the_token(server: Server, origin: str) -> None:
    named = origin.format(port=server.port)
    status, words = run(
        server, lambda s, c: s.ask(c, "POST", "/decide", origin=named, data=DECISION)
    )
    assert (status, "only the page itself" in words) == (403, True)
    assert server.asked == []


async def decide(
    server: Server, client: aiohttp.ClientSession, path: str = "/decide", **more: str
) -> tuple[int, str]:
    return await server.ask(client, "POST", path, data=DECISION, **more)


def test_a_browser_that_says_it_is_another_site_is_refused(server: Server) -> None:
    for said, expected in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
        status, _ = run(server, partial(decide, Sec_Fetch_Site=said))
        assert status == expected


def test_a_rebound_name_is_refused_whatever_it_knows(server: Server) -> None:
    evil = f"evil.example:{server.port}"
    status, _ = run(
        server,
        lambda s, c: s.ask(c, "POST", "/decide", origin=f"http://{evil}", data=DECISION, Host=evil),
    )
    assert (status, server.asked) == (421, [])


def test_a_name_of_ones_own_works_and_is_its_own_origin(server: Server) -> None:
    own = f"rig.example:{server.port}"
    for origin, expected in ((f"https://{own}", 200), (server.origin, 403)):
        status, _ = run(server, partial(decide, origin=origin, Host=own))
        assert status == expected


def test_where_nothing_may_be_changed_nothing_is(tmp_path: Path) -> None:
    server = Server(tmp_path, editing=False)
    for path in ("/decide", "/point", "/kept", "/enter", "/photo"):
        status, words = run(server, partial(decide, path=path))
        assert (status, "--web-edit" in words) == (403, True)
    assert server.asked == []


def in_file(photos: int = 3) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(
        msgspec.json.encode(estimates.said({"torso_length": 2.0}, used=photos))
    )
    return stored


def test_an_estimate_out_of_a_file_is_kept_to_be_compared(server: Server) -> None:
    status, text = run(server, lambda s, c: s.ask(c, "POST", "/kept", data=in_file()))
    assert status == 200
    found = server.kept.find(json.loads(text)["file"])
    assert found is not None
    assert json.loads(msgspec.json.encode(found)) == in_file()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"phase": "phase1"},
        in_file() | {"stats": {"torso_length": {"value": 1e400}}},
        in_file() | {"subject": "x" * 100_000},
    ],
    ids=["empty", "cut", "infinite", "long name"],
)
def test_what_is_no_estimate_is_not_kept(server: Server, data: dict[str, Any]) -> None:
    status, words = run(server, lambda s, c: s.ask(c, "POST", "/kept", data=data))
    assert status in {400, 413}
    assert words


def test_of_many_files_the_latest_are_kept(server: Server) -> None:
    async def give(s: Server, c: aiohttp.ClientSession) -> list[str]:
        answers = [await s.ask(c, "POST", "/kept", data=in_file(n)) for n in range(1, MOST + 2)]
        return [json.loads(text)["file"] for _, text in answers]

    names = run(server, give)
    kept = [server.kept.find(name) is not None for name in names]
    assert kept == [False, *[True] * MOST]


def test_a_copy_whose_photo_is_gone_can_be_had_to_count_as_before(server: Server) -> None:
    """Whoever leaves it out, or points at it, can undo it."""
    data = DECISION | {"to": ONLY_COPY, "undo": True}
    status, _ = run(server, lambda s, c: s.ask(c, "POST", "/decide", data=data))
    (change,) = (asked.change for asked in server.asked)
    assert (status, change(observation(1), AS_SEEN)) == (200, ONLY_COPY)


@pytest.mark.parametrize(
    ("said", "reference"),
    [
        ({}, None),
        ({"face": "a-digest"}, None),
        ({"undo": True}, Reference()),
        ({"undo": True, "face": "a-digest"}, Reference(digest="a-digest")),
    ],
)
def test_undoing_says_which_face_is_the_reference(
    server: Server, said: dict[str, object], reference: Reference | None
) -> None:
    data = DECISION | {"to": "counts"} | said
    status, text = run(server, lambda s, c: s.ask(c, "POST", "/decide", data=data))
    assert (status, [asked.reference for asked in server.asked]) == (200, [reference])
    assert json.loads(text)["references"] == {"p-1": "a-digest"}


def test_a_link_is_good_once_even_for_many_at_once(server: Server) -> None:
    code = server.access.invite()

    async def enter(s: Server, client: aiohttp.ClientSession) -> list[tuple[int, str]]:
        return await asyncio.gather(
            *(s.ask(client, "POST", "/enter", bearer=None, data={"code": code}) for _ in range(8))
        )

    answers = run(server, enter)
    assert sorted(status for status, _ in answers) == [200] + [403] * 7
    (given,) = [json.loads(text)["token"] for status, text in answers if status == 200]
    assert given == server.token
    assert Access(server.access.token_file.parent).admit(code) is None


@pytest.mark.parametrize("code", ["", "wrong", "../token", "x" * 900, "ä", "\0"])
def test_what_is_no_link_admits_nobody(server: Server, code: str) -> None:
    answer = run(server, lambda s, c: s.ask(c, "POST", "/enter", bearer=None, data={"code": code}))
    assert answer[0] == 403
    assert server.token not in answer[1]


def test_token_and_links_are_this_users_alone_and_end_with_the_command(server: Server) -> None:
    folder, code = server.access.token_file.parent, server.access.invite()
    for path in (folder, folder / "links"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for file in (server.access.token_file, *(folder / "links").iterdir()):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert code not in file.name
        assert code not in file.read_text()
    again = Access.begin(folder)
    assert not again.allows(server.token)
    assert again.admit(code) is None


def test_links_do_not_pile_up(server: Server) -> None:
    codes = [server.access.invite() for _ in range(50)]
    assert len(list((server.access.token_file.parent / "links").iterdir())) <= 20
    assert server.access.admit(codes[-1]) == server.token


def test_a_link_for_a_phone_is_refused_where_no_phone_comes(server: Server) -> None:
    status, words = run(server, lambda s, c: s.ask(c, "POST", "/link", data={}))
    assert (status, "--web-host 0.0.0.0" in words) == (409, True)


# What is asked for.


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"subject": "anna"}, 400),
        ({**DECISION, "to": "duplicate"}, 400),
        ({**DECISION, "photos": []}, 400),
        ({**DECISION, "photos": ["p"] * 1001}, 400),
        ({**DECISION, "more": 1}, 400),
        ({**DECISION, "subject": "x" * 2000}, 400),
        ({**DECISION, "subject": "nobody"}, 409),
        (b"{}", 415),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(
    server: Server,
    data: object,
    status: int,
) -> None:
    answer = run(server, lambda s, c: s.ask(c, "POST", "/decide", data=data))
    assert answer[0] == status
    assert server.asked == []


def test_a_huge_or_endless_form_is_not_read(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_FORM_SECONDS", 0.3)
    form = "POST /decide", "application/json", b"{"
    big = run(server, lambda s, _: half_sent(s, *form, 2 << 20))
    assert b" 413 " in big
    slow = run(server, lambda s, _: half_sent(s, *form, 20))
    assert b" 408 " in slow


async def half_sent(server: Server, asked: str, kind: str, data: bytes, length: int) -> bytes:
    """Sends a part of a body; returns the beginning of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = (
        f"{asked} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nOrigin: {server.origin}\r\n"
        f"Authorization: Bearer {server.token}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    )
    writer.write(head.encode() + data)
    await writer.drain()
    answer = await reader.read(200)
    writer.close()
    return answer


# Photos that are sent.


def test_a_photo_is_placed_whole_and_once(server: Server) -> None:
    async def send(s: Server, client: aiohttp.ClientSession) -> list[tuple[int, Any]]:
        return [
            await s.put(client, "a/b/one.jpg", jpeg(1)),
            await s.put(client, "another name.jpg", jpeg(1)),
            await s.put(client, "a/b/one.jpg", jpeg(2)),
        ]

    assert run(server, send) == [
        (200, {"path": "a/b/one.jpg", "new": True}),
        (200, {"path": "a/b/one.jpg", "new": False}),
        (200, {"path": "a/b/one (2).jpg", "new": True}),
    ]
    assert server.files() == ["a/b/one (2).jpg", "a/b/one.jpg"]
    assert (server.root / "a/b/one.jpg").read_bytes() == jpeg(1)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("../../etc/x.jpg", "etc/x.jpg"),
        ("/etc/x.jpg", "etc/x.jpg"),
        ("..\\..\\x.jpg", "x.jpg"),
        ("C:\\photos\\x.jpg", "C_/photos/x.jpg"),
        ("./a//./x.JPG", "a/x.JPG"),
        ("a\0b\x1b[2J.png", "a_b_[2J.png"),
        ("\u202egpj.exe.png", "_gpj.exe.png"),
        ('<b>"x"|?*.jpg', "_b__x____.jpg"),
        ("con.jpg", "_con.jpg"),
        ("LPT1/x.jpg", "_LPT1/x.jpg"),
        ("a /b. /x .jpg", "a/b/x.jpg"),
        ("x.part.jpg", "x_.jpg"),
        ("e\u0301.jpg", "é.jpg"),
        ("人" * 200 + ".jpg", "人" * 40 + ".jpg"),
    ],
)
def test_names_are_made_harmless(said: str, kept: str) -> None:
    path = photo_path(said)
    assert path.as_posix() == kept
    assert not path.is_absolute()
    assert ".." not in path.parts


@pytest.mark.parametrize(
    "said",
    ["", "..", "/", "x.mp4", "x.txt", "x", ".hidden.jpg", ".git/x.jpg", "@eaDir/x.jpg", "Thumbs.db",
     "a/b/c/d/e/f/g/h/i/x.jpg", "x.json", "._x.jpg", ".jpg", "x.jpg\0.exe"],
)  # fmt: skip
def test_what_is_no_photos_name_is_refused(said: str) -> None:
    with pytest.raises(UploadRefusedError):
        photo_path(said)


def test_a_folder_is_a_person_where_that_is_so() -> None:
    assert photo_path("x.jpg", person="Anna", people=True).as_posix() == "Anna/x.jpg"
    assert photo_path("Anna/x.jpg", person="Anna", people=True).as_posix() == "Anna/x.jpg"
    assert photo_path("2019/x.jpg", person="Anna", people=True).as_posix() == "Anna/2019/x.jpg"
    assert photo_path("Ben/x.jpg", people=True).as_posix() == "Ben/x.jpg"
    for person, folder in (("../Eve", "_Eve"), ("/etc", "_etc"), ("a/b", "a_b"), ("\\\\x", "__x")):
        path = photo_path("x.jpg", person=person, people=True)
        assert path.as_posix() == f"{folder}/x.jpg"
    with pytest.raises(UploadRefusedError, match="whose photo"):
        photo_path("x.jpg", people=True)


def test_the_same_photo_of_two_people_is_there_twice(tmp_path: Path) -> None:
    server = Server(tmp_path, people=True)

    async def send(s: Server, client: aiohttp.ClientSession) -> list[Any]:
        return [(await s.put(client, "x.jpg", jpeg(1), person))[1] for person in ("A", "B", "A")]

    assert [answer["new"] for answer in run(server, send)] == [True, True, False]
    assert server.files() == ["A/x.jpg", "B/x.jpg"]


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [
        ("x.jpg", b"", 415),
        ("x.jpg", b"<html><script>alert(1)</script>", 415),
        ("x.jpg", b"MZ" + b"\0" * 500, 415),
        ("x.exe", jpeg(), 415),
        ("x.svg", b"<svg/>", 415),
        ("..", jpeg(), 400),
    ],
)
def test_what_is_no_picture_leaves_nothing(
    server: Server, name: str, data: bytes, status: int
) -> None:
    answer = run(server, lambda s, c: s.put(c, name, data))
    assert answer[0] == status
    assert list(server.root.iterdir()) == []


def test_no_link_leads_out_of_the_folder(server: Server, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (server.root / "album").symlink_to(outside)
    (server.root / "x.jpg").symlink_to(outside / "made.jpg")

    async def send(s: Server, client: aiohttp.ClientSession) -> list[Any]:
        return [
            await s.put(client, "album/x.jpg", jpeg(1)),
            await s.put(client, "album/deep/x.jpg", jpeg(1)),
            await s.put(client, "x.jpg", jpeg(1)),
        ]

    first, second, third = run(server, send)
    assert (first[0], second[0]) == (409, 409)
    assert third == (200, {"path": "x (2).jpg", "new": True})
    assert [*outside.iterdir()] == []


def test_a_link_in_place_of_what_is_on_its_way_is_not_followed(
    server: Server, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (server.root / ".avatarrig-uploads").symlink_to(outside)
    assert run(server, lambda s, c: s.put(c, "x.jpg", jpeg()))[0] == 409
    assert list(outside.iterdir()) == []


def test_a_file_that_is_too_large_is_refused_before_it_comes(server: Server) -> None:
    answer = run(
        server,
        lambda s, _: half_sent(s, "PUT /photo?path=x.jpg", "image/jpeg", b"", LARGEST_FILE + 1),
    )
    assert b" 413 " in answer
    assert list(server.root.iterdir()) == []


def test_a_body_without_a_length_is_refused(server: Server) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield jpeg()

    answer = run(server, lambda s, c: s.ask(c, "PUT", "/photo?path=x.jpg", data=chunks()))
    assert answer[0] == 411
    assert list(server.root.iterdir()) == []


def test_half_a_file_is_never_seen_and_goes_with_its_connection(server: Server) -> None:
    async def send(s: Server, client: aiohttp.ClientSession) -> None:
        data = jpeg(side=900)
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(
            f"PUT /photo?path=x.jpg HTTP/1.1\r\nHost: 127.0.0.1:{s.port}\r\nOrigin: {s.origin}\r\n"
            f"Authorization: Bearer {s.token}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
        )
        writer.write(data[: len(data) // 2])
        await until(lambda: any(s.root.rglob("*.part")))
        assert list(scan(s.root)) == []
        writer.close()
        await until(lambda: not any(s.root.iterdir()))
        assert (await s.put(client, "y.jpg", data))[0] == 200
        del reader

    run(server, send)
    assert server.files() == ["y.jpg"]


def test_a_body_that_stops_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_SILENT_SECONDS", 0.3)
    answer = run(
        server, lambda s, _: half_sent(s, "PUT /photo?path=x.jpg", "image/jpeg", jpeg()[:9], 900)
    )
    assert b" 408 " in answer
    assert list(server.root.iterdir()) == []


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - what happens on a disk sets no event
            await asyncio.sleep(0.01)


def test_those_who_stop_hold_up_nobody_for_long(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_SILENT_SECONDS", 0.5)

    async def send(s: Server, client: aiohttp.ClientSession) -> tuple[int, Any]:
        stalled = [
            asyncio.create_task(half_sent(s, f"PUT /photo?path={n}.jpg", "image/jpeg", b"x", 9))
            for n in range(20)
        ]
        answer = await s.put(client, "mine.jpg", jpeg())
        await asyncio.gather(*stalled)
        return answer

    assert run(server, send)[0] == 200
    assert server.files() == ["mine.jpg"]


def test_many_photos_of_one_name_at_once_are_all_there(server: Server) -> None:
    async def send(s: Server, client: aiohttp.ClientSession) -> list[Any]:
        return list(
            await asyncio.gather(*(s.put(client, "x.jpg", jpeg(n % 20)) for n in range(60)))
        )

    answers = run(server, send)
    assert {status for status, _ in answers} == {200}
    assert sum(answer["new"] for _, answer in answers) == 20
    contents = {(server.root / name).read_bytes() for name in server.files()}
    assert contents == {jpeg(n) for n in range(20)}
    assert len(server.files()) == 20


def test_more_files_at_once_than_connections_are_taken(server: Server) -> None:
    async def send(s: Server, client: aiohttp.ClientSession) -> list[Any]:
        return list(
            await asyncio.gather(*(s.put(client, f"{n % 7}/{n}.jpg", jpeg(n)) for n in range(120)))
        )

    assert {status for status, _ in run(server, send)} == {200}
    assert len(server.files()) == 120


def test_a_full_disk_is_said_in_words(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1 << 20

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    status, words = run(server, lambda s, c: s.put(c, "x.jpg", jpeg()))
    assert (status, "disk is full" in words) == (507, True)


def test_a_folder_that_is_gone_or_closed_is_said_in_words(server: Server) -> None:
    server.root.rmdir()
    status, words = run(server, lambda s, c: s.put(c, "x.jpg", jpeg()))
    assert (status, "gone" in words) == (409, True)


def test_what_a_killed_process_left_on_its_way_is_deleted_in_time(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, people=False)
    left = tmp_path / ".avatarrig-uploads" / "old.part"
    left.parent.mkdir()
    left.write_bytes(b"x")
    young = left.with_name("young.part")
    young.write_bytes(b"x")
    os.utime(left, (1.0, 1.0))
    with inbox.arriving(1):
        assert not left.exists()
        assert young.exists()


def test_a_disk_without_links_takes_photos_as_well(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: Any, **__: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)

    async def send(s: Server, client: aiohttp.ClientSession) -> list[Any]:
        return [await s.put(client, "x.jpg", jpeg(n)) for n in range(3)]

    assert [answer["path"] for _, answer in run(server, send)] == [
        "x.jpg",
        "x (2).jpg",
        "x (3).jpg",
    ]


def test_elsewhere_it_is_said_why_no_photo_is_taken() -> None:
    assert "no folder is watched" in PageSettings().no_inbox
    assert "a store" in PageSettings(watched="s3://bucket/photos").no_inbox
    assert PageSettings(watched="/photos").no_inbox == ""
