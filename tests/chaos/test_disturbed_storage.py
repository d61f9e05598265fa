"""The disk is full: the run stops with clear words, and the same command resumes."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil
import pytest
from support.cli.disturbed import (
    Disturbed,
    Flock,
    assert_whole,
    wait_until_gone,
)
from support.cli.paced_command import LARGEST_FILE
from support.command import Result

pytestmark = pytest.mark.broker


def test_files_that_do_not_fit_stop_the_run_and_the_same_command_resumes(
    flock: Flock, undisturbed: Result, start: Callable[..., Disturbed]
) -> None:
    start(flock.photos, "--max-images", "100").result()
    assert_stopped_for_space(start(flock.photos, environment={LARGEST_FILE: "1000"}))
    assert_whole(start(flock.photos).result(), undisturbed)


def assert_stopped_for_space(run: Disturbed) -> None:
    family: list[psutil.Process] = []
    while run.process.poll() is None:
        family = run.family() or family
        time.sleep(0.1)
    assert run.end() == 1
    assert "no space left: free some and run the same command again" in run.errors()
    assert "Traceback" not in run.errors()
    assert run.observed() >= 100
    for file in run.run.observations.iterdir():
        assert file.suffix == ".json"
        msgspec.json.decode(file.read_bytes())
    wait_until_gone(family)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of a few bytes; only an administrator may mount one."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def may_mount() -> bool:
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


if may_mount():

    def test_a_full_disk_stops_the_run_and_the_same_command_resumes(
        flock: Flock, undisturbed: Result, start: Callable[..., Disturbed], tmp_path: Path
    ) -> None:
        observations = tmp_path / "run" / "observations"
        with small_disk(observations, "3m"):
            assert_stopped_for_space(start(flock.photos))
            subprocess.run(["mount", "-o", "remount,size=64m", observations], check=True)
            assert_whole(start(flock.photos).result(), undisturbed)
