"""What the page is made of: drawings, figures, files; nothing foreign gets in unescaped."""

from __future__ import annotations

import functools
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.body.estimates import said
from support.pictures import damaged_pngs
from support.references import reference
from support.rendered import rendered
from support.wire.sightings import sighted

from avatarrig.body.estimate import EstimateOptions, estimate
from avatarrig.body.sums.tally import Tally
from avatarrig.page.album import Album
from avatarrig.page.content import CHARTED, Content
from avatarrig.page.downloads import DownloadRefusedError, download
from avatarrig.page.thumbnails import Thumbnails
from avatarrig.pictures.svg import describe, pose_svg, t_pose_svg
from avatarrig.views import Board
from avatarrig.views.catalogue import Catalogue
from avatarrig.views.cataloguing import Reached
from avatarrig.wire import Reject, SkeletonRecord, encode
from avatarrig.wire.estimate import Status
from avatarrig.wire.history import history_of
from avatarrig.wire.reasons import RejectReason

NOW = 1.76e9
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "\"><script>alert(1)</script>&'"


@functools.cache
def record(photos: int, subject: str = "anna", at: float = NOW) -> SkeletonRecord:
    tally = Tally.empty()
    for number in range(photos):
        tally.add(rendered(number, subject=subject))
    options = EstimateOptions(window_days=7)
    return SkeletonRecord(
        subject=subject,
        fingerprint="f",
        applied={},
        observations=photos,
        estimate=estimate(tally, subject=subject, options=options),
        estimated_at=at,
    )


def parsed(svg: str) -> ET.Element:
    root = ET.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    return root


def classes(root: ET.Element) -> list[str]:
    return [part.get("class", "") for part in root.iter()]


def test_who_compares_is_told_of_either_ones_new_estimate() -> None:
    board = Board()
    views = SimpleNamespace(snapshot=board.snapshot, trouble="")
    look = Content(cast("Any", views), cast("Any", None)).follow_estimates(["anna", "ben"])
    told = []
    for name, at in (("anna", 1.0), ("ben", 2.0)):
        board.note(record(5, name, at))
        told.append(json.loads(look())["estimated_at"])
    assert told == [[1.0, None], [1.0, 2.0]]


# Drawings.


def test_a_t_pose_has_every_bone_with_its_figures() -> None:
    made = record(30).estimate
    root = parsed(t_pose_svg(made))
    bones = [group for group in root.iter(f"{SVG}g") if group.get("data-bone")]
    assert {bone.get("data-bone") for bone in bones} == set(made.stats) - {"wingspan_est"}
    thigh = next(bone for bone in bones if bone.get("data-bone") == "upper_leg_L")
    words = thigh.get("aria-label") or ""
    assert words.startswith(f"thigh, left: {made.stats['upper_leg_L'].value:.3f}")
    assert "90 % interval" in words
    assert "against right" in words
    assert thigh.get("tabindex") == "0"
    assert thigh.find(f"{SVG}rect[@class='band']") is not None
    assert "stable" in (thigh.get("class") or "")


def test_the_person_s_left_is_on_the_right() -> None:
    root = parsed(t_pose_svg(record(30).estimate))
    lines = {
        group.get("data-bone"): group.find(f"{SVG}line")
        for group in root.iter(f"{SVG}g")
        if group.get("data-bone")
    }
    left, right = lines["lower_arm_L"], lines["lower_arm_R"]
    assert left is not None
    assert right is not None
    assert float(left.get("x2", 0)) > 0 > float(right.get("x2", 0))


def test_a_small_t_pose_has_no_words() -> None:
    root = parsed(t_pose_svg(record(30).estimate, small=True))
    assert not list(root.iter(f"{SVG}text"))
    assert root.get("aria-hidden") == "true"


def test_nothing_known_is_a_sketch() -> None:
    root = parsed(t_pose_svg(said()))
    assert any("insufficient" in name for name in classes(root))
    assert not any("stable" in name for name in classes(root))
    assert describe("hip_width", said()) == "hips: no photo shows it yet"


