from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from filelock import Timeout
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.photos import encode

from avatarrig.body.blendshapes import BLENDSHAPE_NAMES
from avatarrig.body.rig.lengths import EstimateRefusedError
from avatarrig.runs import (
    DecisionsFileError,
    ForeignRunError,
    ObservationFileError,
    Pictures,
    RunDirectory,
    RunStorageError,
    WantedFiles,
    dataset_of,
    is_complete,
    lacking_files,
    load_run,
    locked,
    make_folder,
    open_run,
    read_decisions,
    read_file_counts,
    read_index,
    read_observation,
    read_standings,
    write_atomically,
    write_index,
    write_observation,
)
from avatarrig.runs.estimate_file import read_estimate
from avatarrig.runs.seal import Seal, seal_of, sealed
from avatarrig.wire import Evidence, Observation, PackedArray


def an_observation(image_id: str = "a-1", *, person: bool = True) -> Observation:
    rng = np.random.default_rng(7)
    arrays: dict[str, Any] = {
        "pose": PackedArray.pack(rng.random((33, 5), dtype=np.float32)),
        "world": PackedArray.pack(rng.normal(size=(33, 3)).astype(np.float32)),
        "face": PackedArray.pack(rng.normal(size=(478, 3)).astype(np.float32)),
        "blendshapes": PackedArray.pack(rng.random(52, dtype=np.float32)),
    }
    return Observation(
        image_id=image_id,
        dataset="d",
        path="sub/a.jpg",
        subject="s",
        content_hash="00",
        found_at=1.5,
        observed_at=2.5,
        captured_at=0.1,
        fingerprint="f",
        width=640,
        height=480,
        people=1,
        meta={"pose_score": 0.8, "frame_kind": "partial", "pose_inmask_ratio": None},
        evidence=Evidence(learned="x", information=(1, -2), vector=(3,), ratios={"a": 4}),
        **(arrays if person else {}),
    )


@pytest.mark.parametrize("person", [True, False])
def test_an_observation_file_gives_the_record_back_bit_for_bit(
    tmp_path: Path, *, person: bool
) -> None:
    run = RunDirectory(tmp_path)
    observation = an_observation(person=person)
    write_observation(run, observation, Pictures())
    assert read_observation(run.observation("a-1")) == observation
    assert list(load_run(tmp_path)) == [observation]


