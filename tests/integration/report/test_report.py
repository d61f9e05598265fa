"""The report of a run: everything in one file, true, safe to open and to send on."""

from __future__ import annotations

import html
import io
import json
import re
import shutil
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from support.command import DEMO
from support.pictures import damaged_pngs
from support.rendered import PHOTOS, rendered, write_rendered_run

from avatarrig.body.estimator import Estimator
from avatarrig.cli import avatarrig
from avatarrig.cli.commands.report import report
from avatarrig.detectors.fetching.models import MODELS
from avatarrig.report.collect import Collected, collect
from avatarrig.runs import Pictures, RunDirectory, load_run, write_json, write_observation
from avatarrig.wire.reasons import Exclusion

NASTY = '<script>alert(1)</script> & "Anna" 照片'
SHA = MODELS["full"].sha256


def note_results(run: Path, dataset: Path, **changes: object) -> None:
    """Writes what a finished run has beside its observations."""
    identity = {"run": "r", "dataset_dir": str(dataset), "dataset": "Demo"}
    write_json(run / ".avatarrig" / "run.json", identity)
    summary = {
        "total_images": PHOTOS + 1,
        "rejected": [
            {"rel_image_path": "bad/<b>.jpg", "reason": "too_large", "message": "Too <big>."}
        ],
        "settings": {
            "fingerprint": rendered(0).fingerprint,
            "options": {"pose_model": "full", "overlay_thr": 0.35},
            "models": [SHA],
        },
    }
    write_json(run / "phase1_summary.json", summary | changes)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose photos lie where they were, without overlays."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "photos" / "album").mkdir(parents=True)
    run = folder / "run"
    write_rendered_run(run)
    for number in range(3):
        shutil.copy(DEMO / f"{number:03}.jpg", folder / "photos" / rendered(number).path)
    nobody = rendered(30, pose=None, world=None, evidence=None, meta={"pose_score": 0.0})
    write_observation(RunDirectory(run), nobody, Pictures())
    note_results(run, folder / "photos")
    return run


def reported(run: Path, *options: str) -> str:
    page = run / "report.html"
    page.unlink(missing_ok=True)
    result = CliRunner().invoke(report, [str(run), *options])
    assert result.exit_code == 0, result.output
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(run: Path) -> str:
    return reported(run)


