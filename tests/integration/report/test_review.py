"""The photos that matter most to look at: which, and a page with keys that decide."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from playwright.sync_api import Page
from support.browser.chromium import chromium
from support.browser.page import SIZES
from support.command import DEMO
from support.rendered import rendered

from avatarrig.body.recognition import LIKENESS, VERDICT, Verdict
from avatarrig.cli import avatarrig
from avatarrig.report.calibration.labels import read_labels
from avatarrig.runs import Pictures, RunDirectory, write_json, write_observation
from avatarrig.views.doubtful import most_doubtful, suspects
from avatarrig.wire import Evidence, Observation
from avatarrig.wire.reasons import Exclusion

PHOTOS = 8
PLAIN = str.maketrans(" [].", "----")
UNSURE = 5
STRANGER = 3


def photos() -> list[Observation]:
    """Of one person, but one whose evidence is another's, and one of whom nobody is sure."""
    seen = [rendered(number) for number in range(PHOTOS)]
    seen[STRANGER] = msgspec.structs.replace(
        seen[STRANGER], evidence=pushed(seen[STRANGER].evidence)
    )
    seen[UNSURE] = msgspec.structs.replace(
        seen[UNSURE],
        excluded=str(Verdict.UNSURE),
        meta=seen[UNSURE].meta | {VERDICT: str(Verdict.UNSURE), LIKENESS: 0.41},
    )
    return seen


def pushed(evidence: Evidence | None) -> Evidence:
    assert evidence is not None
    vector = tuple((np.array(evidence.vector) * 3 + 1000).tolist())
    scatter = 10 * evidence.information[-1]  # bones as far apart as this vector says
    information = (*evidence.information[:-1], scatter)
    return msgspec.structs.replace(evidence, vector=vector, information=information)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for number, seen in enumerate(photos()):
        write_observation(RunDirectory(tmp_path / "run"), seen, Pictures())
        target = tmp_path / "photos" / seen.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEMO / f"{number:03}.jpg", target)
    identity = {"run": "r", "dataset_dir": str(tmp_path / "photos"), "dataset": "Demo"}
    write_json(tmp_path / "run" / ".avatarrig" / "run.json", identity)
    return tmp_path / "run"


@pytest.fixture
def page(run: Path) -> Iterator[Page]:
    said = CliRunner().invoke(avatarrig, ["review", str(run)])
    assert said.exit_code == 0, said.output
    with chromium() as browser:
        tab = browser.new_page()
        tab.goto((run / "review.html").as_uri())
        yield tab
        tab.close()


def test_the_unsure_come_first_and_then_whoever_pulls_most() -> None:
    ranked = most_doubtful(photos(), PHOTOS)
    assert ranked[0].observation.image_id == rendered(UNSURE).image_id
    assert ranked[0].excluded == Exclusion.UNSURE
    assert ranked[1].observation.image_id == rendered(STRANGER).image_id
    assert "disagrees with the rest" in ranked[1].why
    assert ranked[1].pull > ranked[2].pull > 0
    assert len(most_doubtful(photos(), 3)) == 3
    assert most_doubtful([], 3) == []


def test_who_is_suspected_counts() -> None:
    """However many there are of whom nobody is sure."""
    told = suspects(photos(), 2)
    assert told[0].observation.image_id == rendered(STRANGER).image_id
    assert [photo.excluded for photo in told] == [None, None]


def test_a_face_that_was_barely_taken_is_looked_at_before_others() -> None:
    seen = [rendered(number) for number in range(4)]
    seen[2] = msgspec.structs.replace(seen[2], meta=seen[2].meta | {LIKENESS: 0.45})
    first = most_doubtful(seen, 4)[0]
    assert first.observation.image_id == seen[2].image_id
    assert "looks like somebody else" in first.why


def test_keys_decide_and_the_page_says_with_which_commands(run: Path, page: Page) -> None:
    cards = page.locator("#cards li")
    assert cards.count() == PHOTOS
    assert "does not count: not sure who it is" in cards.nth(0).inner_text()
    page.keyboard.press("k")
    page.keyboard.press("x")
    page.keyboard.press("x")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("u")
    said = page.locator("#commands").inner_text().splitlines()
    assert said == [
        f"avatarrig exclude {run} {rendered(STRANGER).image_id}",
        f"avatarrig include {run} {rendered(UNSURE).image_id}",
    ]
    for line in said:
        done = CliRunner().invoke(avatarrig, line.split()[1:])
        assert done.exit_code == 0, done.output
        assert done.output.startswith("1 photo ")
    estimate = msgspec.json.decode((run / "skeleton_estimate.json").read_bytes())
    assert estimate["photos"]["excluded"] == {"left_out": 1}


