"""The report in a real browser: nothing is fetched, nothing fails, and it fits every screen."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from support.browser.chromium import chromium
from support.browser.page import Scheme
from support.command import DEMO
from support.rendered import rendered, write_rendered_run

from avatarrig.report.collect import collect
from avatarrig.report.page import ReportOptions, make_report
from avatarrig.runs import write_json

PHOTOS = 6


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    (folder / "photos" / "album").mkdir(parents=True)
    write_rendered_run(folder / "run")
    for number in range(PHOTOS):
        shutil.copy(DEMO / f"{number:03}.jpg", folder / "photos" / rendered(number).path)
    identity = {"run": "r", "dataset_dir": str(folder / "photos"), "dataset": "Demo"}
    write_json(folder / "run" / ".avatarrig" / "run.json", identity)
    options = ReportOptions(pictures=24, written_at=dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
    file = folder / "report.html"
    file.write_bytes(make_report(collect(folder / "run"), options).page)
    return file


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_opens_without_errors_and_fits(
    browser: Browser, page: Path, scheme: Scheme, width: int
) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    said: list[str] = []
    asked_for: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked_for.append(request.url))
    tab.goto(page.as_uri())
    last = tab.locator("#photos img").last
    last.scroll_into_view_if_needed()
    assert last.evaluate("async image => { await image.decode(); return image.naturalWidth; }") > 0
    assert said == []
    assert [url for url in asked_for if not url.startswith("data:")] == [page.as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    beyond = "all => all.filter(each => each.getBoundingClientRect().right > innerWidth).length"
    assert tab.locator("#skeleton .status").evaluate_all(beyond) == 0
    assert tab.locator("#convergence svg[role=img]").count() == 7
    assert tab.locator("img").count() == PHOTOS
    tab.close()


def test_it_prints_in_light_colours_whatever_the_screen_has(browser: Browser, page: Path) -> None:
    tab = browser.new_page(color_scheme="dark")
    tab.goto(page.as_uri())
    tab.emulate_media(media="print")
    colour = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == "rgb(255, 255, 255)"
    assert not tab.locator("nav").is_visible()
    tab.close()
