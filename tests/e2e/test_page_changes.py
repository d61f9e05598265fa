"""Photos are looked at, left out, put back and added on the page, in a real browser."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from support.browser.chromium import chromium
from support.browser.page import SIZES, Pipeline, Witness
from support.command import DEMO
from support.waiting import wait_for

from avatarrig.kafka.embedded import EmbeddedBroker

pytestmark = pytest.mark.broker

PHOTOS = 30
ON_EVERY_SCREEN = pytest.mark.parametrize("size", SIZES)
DROP = """
([target, files]) => {
  const transfer = new DataTransfer();
  for (const [name, text] of files) {
    const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    transfer.items.add(new File([bytes], name, {type: "image/jpeg"}));
  }
  const place = document.querySelector(target);
  const [kind, key] = target === "body" ? ["paste", "clipboardData"] : ["drop", "dataTransfer"];
  const event = kind === "drop"
    ? new DragEvent(kind, {bubbles: true, cancelable: true, [key]: transfer})
    : new ClipboardEvent(kind, {bubbles: true, cancelable: true, [key]: transfer});
  place.dispatchEvent(event);
}
"""


@pytest.fixture(scope="module")
def pipeline(kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    running = Pipeline(kafka, tmp_path_factory.mktemp("changes"), people=True)
    try:
        running.observe(PHOTOS)
        yield running
    finally:
        running.worker.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def size() -> str:
    """A phone's: what can be reached there can be on a wide screen, where more has room."""
    return "phone"


@pytest.fixture
def witness(pipeline: Pipeline, browser: Browser, size: str) -> Iterator[Witness]:
    context = browser.new_context(viewport=SIZES[size])
    seen = Witness(context.new_page(), pipeline.url)
    yield seen
    context.close()
    assert seen.complaints == []


def used(page: Page) -> int:
    """Photos that count, as the summary says."""
    summary = page.locator("#summary")
    expect(summary).to_contain_text(re.compile(r", \d+ count"))
    return int(summary.inner_text().split(", ")[1].split(" ")[0])


def opened(pipeline: Pipeline, witness: Witness, *, editing: bool = True) -> Page:
    url = pipeline.subject("Anna")
    witness.page.goto(pipeline.link(url) if editing else url)
    expect(witness.page.locator("#photos li")).to_have_count(24)
    return witness.page


@ON_EVERY_SCREEN
def test_a_photo_is_left_out_and_the_way_back_is_one_press(
    pipeline: Pipeline, witness: Witness
) -> None:
    page = opened(pipeline, witness)
    expect(page.locator("#photos-words")).to_contain_text(f"{PHOTOS} photos")
    before = used(page)
    first = page.locator("#photos li").filter(has_text="Leave out").first
    name = first.locator("b").inner_text()
    first.get_by_role("button", name="Leave out").click()
    item = page.locator("#photos li").filter(has_text=name)
    expect(item).to_contain_text("does not count: left out on request")
    page.wait_for_function(
        "used => document.getElementById('summary').textContent.includes(`, ${used} count`)",
        arg=before - 1,
    )
    page.locator("#told").get_by_role("button", name="Undo").click()
    expect(item.locator(".verdict")).to_have_text("counts")
    page.wait_for_function(
        "used => document.getElementById('summary').textContent.includes(`, ${used} count`)",
        arg=before,
    )


def test_photos_are_filtered_by_what_became_of_them(pipeline: Pipeline, witness: Witness) -> None:
    page = opened(pipeline, witness)
    item = page.locator("#photos li").filter(has_text="Leave out").first
    item.get_by_role("button", name="Leave out").click()
    choice = page.get_by_label("Show")
    expect(choice).to_contain_text("left out on request (1)")
    choice.select_option("left_out")
    expect(page.locator("#photos li")).to_have_count(1)
    page.get_by_role("button", name="Put back").click()
    expect(page.locator("#photos li")).to_have_count(0)
    choice.select_option("")
    expect(page.locator("#photo-page")).to_have_text("page 1 of 2")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.locator("#photos li")).to_have_count(PHOTOS - 24)


