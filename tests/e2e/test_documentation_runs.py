"""The tutorial, and the guides that go on from it, typed line by line into a shell."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.avatar.avatars import Recipe, build
from support.cli.documentation import ROOT, Block, blocks
from support.command import DEMO

from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.runs import RunDirectory

SECONDS = 240
DOCS = ROOT / "docs"
PHOTOS = ("000", "001", "010", "020")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a checkout, with a few of the demo's photos."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "inputs" / "datasets" / "Demo").mkdir(parents=True)
    (folder / "inputs" / "datasets" / "TestRun1").mkdir()
    (folder / "scripts").symlink_to(ROOT / "scripts")
    (folder / "inputs/datasets/Demo/004.jpg").write_text("no photo, so that there is a reject")
    for name in PHOTOS:
        shutil.copy(DEMO / f"{name}.jpg", folder / "inputs" / "datasets" / "Demo")
    shutil.copy(DEMO / "001.jpg", folder / "inputs" / "datasets" / "TestRun1")
    (folder / "my-avatar.vrm").write_bytes(build(Recipe(vrm="1.0", scheme="vroid")))
    return folder


def type_in(block: Block, folder: Path) -> None:
    """Runs a block as a shell does, and stops at the first command that fails."""
    run(["/bin/sh", "-eu", "-c", block.code], f"{block.page}:{block.line}", folder)


def run(command: Sequence[str], where: str, folder: Path) -> None:
    process = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert process.returncode == 0, (where, process.stdout, process.stderr)


def runnable(page: Path) -> list[Block]:
    return [block for block in blocks(page, "sh") if not block.not_run]


@pytest.fixture(scope="module")
def anna(checkout: Path) -> Path:
    """The run that the tutorial leaves."""
    for block in runnable(DOCS / "tutorial.md"):
        type_in(block, checkout)
    return checkout / "outputs" / "runs" / "Anna"


def test_the_tutorial_leads_from_photos_to_an_avatar(anna: Path) -> None:
    left = {file.name for file in anna.iterdir()}
    assert {"overlays", "report.html", "skeleton.glb", "skeleton.bvh", "unity.json"} <= left
    assert {"body.vrm", "body.mhm", "me.vrm", "me-before-after.png"} <= left
    assert {"my-avatar-fitted.vrm", "my-avatar-fitted-before-after.png"} <= left
    assert len(list((anna / "observations").iterdir())) == len(PHOTOS)


@pytest.mark.parametrize("page", ["how-to/calibrate.md", "how-to/scale-out.md", "how-to/secure.md"])
def test_guides_go_on_from_the_tutorial(page: str, anna: Path, checkout: Path) -> None:
    for block in runnable(DOCS / page):
        type_in(block, checkout)


def test_questions_to_a_run_are_answered(anna: Path, checkout: Path) -> None:
    with EmbeddedBroker(RunDirectory(anna).broker):  # once for all of them
        for block in runnable(DOCS / "operations.md"):
            type_in(block, checkout)


def test_examples_in_python_run_on_a_real_run(anna: Path, checkout: Path) -> None:
    (anna.parent / "Demo").symlink_to(anna)
    for block in blocks(DOCS / "how-to" / "notebook.md", "python"):
        run([sys.executable, "-c", block.code], f"{block.page}:{block.line}", checkout)


def test_the_prototypes_lines_run(checkout: Path) -> None:
    (line,) = (
        words
        for block in blocks(ROOT / "README.md", "sh")
        for words in block.commands
        if words[:2] == ["avatarrig", "./inputs/datasets/TestRun1"]
    )
    run(line, "README.md", checkout)
    script = [sys.executable, "scripts/calibrate_thresholds.py", "outputs/runs/TestRun1"]
    run([*script, "--report", "report.txt"], shlex.join(script), checkout)
