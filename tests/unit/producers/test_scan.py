"""A dataset's photos are found once each, in the same order, whatever their names."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.texts import texts

from avatarrig.photos.formats import PHOTO_SUFFIXES
from avatarrig.photos.passed_over import FileCounts
from producers.scan import DatasetError, FoundPhoto, look_at, scan


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"photo")


def paths(root: Path) -> list[str]:
    return [photo.path for photo in scan(root)]


def only(root: Path) -> FoundPhoto:
    (photo,) = scan(root)
    return photo


@pytest.mark.parametrize("suffix", sorted(PHOTO_SUFFIXES))
def test_every_photo_suffix_is_found_in_any_case(tmp_path: Path, suffix: str) -> None:
    make(tmp_path, f"a{suffix}", f"b{suffix.upper()}")
    assert paths(tmp_path) == [f"a{suffix}", f"b{suffix.upper()}"]


def test_folders_are_walked_as_deep_as_they_go(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 300)
    make(tmp_path, f"{deep}/x.jpg", "b/2.jpg", "b/10.jpg", "a.jpg", "b.jpg")
    assert paths(tmp_path) == ["a.jpg", "b.jpg", "b/10.jpg", "b/2.jpg", f"{deep}/x.jpg"]


def test_what_is_no_photo_is_ignored(tmp_path: Path) -> None:
    make(
        tmp_path,
        "notes.txt",
        "jpg",
        "x.jpg.part",
        ".DS_Store",
        "._x.jpg",
        ".hidden.jpg",
        "Thumbs.db",
        "@eaDir/x.jpg/SYNOPHOTO_THUMB_M.jpg",
        "@Recycle/x.jpg",
        "#recycle/x.jpg",
        ".Trashes/501/x.jpg",
        "lost+found/x.jpg",
        ".@__thumb/x.jpg",
        "Photos Previews.lrdata/x.jpg",
        "__MACOSX/x.jpg",
        ".cache/x.jpg",
    )
    assert paths(tmp_path) == []


def test_a_hidden_folder_may_be_the_dataset_itself(tmp_path: Path) -> None:
    make(tmp_path, ".photos/x.jpg")
    assert paths(tmp_path / ".photos") == ["x.jpg"]


def test_folders_that_are_left_out_are_not_looked_into(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "run/overlays/a.png")
    assert [photo.path for photo in scan(tmp_path, leave_out=[tmp_path / "run"])] == ["a.jpg"]


NAMES = (
    texts(without="/\0", or_points=(0xDC80, 0xDCFF), min_size=1, max_size=40)
    .map(lambda name: os.fsdecode(os.fsencode(name)))
    .filter(lambda name: len(os.fsencode(name)) < 200)
)


@given(st.lists(NAMES, unique=True, max_size=6))
def test_any_name_is_found_as_it_is(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        expected = {f"p{name}.jpg" for name in names}
        for name in expected:
            (Path(folder) / name).write_bytes(b"photo")
        found = list(scan(Path(folder)))
    assert {photo.path for photo in found} == expected
    assert len(found) == len(expected)
    assert [photo.path for photo in found] == sorted(expected, key=os.fsencode)
    for photo in found:
        photo.printable_path.encode()


def test_bytes_that_are_no_text_stay_readable(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"photo")
    assert only(tmp_path).printable_path == r"caf\xe9.jpg"


def test_a_folder_by_a_photos_name_is_reported_and_looked_into(tmp_path: Path) -> None:
    make(tmp_path, "x.jpg/y.png")
    folder, inside = scan(tmp_path)
    assert folder.problem is not None
    assert folder.problem.reason == "not_a_file"
    assert (inside.path, inside.problem) == ("x.jpg/y.png", None)


def test_a_broken_link_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").symlink_to("nowhere.jpg")
    problem = only(tmp_path).problem
    assert problem is not None
    assert problem.reason == "missing"


def test_a_link_that_goes_in_circles_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").symlink_to("x.jpg")
    assert only(tmp_path).problem is not None


def test_a_pipe_and_a_socket_are_reported_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.jpg")
        reasons = [photo.problem.reason for photo in scan(tmp_path) if photo.problem]
    assert reasons == ["not_a_file", "not_a_file"]


def test_no_link_leads_out_of_the_dataset(tmp_path: Path) -> None:
    make(tmp_path, "outside/secret.jpg", "dataset/a.jpg")
    dataset = tmp_path / "dataset"
    (dataset / "link.jpg").symlink_to(tmp_path / "outside" / "secret.jpg")
    (dataset / "folder").symlink_to(tmp_path / "outside")
    photo, *links = scan(dataset)
    assert (photo.path, photo.problem) == ("a.jpg", None)
    assert [link.path for link in links] == ["folder", "link.jpg"]
    assert {link.problem.reason for link in links if link.problem} == {"outside_roots"}


def test_everything_in_a_dataset_is_counted_and_named(tmp_path: Path) -> None:
    make(tmp_path, *(f"{number}.jpg" for number in range(6)), "a.dng", "b/b.NEF")
    make(tmp_path, "IMG_1.MOV", "IMG_1.aae")
    counts = FileCounts()
    assert len(list(scan(tmp_path, counts=counts))) == 8
    assert str(counts) == (
        "10 files: 8 photos (2 of them RAW), 1 video (IMG_1.MOV) and 1 sidecar passed over"
    )
    make(
        tmp_path, ".DS_Store", "notes.txt", "Thumbs.db", "c.mp4", "@Recycle/x.jpg", ".Trashes/y.jpg"
    )
    make(tmp_path, "run/overlays/a.png", "lost+found/z.jpg", "d/#recycle/z.jpg")
    (tmp_path / "again").symlink_to("b")
    counts = FileCounts()
    found = list(scan(tmp_path, leave_out=[tmp_path / "run"], counts=counts))
    assert len(found) == 8
    assert str(counts) == (
        "15 files: 8 photos (2 of them RAW), 2 videos (IMG_1.MOV, c.mp4), 1 sidecar, 1 link, "
        "1 hidden file, 1 system file, 1 other file and 4 hidden or system folders "
        "(#recycle, .Trashes, @Recycle, lost+found) passed over"
    )
    assert counts.to_document()["passed_over"]["video"] == 2


def test_nothing_but_photos_says_nothing_of_others(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")
    counts = FileCounts()
    list(scan(tmp_path, counts=counts))
    assert str(counts) == "1 file: 1 photo"


def test_links_within_the_dataset_count_a_photo_once(tmp_path: Path) -> None:
    make(tmp_path, "a/x.jpg")
    (tmp_path / "b.jpg").symlink_to("a/x.jpg")
    (tmp_path / "c").symlink_to("a")
    (tmp_path / "a" / "up").symlink_to("..")
    assert paths(tmp_path) == ["a/x.jpg"]


def test_a_photo_stored_under_no_photos_name_is_found_through_one_link(tmp_path: Path) -> None:
    make(tmp_path, ".objects/4f2a")
    (tmp_path / "x.jpg").symlink_to(".objects/4f2a")
    (tmp_path / "y.jpg").symlink_to(".objects/4f2a")
    assert paths(tmp_path) == ["x.jpg"]
    assert only(tmp_path).file == (tmp_path / ".objects" / "4f2a").resolve()


def test_a_dataset_may_be_reached_through_a_link(tmp_path: Path) -> None:
    make(tmp_path, "real/x.jpg")
    (tmp_path / "link").symlink_to("real")
    assert paths(tmp_path / "link") == ["x.jpg"]


@pytest.mark.parametrize(("name", "complaint"), [("nowhere", "does not exist"), ("f", "a file")])
def test_what_is_no_folder_is_refused_by_name(tmp_path: Path, name: str, complaint: str) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(DatasetError, match=f"{name}.*{complaint}"):
        list(scan(tmp_path / name))


def test_a_folder_that_may_not_be_listed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a/x.jpg", "b.jpg")
    listed = os.scandir

    def refuse(folder: Path) -> object:
        if folder.name == "a":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(os, "scandir", refuse)  # root, who may run this, may list everything
    photo, folder = scan(tmp_path)
    assert photo.path == "b.jpg"
    assert folder.problem is not None
    assert folder.problem.reason == "permission"


def test_a_link_whose_photo_is_removed_meanwhile_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, ".hidden.jpg")
    (tmp_path / "a.jpg").symlink_to(".hidden.jpg")
    look_up = Path.resolve

    def removed_after(self: Path, *, strict: bool = False) -> Path:
        found = look_up(self, strict=strict)
        if self.name == "a.jpg":
            found.unlink()
        return found

    monkeypatch.setattr(Path, "resolve", removed_after)
    photo = only(tmp_path)
    assert photo.problem is not None
    assert photo.problem.reason == "missing"


def test_a_folder_that_cannot_be_listed_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "locked/1.jpg")
    locked = tmp_path / "locked"
    list_folder = os.scandir
    with monkeypatch.context() as refused:

        def scandir(folder: Path) -> object:
            if folder == locked:
                raise PermissionError(errno.EACCES, "Permission denied", str(folder))
            return list_folder(folder)

        refused.setattr(os, "scandir", scandir)
        found = only(tmp_path)
        assert look_at(locked, tmp_path) == found
    assert look_at(locked, tmp_path) is None
    assert look_at(tmp_path / "gone", tmp_path) is None
