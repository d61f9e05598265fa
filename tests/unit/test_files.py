"""Whatever lies in a file's place: nobody waits for a pipe, nor reads a device to its end."""

from __future__ import annotations

import ast
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from avatarrig.files import MOST_BYTES, make_way, open_to_append, opened, read_file

ROOT = Path(__file__).parents[2]

NAMED_BY_THE_USER = {
    "avatarrig/cli/commands/fit.py",  # --map <(jq …)
    "avatarrig/cli/options/kafka.py",  # --password-file <(pass …)
    "avatarrig/cli/options/settings_file.py",  # --config
    "avatarrig/report/calibration/labels.py",  # --labels
}
"""Whoever names a pipe wants it read."""
SHIPPED_OR_FETCHED = {
    "avatarrig/body/advice.py",
    "avatarrig/body/evidence/learned.py",
    "avatarrig/body/population/further.py",
    "avatarrig/detectors/faces/embedding.py",
    "avatarrig/detectors/faces/finding.py",
    "avatarrig/detectors/fetching/models.py",
    "avatarrig/kafka/embedded/jars.py",
    "avatarrig/kafka/embedded/java.py",
}
"""Files of the product itself, or checked by hash before."""
LOOKED_AT_BEFORE = {
    "avatarrig/page/editing/access.py",  # makes its own folder anew at each start
    "avatarrig/page/editing/inbox.py",  # has written the file itself
    "avatarrig/kafka/embedded/guard.py",  # stands alone; its parent has made way
    "avatarrig/kafka/embedded/storage.py",  # what this process has just made
    "avatarrig/process/supervision.py",  # /dev/null
    "producers/bucket.py",  # of a store
}


def a_pipe(file: Path) -> None:
    os.mkfifo(file)


def an_endless_device(file: Path) -> None:
    file.symlink_to("/dev/zero")


def a_link_to_itself(file: Path) -> None:
    file.symlink_to(file.name)


ODD: tuple[Callable[[Path], None], ...] = (
    a_pipe,
    an_endless_device,
    a_link_to_itself,
    lambda file: file.mkdir(),
)


@pytest.mark.parametrize("put", ODD)
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, put: Callable[[Path], None]) -> None:
    file = tmp_path / "run.json"
    put(file)
    with pytest.raises(OSError, match=r"run\.json") as caught:
        read_file(file)
    assert Path(str(caught.value.filename)) == file
    assert caught.value.strerror


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "index.jsonl"
    file.touch()
    os.truncate(file, MOST_BYTES + 1)  # takes no room on the disk
    with pytest.raises(OSError, match="it is larger than") as caught:
        read_file(file)
    assert caught.value.errno == errno.EFBIG
    file.write_bytes(b"12345")
    assert read_file(file, most=5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_file(file, most=4)


def test_a_link_is_followed_but_where_it_must_not_be(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"kept")
    link = tmp_path / "link"
    link.symlink_to("a")
    assert read_file(link) == b"kept"
    with pytest.raises(OSError, match="symbolic"), opened(link, follow=False):
        pass


@pytest.mark.parametrize("put", ODD)
def test_a_log_takes_the_place_of_what_is_none(tmp_path: Path, put: Callable[[Path], None]) -> None:
    file = tmp_path / "run.log"
    put(file)
    if put is an_endless_device:  # somebody's wish, which is said and left
        with pytest.raises(IsADirectoryError):
            open_to_append(file)
        return
    for _ in range(2):
        with open_to_append(file) as log:
            log.write(b"line\n")
    assert file.read_bytes() == b"line\nline\n"


def test_way_is_made_only_where_nothing_is_lost(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(b"x")
    link = tmp_path / "link"
    link.symlink_to("kept")
    full = tmp_path / "full"
    full.mkdir()
    (full / "in it").touch()
    for each in (kept, link, full, tmp_path / "nothing"):
        make_way(each)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["full", "kept", "link"]
    assert (full / "in it").exists()


def test_no_room_reads_files_but_by_that(tmp_path: Path) -> None:
    """What is read otherwise is read on purpose: each such file stands above with its reason."""
    known = NAMED_BY_THE_USER | SHIPPED_OR_FETCHED | LOOKED_AT_BEFORE
    found = {str(file.relative_to(ROOT)) for file in _sources() if _reads(file)}
    assert found == known
    probe = tmp_path / "probe.py"
    probe.write_text("from pathlib import Path\nPath('x').read_bytes()\n")
    assert _reads(probe)


def _sources() -> Iterator[Path]:
    for package in ("avatarrig", "producers", "processors", "aggregators"):
        for file in (ROOT / package).rglob("*.py"):
            if "avatar" not in file.relative_to(ROOT).parts:  # avatars, which the user names
                yield file


def _reads(file: Path) -> bool:
    """Whether code opens a file to read it, or to write at its end."""
    calls = (node for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.Call))
    for call in calls:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        mode = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
        if name in {"read_bytes", "read_text"}:
            return True
        if name == "open" and mode and str(mode[0])[:1] in {"r", "a"}:
            return True
    return False