@ON_EVERY_SCREEN
def test_a_photo_opens_with_why_it_counts_and_keys_lead_on(
    pipeline: Pipeline, witness: Witness
) -> None:
    page = opened(pipeline, witness)
    page.locator("#photos .picture").first.click()
    viewer = page.get_by_role("dialog")
    expect(viewer.locator("#viewer-verdict")).to_have_text("Counts.")
    expect(viewer.locator("img")).to_have_js_property("complete", value=True)
    assert viewer.locator("img").evaluate("image => image.naturalWidth") > 0
    expect(viewer).to_contain_text("the pose alone")
    title = viewer.get_by_role("heading").inner_text()
    page.keyboard.press("ArrowRight")
    expect(viewer.get_by_role("heading")).not_to_have_text(title)
    viewer.get_by_role("button", name="Not Anna").click()
    expect(viewer.locator("#viewer-verdict")).to_have_text("Does not count: somebody else.")
    viewer.get_by_role("button", name="This is Anna").click()
    expect(viewer.locator("#viewer-verdict")).to_have_text("Counts.")
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()


def test_who_was_not_let_in_has_the_command_to_copy(pipeline: Pipeline, witness: Witness) -> None:
    page = opened(pipeline, witness, editing=False)
    expect(page.locator("#photos .buttons button")).to_have_count(0)
    expect(page.locator("#add")).to_contain_text("open the link that the command printed")
    page.locator("#photos .picture").first.click()
    command = page.locator("#viewer-command pre")
    expect(command).to_contain_text("avatarrig exclude --bootstrap-servers 127.0.0.1:")
    expect(command).to_contain_text("--subject Anna ")


def test_the_key_of_the_file_opens_as_well_and_a_wrong_one_does_not(
    pipeline: Pipeline, witness: Witness
) -> None:
    page = opened(pipeline, witness, editing=False)
    page.get_by_label("Key").fill("wrong")
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator("#unlock-words")).to_contain_text("not the key")
    page.get_by_label("Key").fill(pipeline.access.token_file.read_text())
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator("#drop")).to_be_visible()
    witness.complaints.clear()  # the browser notes the 401 and 409 that were asked for


def test_a_link_that_was_used_says_so(pipeline: Pipeline, witness: Witness) -> None:
    link = pipeline.link(pipeline.url)
    assert pipeline.access.admit(link.rpartition("=")[2])
    witness.page.goto(link)
    expect(witness.page.locator("#unlock-words")).to_contain_text("this link was used before")
    assert "#" not in witness.page.url
    witness.complaints.clear()  # the browser notes the 403 that was asked for


def test_photos_are_dropped_pasted_and_chosen(
    pipeline: Pipeline, witness: Witness, tmp_path: Path
) -> None:
    page = witness.page
    page.goto(pipeline.link(pipeline.url))
    expect(page.locator("#drop")).to_be_visible()
    demo = [(DEMO / f"{number:03}.jpg") for number in range(5)]
    encoded = [[file.name, base64.b64encode(file.read_bytes()).decode()] for file in demo]
    page.evaluate(DROP, ["#drop", encoded[:1]])
    expect(page.locator("#unsent")).to_contain_text("000.jpg: whose photo is it? Say the person's")
    expect(page.locator("#people option[value=Anna]")).to_be_attached()
    page.get_by_label("Whose photos?").fill("Cleo")
    page.evaluate(DROP, ["#drop", encoded[:2]])
    expect(page.locator("#sent-words")).to_have_text("2 of 2 photos: 2 added")
    page.evaluate(DROP, ["body", encoded[1:3]])
    expect(page.locator("#sent-words")).to_have_text("2 of 2 photos: 1 added, 1 there already")
    note = tmp_path / "notes.txt"
    note.write_text("no photo")
    fake = tmp_path / "fake.jpg"
    fake.write_text("no photo either")
    page.locator("#files").set_input_files([*demo[3:], note, fake])
    expect(page.locator("#sent-words")).to_have_text("4 of 4 photos: 2 added, 2 not taken")
    expect(page.locator("#unsent")).to_contain_text("notes.txt: no photo, by its name")
    expect(page.locator("#unsent")).to_contain_text("fake.jpg: no picture of a format")
    placed = {file.name: file.read_bytes() for file in (pipeline.watched / "Cleo").iterdir()}
    assert placed == {file.name: file.read_bytes() for file in demo}
    witness.complaints.clear()  # the browser notes the 409 and the two 415 that were asked for