@pytest.mark.parametrize("size", SIZES)
def test_the_photo_that_keys_decide_about_is_in_sight(page: Page, size: str) -> None:
    """The commands lie over the end of the page, and become longer."""
    page.set_viewport_size(SIZES[size])
    page.emulate_media(reduced_motion="reduce")  # nothing glides there, so nothing is waited for
    for key in ("k", "x", "ArrowRight", "x", "k", "x", "x", "ArrowLeft", "ArrowLeft", "u"):
        page.keyboard.press(key)
        card = page.locator("#cards li:focus").bounding_box()
        said = page.locator("#said").bounding_box()
        assert card is not None
        assert said is not None
        assert card["y"] >= -1, key
        assert card["y"] + card["height"] <= said["y"] + 1, key


def say(*words: str | Path) -> str:
    said = CliRunner().invoke(avatarrig, [str(word) for word in words])
    assert said.exit_code == 0, said.output
    return said.output


def test_a_pattern_undoes_what_another_did_bit_for_bit(run: Path) -> None:
    """Nobody counts who did not before, and whoever counted by hand does so again."""
    say("include", run, rendered(UNSURE).path)
    estimate = run / "skeleton_estimate.json"
    before = estimate.read_bytes()
    assert msgspec.json.decode(before)["photos"]["used"] == PHOTOS
    say("exclude", run, rendered(UNSURE).path, rendered(0).path)
    assert msgspec.json.decode(estimate.read_bytes())["photos"]["used"] == PHOTOS - 2
    assert say("include", run, run.parent / "photos" / "*").startswith("2 photos brought back")
    assert estimate.read_bytes() == before


def test_the_name_of_one_photo_is_no_pattern_for_others(run: Path) -> None:
    directory = RunDirectory(run)
    for path in ("a [1].jpg", "a 1.jpg"):
        seen = msgspec.structs.replace(rendered(0), image_id=path.translate(PLAIN), path=path)
        write_observation(directory, seen, Pictures())
    assert say("exclude", run, "a [1].jpg").startswith("1 photo left out")
    assert say("exclude", run, "a [0-9].jpg").startswith("1 photo left out\n  a 1.jpg")


def test_of_a_photo_of_nobody_no_one_is_asked_who_it_shows(run: Path) -> None:
    words = [photo.why for photo in most_doubtful(photos(), PHOTOS)]
    assert words[0] == ("not sure who it is",)
    say("review", run)
    assert (run / "review.html").read_text().count("not sure who it is") == 1


def test_labels_of_an_audit_are_applied(run: Path, tmp_path: Path) -> None:
    labels = tmp_path / "audit.csv"
    rows = [(rendered(STRANGER).path, "bad"), (rendered(UNSURE).path, "good")]
    labels.write_text("image,label\n" + "".join(f"{path},{label}\n" for path, label in rows))
    said = CliRunner().invoke(avatarrig, ["review", str(run), "--apply", str(labels)])
    assert (said.exit_code, said.output) == (0, "left out: 1, brought back: 1\n")
    estimate = msgspec.json.decode((run / "skeleton_estimate.json").read_bytes())
    assert estimate["photos"]["used"] == PHOTOS - 1


@pytest.mark.parametrize(
    ("sign", "encoding"), [(";", "cp1252"), ("\t", "utf-16"), (",", "utf-8-sig"), (",", "utf-8")]
)
def test_labels_are_read_as_table_programs_save_them(
    tmp_path: Path, sign: str, encoding: str
) -> None:
    lines = ["number,image,label", "1,Gr\u00f6\u00dfe.jpg,Good", "2,b.jpg, bad ", "3,c.jpg,"]
    (tmp_path / "audit.csv").write_text("\n".join(lines).replace(",", sign), encoding=encoding)
    assert read_labels(tmp_path / "audit.csv") == {"Gr\u00f6\u00dfe.jpg": True, "b.jpg": False}


def test_a_good_pose_of_somebody_else_does_not_count_by_its_label(
    run: Path, tmp_path: Path
) -> None:
    stranger = msgspec.structs.replace(
        rendered(20), path="stranger.jpg", excluded=str(Verdict.SOMEBODY_ELSE)
    )
    write_observation(RunDirectory(run), stranger, Pictures())
    (tmp_path / "audit.csv").write_text(f"stranger.jpg,good\n{rendered(0).path},good\nno.jpg,bad\n")
    told = say("review", run, "--apply", tmp_path / "audit.csv")
    assert told.startswith("left out: 0, brought back: 0\n1 photo labelled good of somebody else")
    assert "1 label is of no photo of this run: no.jpg" in told
