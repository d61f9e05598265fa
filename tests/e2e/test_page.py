"""The live page in a real browser: it opens, follows, survives, and is for everybody."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from support.aggregators.aggregating import producer, send
from support.browser.chromium import chromium
from support.browser.page import HOSTILE, SIZES, Pipeline, Scheme, Witness, opened
from support.rendered import rendered
from support.waiting import wait_for

from avatarrig.kafka.embedded import EmbeddedBroker

pytestmark = pytest.mark.broker

SCREENSHOTS = Path(__file__).parents[1] / "bench" / "out" / "page"
SUPPORT = Path(__file__).parents[1] / "support" / "browser"
CONTRASTS = (SUPPORT / "contrast.js").read_text()
WITHOUT_WEBGL = """
  const getContext = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
    return kind.startsWith("webgl") ? null : getContext.call(this, kind, ...more);
  };
"""
NAMELESS = (SUPPORT / "nameless.js").read_text()


@pytest.fixture(scope="module")
def pipeline(kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    running = Pipeline(kafka, tmp_path_factory.mktemp("page"))
    try:
        running.observe(45)
        running.observe(25, HOSTILE)
        running.reject("folder/bad <b>.jpg", "the file is cut off: copy it again")
        yield running
    finally:
        running.worker.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium("--enable-unsafe-swiftshader") as opened:
        yield opened


@pytest.fixture
def witness(pipeline: Pipeline, browser: Browser) -> Iterator[Witness]:
    context = browser.new_context(viewport=SIZES["desktop"])
    seen = Witness(context.new_page(), pipeline.url)
    yield seen
    context.close()
    assert seen.complaints == []


def count(page: Page) -> int:
    text = page.locator("#summary").inner_text()
    return int(text.split(" ")[0]) if "photos" in text else 0


def points(page: Page) -> int:
    """Estimates in the first chart."""
    words = (page.locator("#charts [role=img]").first.get_attribute("aria-label") or "").split()
    return int(words[-2]) if words else 0


def wait_for_photos(page: Page, number: int) -> None:
    page.wait_for_function(
        "number => parseInt(document.getElementById('summary').textContent) >= number", arg=number
    )


def test_the_overview_shows_subjects_the_stream_and_what_was_set_aside(
    pipeline: Pipeline, witness: Witness
) -> None:
    page = witness.page
    page.goto(pipeline.url)
    expect(page.get_by_role("link", name="Anna")).to_be_visible()
    expect(page.locator('[data-figure="observed"]')).to_have_text("70")
    expect(page.locator('[data-figure="rejected"]')).to_have_text("1")
    expect(page.locator("#rejects")).to_contain_text("folder/bad <b>.jpg")
    expect(page.locator("#rejects")).to_contain_text("the file is cut off: copy it again")
    assert page.locator("#subjects svg.t-pose").count() == 2
    page.get_by_role("link", name="Anna").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anna")
    page.get_by_role("link", name="All subjects").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Skeletons")


def test_a_subject_follows_its_photos(pipeline: Pipeline, witness: Witness) -> None:
    page = witness.page
    page.goto(pipeline.subject("Anna"))
    wait_for_photos(page, 45)
    assert page.locator("#figure .bone").count() == 13
    assert page.locator("#bones tr").count() == 12
    assert page.locator("#charts canvas").count() == 7
    assert page.locator("#pose svg.pose").count() == 1
    expect(page.locator("#asymmetry")).to_contain_text("thigh")
    expect(page.locator("#window-words")).to_contain_text("last 30 days")
    before = count(page)
    chart = page.locator("#charts [role=img]").first
    label = chart.get_attribute("aria-label") or ""
    for photos in (before + 8, before + 15):
        pipeline.observe(photos - count(page))
        wait_for_photos(page, photos)
    expect(chart).not_to_have_attribute("aria-label", label)
    page.reload()
    wait_for_photos(page, before + 15)
    wait_for(
        lambda: points(page) >= 3, why=lambda: "the history is the broker's, not the browser's"
    )


def test_a_hostile_name_stays_text(pipeline: Pipeline, witness: Witness) -> None:
    page = witness.page
    page.goto(pipeline.url)
    page.get_by_role("link", name=HOSTILE[:28]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    wait_for_photos(page, 25)
    assert page.locator("main img[src=x]").count() == 0
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    assert json.loads(download.value.path().read_text())["subject"] == HOSTILE


def test_bones_tell_their_figures_to_mouse_and_keyboard(
    pipeline: Pipeline, witness: Witness
) -> None:
    page = witness.page
    page.goto(pipeline.subject("Anna"))
    wait_for_photos(page, 45)
    words = page.locator("#figure-words")
    page.locator('[data-bone="upper_leg_L"]').hover()
    expect(words).to_contain_text("thigh, left: ")
    expect(words).to_contain_text("90 % interval")
    page.mouse.move(0, 0)
    expect(words).to_contain_text("Point at a bone")
    page.locator("[data-solid=yes]").focus()
    page.keyboard.press("Tab")
    expect(words).to_contain_text("samples")
    page.keyboard.press("Tab")
    expect(words).to_contain_text("samples")


def test_the_skeleton_can_be_turned_by_keys(pipeline: Pipeline, witness: Witness) -> None:
    page = witness.page
    page.goto(pipeline.subject("Anna"))
    page.locator("[data-solid=yes]").click()
    canvas = page.locator("#solid canvas")
    expect(canvas).to_have_attribute("aria-label", re.compile(r"torso \d.*against the average"))
    expect(page.locator("#figure")).to_be_hidden()
    before = canvas.screenshot()
    for _ in range(5):
        canvas.press("ArrowRight")
    wait_for(lambda: canvas.screenshot() != before)
    page.locator("[data-solid=no]").click()
    expect(page.locator("#figure")).to_be_visible()


def test_without_webgl_the_drawing_with_numbers_is_all_there_is(
    pipeline: Pipeline, witness: Witness
) -> None:
    page = witness.page
    page.add_init_script(WITHOUT_WEBGL)
    page.goto(pipeline.subject("Anna"))
    expect(page.locator("#figure svg")).to_be_visible()
    expect(page.locator("#solid-choice")).to_be_hidden()


def test_the_page_comes_back_after_the_aggregator_was_killed(
    pipeline: Pipeline, browser: Browser
) -> None:
    page = opened(browser, pipeline.subject("Anna"), "light", "desktop")
    wait_for_photos(page, 45)
    before = count(page)
    pipeline.worker.kill()
    expect(page.locator("#connection")).to_have_attribute("data-state", "lost")
    pipeline.observe(5)
    pipeline.worker.close()
    pipeline.start()
    expect(page.locator("#connection")).to_have_text("live")
    wait_for_photos(page, before + 5)
    page.context.close()


def answer(url: str, **headers: str) -> tuple[int, str]:
    """Status and type of an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as got:  # noqa: S310 - ours
            return got.status, got.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"]