def test_a_hostile_status_is_no_class() -> None:
    made = said({"hip_width": 0.6, "upper_leg_L": 1.2}, status=cast("Status", HOSTILE))
    svg = t_pose_svg(made)
    parsed(svg)
    assert "<script" not in svg


def test_a_pose_shows_sides_and_certainty() -> None:
    pose = rendered(3).pose
    assert pose is not None
    svg = pose_svg(pose.unpack(), 640, 960, label=HOSTILE)
    root = parsed(svg)
    assert root.get("aria-label") == HOSTILE
    parsed(pose_svg(pose.unpack(), 640, 960, label="\0\x1b[2J\ufffe"))
    names = {part for name in classes(root) for part in name.split()}
    assert {"left", "right", "middle", "sure"} <= names
    assert root.get("viewBox") == "0 0 600 900.0"


@given(st.integers(0, 2**32 - 1))
def test_any_numbers_can_be_drawn(seed: int) -> None:
    random = np.random.default_rng(seed)
    wild = random.choice(np.array([0.5, 1e30, np.nan, np.inf, 0.2, 0.9], np.float32), (33, 5))
    svg = pose_svg(wild, 0, 7, label="")
    parsed(svg)
    assert "nan" not in svg
    assert "inf" not in svg


# Content.


class Photos:
    """Photos that are looked up in a catalogue that was read."""

    def __init__(self) -> None:
        self.catalogue = Catalogue()

    @property
    def version(self) -> int:
        return self.catalogue.version

    def ask(self) -> tuple[Catalogue, Reached]:
        return self.catalogue, Reached(1, 1)


def content(*roots: str, subject: str = "anna") -> tuple[Content, Board]:
    board = Board()
    for photos in (5, 20, 30):
        latest = record(photos, subject, NOW + photos)
        board.note(latest)
        board.note(history_of(latest))
    board.note(sighted(encode(rendered(7, subject=subject, observed_at=NOW))))
    views = SimpleNamespace(snapshot=board.snapshot, trouble="")
    album = Album(Photos(), Thumbnails(roots))
    return Content(cast("Any", views), album), board


def test_the_history_is_sent_once_and_then_what_is_new() -> None:
    page, board = content()
    look = page.follow("anna")
    first = json.loads(look() or "")
    assert first["history"]["anew"]
    assert len(first["history"]["at"]) == 3
    assert first["history"]["ratios"].keys() == set(CHARTED)
    again = json.loads(look() or "")
    assert again["history"] == {"anew": False, "at": [], "used": [], "ratios": {}}
    board.note(history_of(record(30, at=NOW + 99)))
    new = json.loads(look() or "")["history"]
    assert (new["anew"], new["at"]) == (False, [NOW + 99])
    value, low, high, window = new["ratios"]["hip_width"][0]
    assert low < value < high
    assert window is not None
    other = json.loads(page.follow("anna")() or "")
    assert len(other["history"]["at"]) == 4, "each browser gets all of it"


def test_the_figures_are_those_of_the_estimate() -> None:
    page, board = content()
    shown = json.loads(page.follow("anna")() or "")
    latest = board.snapshot().subjects["anna"].record
    assert latest is not None
    assert shown["observations"] == 30
    assert {bone["key"]: bone["value"] for bone in shown["bones"]} == {
        key: bone.value for key, bone in latest.estimate.stats.items()
    }
    assert shown["window"]["days"] == 7
    assert {side["label"] for side in shown["asymmetry"]} >= {"thigh", "shank"}


def test_a_subject_that_is_not_known_is_no_fault() -> None:
    page, _ = content()
    assert json.loads(page.follow("nobody")() or "")["known"] is False
    assert page.estimate("nobody") is None


def test_the_overview_lists_everybody() -> None:
    page, board = content()
    board.note(record(5, HOSTILE))
    shown = json.loads(page.overview())
    assert {subject["name"] for subject in shown["subjects"]} == {"anna", HOSTILE}
    assert shown["stream"]["observed"] == 35


