"""Frames of clips: which are chosen, how they are named, and that a clip is a file like others."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from avatarrig.photos.clips.address import clip_and_seconds, frame_of, is_clip_name
from avatarrig.photos.clips.began import clip_began
from avatarrig.photos.clips.frames import MOST_FRAMES, choose_frames, is_clip, read_frame
from avatarrig.photos.passed_over import FileCounts
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.wire import PhotoReference
from avatarrig.wire.reasons import RejectReason
from producers.content import read_found, wanted_suffixes
from producers.departures.presence import Presence
from producers.memory import Memory
from producers.references import Dataset, describe
from producers.scan import scan
from producers.settling import Stamp

RATE = 8
SIZE = (240, 160)


def picture(number: int) -> np.ndarray:
    """A picture like no other: a white block on grey, somewhere, and a fine pattern on it."""
    shown = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    left, top = 40 * (number % 5), 50 * (number // 5 % 3)
    shown[top : top + 50, left : left + 40] = 230
    shown[top : top + 50 : 4, left : left + 40] = 20
    return shown


def clip(file: Path, *pictures: int, blurred: bool = True) -> Path:
    """A clip that shows each picture for a second; only its third frame is sharp."""
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), RATE, SIZE)
    for number in pictures:
        for frame in range(RATE):
            shown = picture(number)
            is_sharp = frame == 2 or not blurred
            writer.write(shown if is_sharp else cv2.GaussianBlur(shown, (15, 15), 0))
    writer.release()
    return file


def published(folder: Path, dataset: Dataset) -> list[PhotoReference]:
    found = scan(folder, suffixes=wanted_suffixes(clips=True))
    records = describe(found, dataset, read_content=read_found, now=time.time)
    return [record for record in records if isinstance(record, PhotoReference)]


def test_the_sharpest_frame_of_each_new_pose_is_chosen(tmp_path: Path) -> None:
    chosen = choose_frames(clip(tmp_path / "a.mp4", 0, 1, 2))
    assert chosen == [0.25, 1.25, 2.25]


def test_who_stands_still_is_chosen_once(tmp_path: Path) -> None:
    assert len(choose_frames(clip(tmp_path / "a.mp4", 4, 4, 4, 4))) == 1


def test_of_a_long_clip_so_many_are_chosen_evenly(tmp_path: Path) -> None:
    file = clip(tmp_path / "a.mp4", *range(60), blurred=False)
    chosen = choose_frames(file)
    assert len(chosen) == MOST_FRAMES
    assert chosen[0] < 2
    assert chosen[-1] > 57


def test_a_frame_is_read_as_it_was_chosen(tmp_path: Path) -> None:
    file = clip(tmp_path / "a.mp4", 0, 7)
    data = read_frame(file, 1.25, 10**6)
    seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert seen is not None
    assert np.abs(seen.astype(int) - picture(7)).mean() < 8
    assert np.abs(seen.astype(int) - picture(0)).mean() > 8


@pytest.mark.parametrize("content", [b"", b"no clip at all", b"#EXTM3U\nfile:///etc/passwd\n"])
def test_what_is_no_clip_is_refused_and_nothing_it_names_is_opened(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(content)
    assert not is_clip(content)
    assert choose_frames(file) == []
    with pytest.raises(PhotoRefusedError) as refused:
        read_frame(file, 0.0, 10**6)
    assert refused.value.reason == RejectReason.UNREADABLE


def test_large_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoRefusedError) as refused:
        read_frame(clip(tmp_path / "a.mp4", 0), 0.0, 100)
    assert refused.value.reason == RejectReason.TOO_LARGE


def test_a_frame_has_a_name_of_its_own_and_the_clips_is_found_in_it() -> None:
    assert frame_of("b/a.mp4", 12.5) == "b/a.mp4#t=12.5"
    assert clip_and_seconds("b/a.mp4#t=12.5") == ("b/a.mp4", 12.5)
    assert clip_and_seconds("b/a#t=12.5.jpg") == ("b/a#t=12.5.jpg", None)
    assert clip_and_seconds("b/a.jpg#t=1") == ("b/a.jpg#t=1", None)
    assert is_clip_name("A.MOV")
    assert not is_clip_name("a.jpg")


def test_each_frame_is_a_photo_of_its_own_and_a_copy_of_the_clip_its_duplicate(
    tmp_path: Path,
) -> None:
    data = clip(tmp_path / "VID_20240305_101112.mp4", 0, 1).read_bytes()
    (tmp_path / "copy.mp4").write_bytes(data)
    first = published(tmp_path, Dataset(name="Anna"))
    assert [one.path for one in first] == [
        "VID_20240305_101112.mp4#t=0.25", "VID_20240305_101112.mp4#t=1.25",
        "copy.mp4#t=0.25", "copy.mp4#t=1.25",
    ]  # fmt: skip
    assert len({one.image_id for one in first}) == 4
    assert [one.duplicate_of for one in first] == [
        None, None, first[0].image_id, first[1].image_id
    ]  # fmt: skip
    assert first[0].captured_at is not None
    assert first[1].captured_at == first[0].captured_at + 1
    again = published(tmp_path, Dataset(name="Anna"))
    assert [one.image_id for one in again] == [one.image_id for one in first]


def test_a_clip_that_cannot_be_read_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "torn.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(5000))
    assert [one.path for one in published(tmp_path, Dataset(name="Anna"))] == ["torn.mp4#t=0"]


def test_a_clip_is_known_by_its_file(tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", 0, 1)
    memory = Memory("Anna")
    stamp = Stamp((tmp_path / "a.mp4").stat().st_size, 5.0, "v")
    for reference in published(tmp_path, Dataset(name="Anna")):
        memory.published(reference, stamp)
    assert memory.is_known("a.mp4", stamp, subject="Anna")
    assert not memory.is_known("a.mp4", Stamp(1, 6.0, "w"), subject="Anna")


@pytest.mark.parametrize("version", [0, 1])
def test_the_time_stands_in_the_movies_header(version: int) -> None:
    made = 1_700_000_000
    written = made + 2_082_844_800
    packed = struct.pack(">Q" if version else ">I", written)
    box = b"\0" * 40 + b"mvhd" + bytes([version, 0, 0, 0]) + packed + bytes(20)
    assert clip_began(box, b"") == made
    assert clip_began(b"", box) == made
    assert clip_began(b"mvhd" + bytes(20), b"") is None
    named = clip_began(box, b"", name="VID_20240305_101112.mp4")
    assert named is not None
    assert named != made


def test_clips_are_counted_where_they_are_taken_and_named_where_they_are_not(
    tmp_path: Path,
) -> None:
    clip(tmp_path / "a.mp4", 0)
    taken, passed = FileCounts(), FileCounts()
    list(scan(tmp_path, counts=taken, suffixes=wanted_suffixes(clips=True)))
    list(scan(tmp_path, counts=passed))
    assert str(taken) == "1 file: 0 photos, 1 clip"
    assert str(passed) == "1 file: 0 photos, 1 video (a.mp4) passed over"


def test_frames_are_there_as_long_as_their_clip_is() -> None:
    presence = Presence()
    known = ("a.mp4#t=1", "b.mp4#t=2")
    for _ in range(2):
        presence.looked(known, {"a.mp4"})
    assert not presence.is_gone("a.mp4#t=1")
    assert presence.is_gone("b.mp4#t=2")
