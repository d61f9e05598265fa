"""Somebody points at a face on the page; from then on that person alone is taken."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from support.browser.chromium import chromium
from support.browser.page import SIZES
from support.command import Command
from support.waiting import PATIENCE, wait_for

from avatarrig.kafka.embedded.ports import choose_ports

pytestmark = [pytest.mark.broker, pytest.mark.models]

PATIENCE_MS = 1000 * PATIENCE
LONGEST_SIDE = 1100
LINK = r"http://\S+#open=[\w-]+"
NOT_ANNA = re.compile("somebody else|not sure who it is")
MINE = ("obama2.jpg", "obama3.jpg")
OTHERS = ("biden.jpg", "grace_hopper.jpg")


def no_larger(photo: Path) -> Image.Image:
    """A photo at a size at which faces are still told apart: it is looked at again and again."""
    picture = Image.open(photo).convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return picture


@pytest.fixture(scope="module")
def dump(real_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One person's photos, those of others, and one of both."""
    folder = tmp_path_factory.mktemp("pointing") / "dump"
    folder.mkdir()
    for name in (*MINE, *OTHERS):
        no_larger(real_photos / name).save(folder / name, quality=95)
    people = [no_larger(real_photos / name) for name in ("biden.jpg", "obama.jpg")]
    height = max(person.height for person in people)
    both = Image.new("RGB", (sum(person.width for person in people), height))
    left = 0
    for person in people:
        both.paste(person, (left, 0))
        left += person.width
    both.save(folder / "both.jpg", quality=95)
    return folder


def is_served(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def serving(dump: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yields a link to the page, and what says what the command has said so far."""
    command, port = Command(dump.parent), choose_ports().client
    log = dump.parent / f"up-{port}.log"
    data = dump.parent / "kafka"
    where = ("--subject", "Anna", "--rescan", "5", "--data-dir", data, "--out", dump.parent / "out")
    how = ("--workers", "1", "--web-port", str(port), "--debug-overlays")
    with log.open("wb") as file:
        process = command.start("up", dump, *where, *how, stdout=file, stderr=file)
    try:
        wait_for(lambda: re.search(LINK, log.read_text()), why=log.read_text)
        (link,) = re.findall(LINK, log.read_text())
        wait_for(lambda: is_served(port), why=log.read_text)
        yield link, log.read_text
    finally:
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 0, log.read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def opened(browser: Browser, link: str) -> Page:
    """Anna's page, in a browser that may change things."""
    url = link.partition("/#")[0]
    page = browser.new_context(viewport=SIZES["phone"]).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(link)
    page.wait_for_function("() => localStorage.getItem('avatarrig-key')")

    def is_known() -> bool:
        answer = page.goto(f"{url}/subject?name=Anna")
        return answer is not None and answer.ok

    wait_for(is_known)
    expect(page.locator("#photos li")).to_have_count(len(MINE) + len(OTHERS) + 1)
    return page


def verdict(page: Page, name: str) -> Locator:
    return page.locator("#photos li").filter(has_text=name).locator(".verdict")


def test_this_is_anna_makes_the_face_a_reference_until_it_is_not(
    dump: Path, browser: Browser
) -> None:
    with serving(dump) as (link, _):
        page = opened(browser, link)
        for name in OTHERS:
            expect(verdict(page, name)).not_to_contain_text(NOT_ANNA)

        # The photo of both asks which face is meant.
        page.locator("#photos li").filter(has_text="both.jpg").locator(".picture").click()
        viewer = page.get_by_role("dialog")
        expect(viewer.locator("#viewer-pointing")).to_be_visible()
        viewer.get_by_role("button", name="This is Anna").click()
        faces = viewer.locator(".faces button")
        expect(faces).to_have_count(2)
        # The photo may be looked at again meanwhile: whoever chooses goes on.
        viewer.evaluate("each => { each.dataset.at = 'before'; }")
        with page.expect_response(re.compile(r"/photos\?")):
            page.locator("#photo-reason").dispatch_event("change")
        expect(faces).to_have_count(2)
        for face in faces.all():
            box = face.bounding_box()
            assert box is not None
            assert 0 <= box["x"] <= box["x"] + box["width"] <= SIZES["phone"]["width"]
        viewer.get_by_role("button", name="Face 2 of 2").click()
        expect(viewer.locator("#told")).to_contain_text("Faces are compared on this machine")
        expect(faces).to_have_count(0)
        viewer.get_by_role("button", name="Close").click()
        for name in OTHERS:
            expect(verdict(page, name)).to_contain_text(NOT_ANNA)
        for name in MINE:
            expect(verdict(page, name)).not_to_contain_text(NOT_ANNA)
        page.context.close()

    # It outlives the command; nothing is asked as it was before.
    with serving(dump) as (link, said):
        page = opened(browser, link)
        for name in OTHERS:
            expect(verdict(page, name)).to_contain_text(NOT_ANNA)
        wait_for(lambda: "other faces are references now" in said(), why=said)
        assert '"published"' not in said()

        # And what is not Anna is no reference.
        page.locator("#photos li").filter(has_text="both.jpg").locator(".picture").click()
        viewer = page.get_by_role("dialog")
        viewer.get_by_role("button", name="Not Anna").click()
        expect(viewer.locator("#viewer-verdict")).to_have_text("Does not count: somebody else.")
        for name in OTHERS:
            expect(verdict(page, name)).not_to_contain_text(NOT_ANNA)

        # Whoever points at another face and undoes that has the face of before.
        for number, others in ((1, MINE), (2, OTHERS)):
            viewer.get_by_role("button", name="This is Anna").click()
            viewer.get_by_role("button", name=f"Face {number} of 2").click()
            expect(viewer.locator("#told")).to_contain_text("Faces are compared on this machine")
            for name in (*MINE, *OTHERS):  # all are looked at again before the next face is chosen
                expected = expect(verdict(page, name))
                is_other = name in others or name == "grace_hopper.jpg"
                (expected.to_contain_text if is_other else expected.not_to_contain_text)(NOT_ANNA)
        viewer.locator("#told").get_by_role("button", name="Undo").click()
        expect(viewer.locator("#told")).to_contain_text("undone")
        for name in MINE:
            expect(verdict(page, name)).to_contain_text(NOT_ANNA)
        expect(viewer.locator("#viewer-verdict")).to_have_text("Counts.")
        page.context.close()
