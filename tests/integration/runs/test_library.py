"""AvatarRig as a library: pleasant in a notebook, without a broker or a detector."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from support.rendered import PHOTOS, rendered, write_rendered_run

from avatarrig import Estimator, load_run
from avatarrig.body.evidence.counting import Counted, judge
from avatarrig.body.landmarks import POSE_LANDMARK_NAMES
from avatarrig.body.ratios import RATIO_KEYS
from avatarrig.errors import MissingExtraError
from avatarrig.runs import Pictures, RunDirectory, write_observation
from avatarrig.wire import Observation

ROOT = Path(__file__).parents[3]
ROOMS = ("avatarrig", "producers", "processors", "aggregators")
KNOWN = ("image_id", "captured_at", "found_at", "left_out", "length_torso_length", "people")
DOCUMENTED = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for room in ROOMS
    for file in (ROOT / room).rglob("*.py")
    if ">>>" in file.read_text()
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory that holds the run outputs/runs/Demo."""
    folder = tmp_path_factory.mktemp("notebook")
    write_rendered_run(folder / "outputs" / "runs" / "Demo")
    return folder


@pytest.fixture
def demo(folder: Path) -> Path:
    return folder / "outputs" / "runs" / "Demo"


def nobody(number: int) -> Observation:
    return rendered(number, pose=None, world=None, evidence=None)


def in_a_fresh_python(code: str, folder: Path) -> str:
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return process.stdout


@pytest.mark.parametrize("module", DOCUMENTED)
def test_examples_in_docstrings_are_true(
    module: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


def test_estimating_from_a_run_loads_neither_kafka_nor_mediapipe(folder: Path) -> None:
    code = """
import sys
from avatarrig import Estimator, load_run
half = [Estimator(), Estimator()]
for number, observation in enumerate(load_run("outputs/runs/Demo")):
    half[number % 2].update(observation)
(half[0] + half[1]).estimate().to_document()
load_run("outputs/runs/Demo").frame()
print(*{name.partition(".")[0] for name in sys.modules})
"""
    loaded = set(in_a_fresh_python(code, folder).split())
    assert {"avatarrig", "polars"} <= loaded
    assert not loaded & {"kafka", "aiokafka", "faust", "mediapipe", "cv2", "aiohttp", "click"}


def test_without_polars_the_extra_is_named(folder: Path) -> None:
    code = """
import sys
sys.modules["polars"] = None
from avatarrig import load_run
from avatarrig.errors import MissingExtraError
run = load_run("outputs/runs/Demo")
for table in (run.frame, run.landmarks):
    try:
        table()
    except MissingExtraError as error:
        print(error)
"""
    lines = in_a_fresh_python(code, folder).splitlines()
    assert len(lines) == 2
    assert all("avatarrig[frame]" in line for line in lines)
    assert issubclass(MissingExtraError, ImportError)


def test_the_frame_has_a_row_for_each_photo_with_quality_and_lengths(demo: Path) -> None:
    import polars as pl

    run = load_run(demo)
    frame = run.frame()
    assert len(run) == frame.height == PHOTOS
    assert frame["image_id"].to_list() == [seen.image_id for seen in run]
    assert {f"length_{key}" for key in RATIO_KEYS} <= set(frame.columns)
    first = next(iter(run))
    assert frame["pose_score"][0] == first.meta["pose_score"]
    assert frame["captured_at"][0].timestamp() == first.captured_at
    assert frame.filter(pl.col("counts")).height == sum(
        isinstance(judge(seen), Counted) for seen in run
    )
    assert frame["length_torso_length"].is_not_null().any()


def test_a_run_without_anybody_has_the_same_columns(tmp_path: Path, demo: Path) -> None:
    run = RunDirectory(tmp_path)
    for number in range(3):
        write_observation(run, nobody(number), Pictures())
    frame = load_run(tmp_path).frame()
    assert frame["left_out"].to_list() == ["no_person"] * 3
    assert frame.select(KNOWN).schema == load_run(demo).frame().select(KNOWN).schema
    assert load_run(tmp_path).landmarks().schema == load_run(demo).landmarks().schema


def test_a_row_without_a_value_first_does_not_decide_the_type(tmp_path: Path) -> None:
    import polars as pl

    run = RunDirectory(tmp_path)
    for number in range(200):
        write_observation(run, nobody(number), Pictures())
    late = msgspec.structs.replace(rendered(0), image_id="z")
    write_observation(run, late, Pictures())
    assert load_run(tmp_path).frame()["length_torso_length"].dtype == pl.Float64


def test_landmarks_come_one_a_row(demo: Path) -> None:
    landmarks = load_run(demo).landmarks()
    assert landmarks.height == PHOTOS * len(POSE_LANDMARK_NAMES)
    first = next(iter(load_run(demo)))
    assert first.pose is not None
    assert first.world is not None
    wrist = landmarks.filter(image_id=first.image_id, landmark="left_wrist").row(0, named=True)
    assert wrist["visibility"] == first.pose.unpack()[15, 3]
    assert wrist["world_y"] == first.world.unpack()[15, 1]


def test_what_is_no_run_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no run directory"):
        load_run(tmp_path)


def test_estimators_add_up_to_one_that_saw_everything(demo: Path) -> None:
    whole, parts = Estimator(), [Estimator(), Estimator(), Estimator()]
    for number, seen in enumerate(load_run(demo)):
        whole.update(seen)
        parts[number % 3].update(seen)
    assert (parts[2] + parts[0] + parts[1]).estimate() == whole.estimate()