def test_a_folder_goes_in_with_its_folders(pipeline: Pipeline, witness: Witness) -> None:
    page = witness.page
    page.goto(pipeline.link(pipeline.url))
    page.locator("#folder").set_input_files(DEMO)
    expect(page.locator("#sent-words")).to_contain_text("not taken")
    wait_for(lambda: (pipeline.watched / "Demo" / "029.jpg").exists() or any(
        file.name == "029.jpg" for file in pipeline.watched.rglob("*.jpg")
    ))  # fmt: skip
    expect(page.locator("#unsent")).to_contain_text("truth.json: it says something of a photo")
    witness.complaints.clear()  # the browser notes what was refused


@ON_EVERY_SCREEN
def test_two_people_are_compared_and_leave_as_a_card(pipeline: Pipeline, witness: Witness) -> None:
    pipeline.observe(8, "Ben")
    page = witness.page
    page.goto(pipeline.subject("Anna"))
    expect(page.locator("#bones")).to_contain_text("torso")
    wait_for(lambda: "Ben" in page.request.get(f"{pipeline.url}/compare?a=Anna").text())
    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anna and Ben")
    assert page.locator("svg.over line.second").count() > 8
    expect(page.get_by_role("table")).to_contain_text("forearm")
    with page.expect_download() as download:
        page.get_by_role("link", name="Picture card").click()
    assert download.value.suggested_filename == "Anna and Ben.png"
    page.get_by_label("The other").select_option("Anna")
    expect(page.get_by_role("heading", level=1)).to_have_text("Anna and Anna")
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window


def test_a_comparison_follows_both(pipeline: Pipeline, witness: Witness) -> None:
    pipeline.observe(8, "Dora")
    page = witness.page
    wait_for(lambda: page.request.get(f"{pipeline.url}/compare?a=Anna&b=Dora").ok)
    page.goto(f"{pipeline.url}/compare?a=Anna&b=Dora")
    expect(page.locator("#connection")).to_have_text("live")
    with page.expect_event("load"):
        pipeline.observe(8, "Dora")


def test_a_run_is_compared_by_its_file(
    pipeline: Pipeline, witness: Witness, tmp_path: Path
) -> None:
    page = witness.page
    page.goto(pipeline.link(f"{pipeline.url}/compare?a=Anna"))
    wrong, right = tmp_path / "notes.json", tmp_path / "skeleton_estimate.json"
    wrong.write_text("no JSON")
    page.get_by_label("or another run").set_input_files(wrong)
    expect(page.locator("#file-words")).to_contain_text("notes.json is not compared")
    right.write_text(page.request.get(f"{pipeline.url}/skeleton.json?name=Anna").text())
    page.get_by_label("or another run").set_input_files(right)
    expect(page.get_by_role("heading", level=1)).to_have_text("Anna and Anna before")
    expect(page.get_by_role("table")).to_contain_text("forearm")
    with page.expect_download() as download:
        page.get_by_role("link", name="Picture card").click()
    assert download.value.suggested_filename == "Anna and Anna before.png"
    page.goto(f"{pipeline.url}/compare?a=Anna&file=0123456789abcdef")
    expect(page.locator("main")).to_contain_text("That file is not kept any more")