def test_a_subjects_page_tells_of_that_subject_alone() -> None:
    page, board = content()
    for subject, reason in (("anna", "too_large"), ("ben", "crashed")):
        photo = reference(f"of-{subject}.jpg", subject=subject)
        board.note(Reject(reason=reason, message="m", attempts=3, rejected_at=NOW, reference=photo))
    board.note(record(20, "ben"))
    shown = json.loads(page.follow("anna")() or "")["stream"]
    assert [reject["path"] for reject in shown["rejects"]] == ["of-anna.jpg"]
    assert (shown["observed"], shown["rejected"]) == (30, 1)
    assert shown["reasons"] == [[RejectReason.TOO_LARGE.words, 1]]
    everybody = json.loads(page.overview())["stream"]
    assert (everybody["observed"], everybody["rejected"]) == (50, 2)


# Files.


@pytest.mark.parametrize(
    ("kind", "begins"),
    [("json", b"{"), ("glb", b"glTF"), ("bvh", b"HIERARCHY"), ("png", b"\x89PNG")],
)
def test_each_kind_of_file_is_made(kind: str, begins: bytes) -> None:
    file = download(kind, "anna", record(20).estimate, {"height": "1,72", "names": "unity"})
    assert file.data.startswith(begins)
    assert file.disposition.startswith(f'attachment; filename="anna.{kind}"')


@pytest.mark.parametrize(
    "name", [HOSTILE, "../../etc/passwd", 'a"; x="\r\nSet-Cookie: a=b', "人", ""]
)
def test_a_hostile_name_names_a_harmless_file(name: str) -> None:
    file = download("json", name, record(3).estimate, {})
    assert file.disposition.isascii()
    assert not set(file.disposition) & set("\r\n\\<>")
    assert file.disposition.count('"') == 2
    assert "/" not in file.disposition


@pytest.mark.parametrize(
    ("asked", "words"),
    [({"height": "tall"}, "no height"), ({"height": "17"}, "2.8"), ({"names": "x"}, "vrm")],
)
def test_what_cannot_be_asked_for_is_said(asked: dict[str, str], words: str) -> None:
    with pytest.raises(DownloadRefusedError, match=words):
        download("glb", "anna", record(20).estimate, asked)


def test_an_empty_estimate_is_no_armature() -> None:
    with pytest.raises(DownloadRefusedError, match="empty"):
        download("glb", "anna", record(0).estimate, {})


# Overlays.


def test_overlays_are_found_in_allowed_folders_alone(tmp_path: Path) -> None:
    overlays = tmp_path / "run" / "overlays"
    overlays.mkdir(parents=True)
    Image.new("RGB", (960, 640)).save(overlays / "seen-1.png")
    Image.new("RGB", (9, 9)).save(tmp_path / "secret.png")
    (overlays / "link.png").symlink_to(tmp_path / "secret.png")
    (overlays / "round.png").symlink_to(overlays / "round.png")
    (overlays / "folder.png").mkdir()
    (overlays / "half.png").write_bytes((overlays / "seen-1.png").read_bytes()[:60])
    allowed = Thumbnails([str(tmp_path / "run")])
    picture = allowed.read("seen-1")
    assert picture is not None
    assert picture.startswith(b"\xff\xd8"), "JPEG"
    for name in ("link", "round", "folder", "missing", "../../secret", "", "seen-1\0", "a/b"):
        assert not allowed.has(name)
        assert allowed.read(name) is None
    assert allowed.read("half") is None, "it is still being written"
    assert not Thumbnails([]).has("seen-1")


@pytest.mark.parametrize("wrong", damaged_pngs())
def test_an_overlay_that_is_damaged_is_like_none(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "seen-1.png").write_bytes(damaged_pngs()[wrong])
    assert Thumbnails([str(tmp_path)]).read("seen-1") is None