def test_the_file_has_the_prototypes_fields(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    write_observation(run, an_observation(), Pictures(mask=b"png"))
    document = msgspec.json.decode(run.observation("a-1").read_bytes())
    assert document["schema_version"] == "1.2"
    assert document["rel_image_path"] == "sub/a.jpg"
    assert document["status"] == {"ok": True, "errors": []}
    pose = document["pose"]
    assert len(pose["landmarks"]) == len(pose["world_landmarks"]) == len(pose["names"]) == 33
    assert set(pose["landmarks"][0]) == {
        "x",
        "y",
        "z",
        "visibility",
        "presence",
        "x_px",
        "y_px",
    }
    assert set(pose) >= {"bones_px", "bones_ratio", "bones_conf"}
    assert len(document["face"]["landmarks"]) == 478
    assert tuple(document["face"]["blendshapes"]) == BLENDSHAPE_NAMES
    assert document["segmentation"]["mask_relpath"] == "masks/a-1.png"
    assert document["meta"]["pose_score"] == 0.8


def test_bone_ratios_are_taken_in_pixels_not_in_shares_of_width_and_height(tmp_path: Path) -> None:
    pose = np.zeros((33, 5), np.float32)
    pose[11, :2], pose[12, :2] = (0.25, 0.5), (0.75, 0.5)  # 320 px apart, across
    pose[13, :2] = (0.25, 0.5 + 160 / 480)  # 160 px below the left shoulder
    observation = msgspec.structs.replace(an_observation(), pose=PackedArray.pack(pose))
    run = RunDirectory(tmp_path)
    write_observation(run, observation, Pictures())
    document = msgspec.json.decode(run.observation("a-1").read_bytes())
    assert document["pose"]["bones_ratio"]["upper_arm_L"] == pytest.approx(0.5, abs=1e-4)


def complete(run: RunDirectory, fingerprint: str = "f", subject: str = "s", **wanted: bool) -> bool:
    return is_complete(run, "a-1", subject, fingerprint, WantedFiles(**wanted))


def test_a_photo_is_complete_only_with_the_files_asked_for(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert not complete(run)
    write_observation(run, an_observation(), Pictures())
    assert complete(run)
    assert not complete(run, fingerprint="another")
    assert not complete(run, subject="another")
    assert not complete(run, overlays=True)
    assert not complete(run, masks=True)
    png = encode(Image.new("L", (16, 16)), "PNG")
    write_observation(run, an_observation(), Pictures(overlay=png, raw=png, mask=png))
    assert complete(run, overlays=True, masks=True)
    for file, damaged in (
        (run.overlay("a-1"), png[:-9]),
        (run.raw("a-1"), b""),
        (run.mask("a-1"), png.replace(b"IDAT", b"IDAT\0", 1)),
    ):
        file.write_bytes(damaged)
        assert not complete(run, overlays=True, masks=True)
        file.write_bytes(png)


def test_a_digit_that_was_changed_is_noticed(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    write_observation(run, an_observation(), Pictures())
    file = run.observation("a-1")
    text = file.read_bytes()
    digit = text.index(b'"z":') + 7
    other = b"2" if text[digit : digit + 1] == b"1" else b"1"
    file.write_bytes(text[:digit] + other + text[digit + 1 :])
    assert not complete(run)
    with pytest.raises(ObservationFileError, match="damaged"):
        read_observation(file)


def test_a_file_that_another_program_wrote_anew_is_whole(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    write_observation(run, an_observation(), Pictures())
    file = run.observation("a-1")
    file.write_bytes(msgspec.json.format(file.read_bytes(), indent=2))
    assert complete(run)
    assert read_observation(file) == an_observation()


def test_a_file_without_a_checksum_is_read_and_known_to_be_unverified(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    write_observation(run, an_observation(), Pictures())
    file = run.observation("a-1")
    assert lacking_files(run, "a-1", "s", "f", WantedFiles()).is_verified
    document = msgspec.json.decode(file.read_bytes())
    del document["sha256"]
    file.write_bytes(msgspec.json.encode(document))
    lacking = lacking_files(run, "a-1", "s", "f", WantedFiles())
    assert lacking.nothing
    assert not lacking.is_verified
    assert read_observation(file) == an_observation()
    del document["face"]
    file.write_bytes(msgspec.json.encode(document))
    assert lacking_files(run, "a-1", "s", "f", WantedFiles()).observation


def test_a_file_that_cannot_be_read_is_lacking(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.observation("a-1").mkdir(parents=True)
    assert lacking_files(run, "a-1", "s", "f", WantedFiles()).observation


_NO_UTF_8 = {
    "decisions.json": b'{"decisions": [{"image_id": "\xff"}]}',
    "standings.json": b'[["\xff"]]',
    "a-1.json": b'{"avatarrig": {"subject": "\xff"}}',
    "skeleton_estimate.json": b'{"estimates": {"\xff": 1}}',
    "files.json": b'{"\xff": 1}',
    "run.json": b'{"run": "\xff"}',
}


@pytest.mark.parametrize("damaged", [None, b"[" * 100_000, b'{"a": ', b"\0"])
def test_a_damaged_file_of_a_run_is_named_whatever_its_bytes(
    tmp_path: Path, damaged: bytes | None
) -> None:
    run, _ = open_run(tmp_path / "run", tmp_path)
    identity = run.private / "run.json"
    files = (run.decisions, run.standings, run.observation("a-1"), run.estimate, run.files)
    for file in (*files, identity):
        write_atomically(file, _NO_UTF_8[file.name] if damaged is None else damaged)
    with pytest.raises(DecisionsFileError, match=r"decisions\.json is damaged"):
        read_decisions(run)
    with pytest.raises(DecisionsFileError, match=r"standings\.json is damaged"):
        read_standings(run)
    with pytest.raises(ObservationFileError, match=r"a-1\.json"):
        read_observation(run.observation("a-1"))
    with pytest.raises(EstimateRefusedError, match=r"skeleton_estimate\.json cannot be read"):
        read_estimate(run.path)
    with pytest.raises(ForeignRunError, match=r"run\.json is damaged"):
        open_run(run.path, tmp_path)
    assert read_file_counts(run) is None
    assert dataset_of(run) is None
    assert lacking_files(run, "a-1", "s", "f", WantedFiles()).observation


def test_of_a_damaged_index_is_left_what_can_be_read(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert read_index(run) == []
    write_index(run, [{"image_id": "a-1"}, {"image_id": "b-2"}, {"image_id": "c-3"}])
    run.index.write_bytes(run.index.read_bytes().replace(b"b-2", b"b\xff2")[:-5] + b"\n[1]\n")
    assert read_index(run) == [{"image_id": "a-1"}]


@given(st.binary(max_size=200))
def test_any_bytes_have_a_seal_or_none(data: bytes) -> None:
    assert seal_of(data) in {Seal.DAMAGED, Seal.NONE}
    assert seal_of(sealed({"data": data.hex()})) is Seal.WHOLE


def test_where_nobody_was_found_no_mask_is_missed(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    write_observation(run, an_observation(person=False), Pictures())
    assert complete(run, masks=True)


def test_a_damaged_observation_counts_as_not_processed(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    write_observation(run, an_observation(), Pictures())
    run.observation("a-1").write_bytes(b'{"image_id": ')
    assert not complete(run)
    with pytest.raises(ObservationFileError, match=r"a-1\.json"):
        read_observation(run.observation("a-1"))


@pytest.mark.parametrize("value", ["", [0], 1e308, 10**400])
@pytest.mark.parametrize("place", ["pose", "face", "blendshapes"])
def test_a_value_that_is_no_number_is_refused(tmp_path: Path, place: str, value: object) -> None:
    run = RunDirectory(tmp_path)
    write_observation(run, an_observation(), Pictures())
    document = json.loads(run.observation("a-1").read_bytes())
    del document["sha256"]
    if place == "blendshapes":
        document["face"][place]["jawOpen"] = value
    else:
        document[place]["landmarks"][0]["x"] = value
    run.observation("a-1").write_text(json.dumps(document))
    with pytest.raises(ObservationFileError, match=r"a-1\.json"):
        read_observation(run.observation("a-1"))


def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "file.json"
    write_atomically(target, b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RunStorageError, match="no space left"):
        write_atomically(target, b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["file.json"]
    assert target.read_bytes() == b"old"


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(RunStorageError, match=r"file.json: .* --out"):
        write_atomically(tmp_path / "run" / "file.json", b"")
    with pytest.raises(RunStorageError, match="--out"):
        open_run(tmp_path / "run", tmp_path)
    with pytest.raises(RunStorageError, match=r"run: .*: move away what is in its place"):
        make_folder(tmp_path / "run")


def test_a_folder_in_the_way_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file.json" / "folder").mkdir(parents=True)
    with pytest.raises(RunStorageError, match=r"file.json: .*: move away what is in its place"):
        write_atomically(tmp_path / "file.json", b"")


def test_an_empty_folder_is_in_no_files_way(tmp_path: Path) -> None:
    (tmp_path / "file.json").mkdir()
    write_atomically(tmp_path / "file.json", b"new")
    assert (tmp_path / "file.json").read_bytes() == b"new"


def test_written_files_follow_the_umask(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"")
    finally:
        os.umask(previous)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_a_run_keeps_its_identity(tmp_path: Path) -> None:
    dataset = tmp_path / "photos"
    dataset.mkdir()
    _, first = open_run(tmp_path / "run", dataset)
    _, second = open_run(tmp_path / "run", dataset)
    assert first == second
    assert first.dataset == "photos"


def test_a_run_directory_of_another_dataset_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    open_run(tmp_path / "run", tmp_path / "one")
    with pytest.raises(ForeignRunError, match="choose another --out"):
        open_run(tmp_path / "run", tmp_path / "two")


def test_a_missing_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no run directory"):
        list(load_run(tmp_path / "nowhere"))


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    write_atomically(run.observations / "whole.json", b"{}")
    half = [folder / ".half.json.0123abcd.part" for folder in (run.path, run.observations)]
    for file in half:
        file.write_bytes(b"{")
    run.remove_unfinished()  # there are no folders of overlays and masks
    assert not any(file.exists() for file in half)
    assert [file.name for file in run.observations.iterdir()] == ["whole.json"]


@pytest.mark.parametrize("place", ["run.json", "standings.json", "decisions.json", "lock"])
def test_a_pipe_in_a_files_place_holds_nobody_up(tmp_path: Path, place: str) -> None:
    """Whoever waited for somebody to write into it would wait for ever."""
    photos = tmp_path / "photos"
    photos.mkdir()
    run, _ = open_run(tmp_path / "out", photos)
    file = run.decisions if place == "decisions.json" else run.private / place
    file.unlink(missing_ok=True)
    os.mkfifo(file)
    if place == "lock":
        with locked(run), pytest.raises(Timeout), locked(run):
            pass
        return
    read: Callable[[], object] = (
        (lambda: open_run(run.path, photos)) if place == "run.json" else lambda: read_standings(run)
    )
    with pytest.raises((ForeignRunError, DecisionsFileError)) as caught:
        read()
    assert str(caught.value).startswith(f"{file} cannot be read (this is no file: a folder, pipe")
    assert "delete it" in str(caught.value)


def test_an_observation_that_is_no_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.observations.mkdir()
    os.mkfifo(run.observation("a-1"))
    with pytest.raises(ObservationFileError, match=r"a-1\.json cannot be read .*makes it anew"):
        list(load_run(tmp_path))
    with pytest.raises(FileNotFoundError):
        read_observation(run.observation("b-2"))


def test_pictures_and_observations_that_are_pipes_are_lacking(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    write_observation(run, an_observation(), Pictures(mask=encode(Image.new("L", (4, 4)), "PNG")))
    wanted = WantedFiles(masks=True)
    for file, is_lacking in ((run.mask("a-1"), "mask"), (run.observation("a-1"), "observation")):
        file.unlink()
        os.mkfifo(file)
        lacking = lacking_files(run, "a-1", "s", "f", wanted)
        assert getattr(lacking, is_lacking)
        assert not lacking.nothing
    write_observation(run, an_observation(), Pictures(mask=encode(Image.new("L", (4, 4)), "PNG")))
    assert is_complete(run, "a-1", "s", "f", wanted)


def test_a_file_under_another_photos_name_is_not_that_photos(tmp_path: Path) -> None:
    """A copy of a file makes no photo count twice, and none stay away."""
    run = RunDirectory(tmp_path)
    write_observation(run, an_observation(), Pictures())
    run.observation("b-2").write_bytes(run.observation("a-1").read_bytes())
    assert lacking_files(run, "a-1", "s", "f", WantedFiles()).nothing
    assert lacking_files(run, "b-2", "s", "f", WantedFiles()).observation
    with pytest.raises(ObservationFileError, match=r"b-2\.json.*observation of a-1"):
        list(load_run(tmp_path))