class Links(HTMLParser):
    """Collects tags, and whatever a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [v or "" for k, v in attrs if k in {"src", "href", "srcset", "xlink:href"}]


def links(page: str) -> Links:
    parser = Links()
    parser.feed(page)
    return parser


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    found = links(page)
    assert all(source.startswith(("data:image/webp;base64,", "#")) for source in found.sources)
    assert not {"script", "link", "iframe", "object"} & set(found.tags)
    assert "default-src 'none'" in page
    assert not re.search(r"url\(|@import", page)


def test_it_tells_the_estimate_with_intervals_and_samples(run: Path, page: str) -> None:
    estimator = Estimator()
    for observation in load_run(run):
        estimator.update(observation)
    for bone in estimator.estimate().bones.values():
        assert f"{bone.value:.3f}" in page
        if bone.high > bone.low:
            assert f"{bone.low:.3f} – {bone.high:.3f}" in page


def test_it_tells_counts_rejects_settings_and_model_hashes(page: str) -> None:
    for words in (
        "<dt>photos found</dt><dd>31</dd>",
        "<dt>in the estimate</dt><dd>30</dd>",
        "bad/&lt;b&gt;.jpg",
        "Too &lt;big&gt;.",
        "1: nobody was found in the photo",
        "1 photo does not count: nobody was found in the photo.",
        "--min-pose-det",
        "overlay_thr",
        MODELS["full"].file,
        SHA,
    ):
        assert words in page


def test_photos_that_are_there_are_shown_and_the_file_stays_small(page: str) -> None:
    assert len(re.findall(r'<img loading="lazy"', page)) == 3
    assert len(page) < 300_000


def test_without_photos_nobody_is_shown(run: Path) -> None:
    assert "<img" not in reported(run, "--photos", "0")


def test_pictures_lie_beside_the_page(run: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(report, [str(run), "--out", str(tmp_path / "anna.html")])
    assert result.exit_code == 0, result.output
    assert {file.name for file in tmp_path.iterdir()} == {
        "anna.html",
        "anna-skeleton.png",
        "anna-convergence.png",
        "anna-photos.png",
    }
    for name in ("anna-skeleton.png", "anna-convergence.png", "anna-photos.png"):
        Image.open(tmp_path / name).verify()


def test_an_overlay_is_shown_where_the_photo_is_gone(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    data = io.BytesIO()
    Image.new("RGB", (900, 600), "green").save(data, "PNG")
    write_observation(run, rendered(0), Pictures(overlay=data.getvalue()))
    note_results(run.path, tmp_path / "gone")
    assert reported(run.path).count("<img") == 1


@pytest.mark.parametrize("wrong", damaged_pngs())
def test_a_photo_is_drawn_anew_where_its_overlay_is_damaged(tmp_path: Path, wrong: str) -> None:
    run, dataset = RunDirectory(tmp_path / "run"), tmp_path / "photos"
    write_observation(run, rendered(0), Pictures(overlay=damaged_pngs()[wrong]))
    (dataset / rendered(0).path).parent.mkdir(parents=True)
    shutil.copy(DEMO / "000.jpg", dataset / rendered(0).path)
    note_results(run.path, dataset)
    assert reported(run.path).count("<img") == 1


def test_no_path_leads_out_of_the_dataset(tmp_path: Path) -> None:
    run, dataset = RunDirectory(tmp_path / "run"), tmp_path / "photos"
    dataset.mkdir()
    shutil.copy(DEMO / "000.jpg", tmp_path / "secret.jpg")
    (dataset / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    for number, path in enumerate(("../secret.jpg", str(tmp_path / "secret.jpg"), "link.jpg")):
        write_observation(run, rendered(number, path=path), Pictures())
    note_results(run.path, dataset)
    assert "<img" not in reported(run.path)


def test_rejected_photos_are_shown_unless_opening_them_is_a_risk(tmp_path: Path) -> None:
    run, dataset = tmp_path / "run", tmp_path / "photos"
    dataset.mkdir()
    write_rendered_run(run, 1)
    reasons = {"large.jpg": "too_large", "fatal.jpg": "crashed", "text.jpg": "too_large"}
    for name in reasons:
        shutil.copy(DEMO / "000.jpg", dataset / name)
    (dataset / "text.jpg").write_text("no photo")
    rejected = [
        {"rel_image_path": name, "reason": reason, "message": "so"}
        for name, reason in reasons.items()
    ]
    note_results(run, dataset, rejected=rejected)
    text = reported(run)
    assert re.findall(r'alt="([^"]*)"', text) == ["large.jpg"]
    assert all(name in text for name in reasons)


def test_names_are_escaped(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    write_observation(run, rendered(0, subject=NASTY), Pictures())
    text = reported(run.path)
    assert html.escape(NASTY, quote=True).replace("&quot;", "&#34;") in text
    assert "script" not in links(text).tags


def test_a_name_of_two_lines_is_written_in_one(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    write_observation(run, rendered(0, subject="Anna\nBen"), Pictures())
    assert "Anna" in reported(run.path)
    assert (run.path / "report-convergence.png").is_file()


def test_a_run_that_has_not_ended_is_reported_without_settings(tmp_path: Path) -> None:
    write_rendered_run(tmp_path, 4)
    text = reported(tmp_path)
    assert "The run has not ended" in text
    assert "photos found" not in text


def test_two_subjects_have_a_skeleton_each(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    for number in range(10):
        subject = ("anna", "ben")[number % 2]
        write_observation(run, rendered(number, subject=subject), Pictures())
    text = reported(tmp_path)
    assert "<h1>anna and ben</h1>" in text
    assert (tmp_path / "report-skeleton-2.png").is_file()


def test_observations_of_older_settings_are_left_out(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    for number in range(6):
        older = {"fingerprint": "older"} if number < 2 else {}
        write_observation(run, rendered(number, **older), Pictures())
    note_results(tmp_path, tmp_path)
    collected = collect(tmp_path)
    assert len(collected.photos) == 4
    assert collected.other_detectors == 2
    assert "2 older observations" in reported(tmp_path)


def test_nobody_anywhere_gives_a_report_that_says_so(tmp_path: Path) -> None:
    nobody = rendered(0, pose=None, world=None, evidence=None, meta={})
    write_observation(RunDirectory(tmp_path), nobody, Pictures())
    text = reported(tmp_path)
    assert "No photo has counted yet" in text
    assert "No photo shows a pose." in text


@pytest.mark.parametrize(
    ("file", "content", "hint"),
    [
        (None, "", "observations"),
        ("observations/a.json", "{}", "observations/a.json"),
        ("phase1_summary.json", "[", "phase1_summary.json"),
        ("phase1_summary.json", '{"rejected": [1]}', "phase1_summary.json"),
        ("phase1_summary.json", '{"settings": "x"}', "phase1_summary.json"),
    ],
)
def test_a_damaged_run_is_named(tmp_path: Path, file: str | None, content: str, hint: str) -> None:
    if file is not None:
        write_rendered_run(tmp_path, 1)
        (tmp_path / file).write_text(content)
    result = CliRunner().invoke(report, [str(tmp_path)])
    assert result.exit_code == 1
    assert hint in result.output
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("command", ["report", "review", "export"])
def test_a_file_whose_evidence_no_photo_gives_is_named(tmp_path: Path, command: str) -> None:
    write_rendered_run(tmp_path, 3)
    (file, *_) = sorted((tmp_path / "observations").iterdir())
    document = json.loads(file.read_text())
    del document["sha256"]  # as in files of 1.0
    document["avatarrig"]["evidence"]["information"] = [1 << 32] * 22
    file.write_text(json.dumps(document))
    result = CliRunner().invoke(avatarrig, [command, str(tmp_path)])
    assert result.exit_code == 1
    assert f"{file}: evidence says more than one photo can: delete it" in result.output


def test_the_best_photos_come_first(run: Path) -> None:
    collected: Collected = collect(run)
    scores = [photo.score for photo in collected.best]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == PHOTOS
    assert list(collected.excluded) == ["no_person"]


def test_each_photo_has_a_command_that_does_something(tmp_path: Path) -> None:
    """Nothing has a photo of nobody count."""
    write_rendered_run(tmp_path / "run", 2)
    nobody = rendered(2, pose=None, world=None, evidence=None, meta={})
    unsure = rendered(3, excluded=Exclusion.UNSURE.words)
    for number, seen in enumerate((nobody, unsure), 2):
        write_observation(RunDirectory(tmp_path / "run"), seen, Pictures())
        target = tmp_path / "photos" / seen.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEMO / f"{number:03}.jpg", target)
    note_results(tmp_path / "run", tmp_path / "photos")
    text = reported(tmp_path / "run")
    for verb, seen in (("exclude", nobody), ("include", unsure)):
        assert f"avatarrig {verb} {tmp_path / 'run'} '{seen.path}'</code>" in html.unescape(text)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    digits = colour.removeprefix("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    shares = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("words", ["ink", "soft", "accent", "good", "poor"])
def test_words_stand_out_from_what_is_behind_them(scheme: int, words: str) -> None:
    style = (resources.files("avatarrig.report") / "templates" / "report.css").read_text()
    palette = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--(\w+): (#\w+);", palette))
    for behind in ("paper", "card"):
        darker, lighter = sorted((luminance(colours[words]), luminance(colours[behind])))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5