def test_downloads_are_what_they_say(pipeline: Pipeline, witness: Witness) -> None:
    page = witness.page
    page.goto(pipeline.subject("Anna"))
    wait_for_photos(page, 45)
    page.get_by_label("Height").fill("1,72")
    page.get_by_label("Bone names").select_option("mixamo")
    files = {}
    for kind in ("GLB", "BVH", "JSON", "PNG"):
        with page.expect_download() as download:
            page.get_by_role("link", name=kind, exact=True).click()
        assert download.value.suggested_filename == f"Anna.{kind.lower()}"
        files[kind] = download.value.path().read_bytes()
    assert files["GLB"][:4] == b"glTF"
    assert b"mixamorig" in files["BVH"]
    assert files["PNG"][1:4] == b"PNG"
    assert json.loads(files["JSON"])["subject"] == "Anna"
    page.get_by_label("Height").fill("17")
    expect(page.locator("#height-words")).to_contain_text("0.4 to 2.8")


def test_overlays_come_from_allowed_folders_alone(pipeline: Pipeline, witness: Witness) -> None:
    overlays = pipeline.run / "overlays"
    overlays.mkdir(parents=True)
    secret = pipeline.folder / "secret.png"
    Image.new("RGB", (900, 600), (200, 30, 30)).save(secret)
    Image.new("RGB", (900, 600), (30, 120, 200)).save(overlays / "photo-03.png")
    (overlays / "leak.png").symlink_to(secret)
    ask = f"{pipeline.url}/overlay?image="
    assert answer(f"{ask}photo-03") == (200, "image/jpeg")
    for name in ("leak", "..%2F..%2Fsecret", "%2Fetc%2Fpasswd", "photo-04", "", "photo-03%00"):
        assert answer(f"{ask}{name}")[0] == 404
    with producer(pipeline.kafka) as client:
        send(client, [rendered(3, subject="Overlaid")])
    wait_for(lambda: answer(pipeline.subject("Overlaid"))[0] == 200)
    witness.page.goto(pipeline.subject("Overlaid"))
    picture = witness.page.locator("#photos img")
    expect(picture).to_be_visible()
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("naturalWidth", 480)


def test_who_is_not_here_is_said_with_who_is(pipeline: Pipeline, witness: Witness) -> None:
    assert answer(pipeline.subject("nobody there"))[0] == 404
    page = witness.page
    page.goto(pipeline.subject("nobody there"))
    expect(page.locator("h1")).to_have_text("Nobody of that name")
    expect(page.locator("main")).to_contain_text("“nobody there”")
    expect(page.locator("[download]")).to_have_count(0)
    page.get_by_role("link", name="Anna", exact=True).click()
    expect(page.locator("#bones")).to_contain_text("torso")
    witness.complaints.clear()  # the browser notes the 404 that was asked for


def test_subjects_are_searched_and_put_in_order(pipeline: Pipeline, witness: Witness) -> None:
    page = witness.page
    page.goto(pipeline.url)
    expect(page.locator("#found")).to_contain_text("subjects")
    page.get_by_label("Search").fill("ANN")
    expect(page.locator("#subjects li")).to_have_count(1)
    expect(page.locator("#found")).to_contain_text("1 of ")
    expect(page.locator("#photos li").first).to_contain_text("Anna · ")
    page.get_by_label("Search").fill("nobody at all")
    expect(page.locator("#subjects li")).to_have_count(0)
    expect(page.locator("#photos li")).to_have_count(0)
    page.get_by_label("Search").fill("")
    page.get_by_label("Order").select_option("photos")
    expect(page.locator("#subjects strong").first).to_have_text("Anna")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_everybody_can_read_it(
    pipeline: Pipeline, browser: Browser, scheme: Scheme, size: str
) -> None:
    for name, url in (("overview", pipeline.url), ("subject", pipeline.subject("Anna"))):
        page = opened(browser, url, scheme, size)
        expect(page.locator("svg.t-pose").first).to_be_visible()
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{scheme}.png", full_page=True)
        assert page.evaluate(CONTRASTS) == [], "text that is hard to read"
        assert page.evaluate(NAMELESS) == [], "parts that a screen reader cannot name"
        wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= window, "nothing is cut off at the right"
        page.context.close()


def test_what_makes_no_sense_is_refused(pipeline: Pipeline) -> None:
    assert answer(f"{pipeline.url}/skeleton.glb?name=nobody")[0] == 404
    assert answer(f"{pipeline.url}/skeleton.glb?name=Anna&height=tall")[0] == 400
    assert answer(pipeline.url, Host="evil.example")[0] == 421
