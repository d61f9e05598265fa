"""Folders for photos on their way: deleted in the end, also those of processes that were killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avatarrig.process.scratch import scratch_folder

HOLDER = """
import sys, time
from pathlib import Path
from avatarrig.process.scratch import scratch_folder
with scratch_folder("photos", Path(sys.argv[1])) as folder:
    (folder / "1.photo").write_bytes(b"a photo")
    print(folder, flush=True)
    time.sleep(600)
"""


def age(folder: Path) -> None:
    hour_ago = time.time() - 3600
    os.utime(folder, (hour_ago, hour_ago))


def test_the_folder_is_there_meanwhile_and_gone_afterwards(tmp_path: Path) -> None:
    with scratch_folder("photos", tmp_path) as folder:
        (folder / "1.photo").write_bytes(b"a photo")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_killed_process_is_deleted_and_that_of_a_living_one_is_kept(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        held = Path(holder.stdout.readline().strip())
        age(held)
        with scratch_folder("photos", tmp_path):
            assert (held / "1.photo").is_file()
        holder.kill()
    assert held.is_dir()
    age(held)
    with scratch_folder("photos", tmp_path):
        assert not held.exists()


def test_what_is_young_linked_or_called_otherwise_is_kept(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    young = tmp_path / "avatarrig-photos-young"
    other, other_use = tmp_path / "other", tmp_path / "avatarrig-tables-of-an-aggregator"
    for folder in (elsewhere, young, other, other_use):
        folder.mkdir()
    link = tmp_path / "avatarrig-photos-link"
    link.symlink_to(elsewhere, target_is_directory=True)
    age(other)
    age(other_use)
    age(elsewhere)
    with scratch_folder("photos", tmp_path):
        pass
    assert all(path.is_dir() for path in (elsewhere, young, other, other_use, link))
    assert list(elsewhere.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of files here")
def test_what_belongs_to_somebody_else_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "avatarrig-photos-theirs"
    theirs.mkdir()
    age(theirs)
    monkeypatch.setattr(os, "getuid", lambda: theirs.stat().st_uid + 1)
    with scratch_folder("photos", tmp_path):
        assert theirs.is_dir()
