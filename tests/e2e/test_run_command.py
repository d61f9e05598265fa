"""The main job, as a person gives it: photos in, skeleton out."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections import Counter
from pathlib import Path

import cv2
import msgspec
import pytest
from support.command import DEMO, RUN_SECONDS, Command, Result, copy_demo, finished
from support.photos import write_bad_files
from support.pictures import read_picture

from avatarrig import load_run
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.embedded.ports import choose_ports
from avatarrig.pipeline.session import FEWEST_PARTITIONS
from avatarrig.wire.topics import IMAGES

GOOD = (
    "000.jpg",
    "a b.jpg",
    "a_b.jpg",
    "deep/er/and deeper/004.jpg",
    "Ünï cödé/照片 #1 %41.JPG",
    "it's;$(odd)&.jpeg",
)
REAL_PHOTOS = 16
OPTIONS = ("--workers", "2", "--debug-overlays", "--save-masks", "--json")

BAD = {
    "empty.jpg": "empty",
    "text.jpg": "unsupported",
    "beheaded.jpg": "truncated_beyond_use",
    "one_pixel.png": "too_small",
    "thread.png": "too_small",
    "bomb.png": "too_large",
    "folder.jpg": "not_a_file",
    "link.jpg": "missing",
}
ODD_BUT_USABLE = ["truncated.jpg", "sixteen_bit.png", "cmyk.jpg"]
if os.geteuid() == 0:  # who may read everything
    ODD_BUT_USABLE.append("forbidden.jpg")
else:
    BAD["forbidden.jpg"] = "permission"

OBSERVED = len(GOOD) + REAL_PHOTOS + len(ODD_BUT_USABLE)


@pytest.fixture(scope="module")
def dataset(real_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_demo(tmp_path_factory.mktemp("photos") / "Someone", GOOD)
    shutil.copytree(real_photos, folder / "real")
    write_bad_files(folder / "bad")
    (folder / "notes.txt").write_text("ignored")
    shutil.copy(folder / "000.jpg", folder / ".hidden.jpg")
    return folder


@pytest.fixture(scope="module")
def first(
    command: Command,
    dataset: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Result:
    """A run that was stopped at its beginning, and given again."""
    run = tmp_path_factory.mktemp("runs") / "Someone"
    begun = ("--workers", "1", "--debug-overlays", "--save-masks", "--web-port")
    port = choose_ports().client
    with command.start(dataset, "--out", run, *begun, str(port)) as process:
        assert "<h1>Skeletons</h1>" in page_of(port, process)
        wait_for_observations(run, 2, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=RUN_SECONDS)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    done = written(run)
    assert len(done) < OBSERVED
    resumed = finished(command.run(dataset, "--out", run, *OPTIONS), run)
    assert done.items() <= written(run).items()
    return resumed


def test_a_run_that_was_stopped_goes_on_and_every_photo_is_observed_or_rejected(
    first: Result,
) -> None:
    photos = first.document["photos"]
    assert photos["found"] == OBSERVED + len(BAD)
    assert photos["observed"] == OBSERVED
    assert photos["rejected"] == len(BAD)
    assert photos["waiting"] == 0


def test_poses_are_found_in_rendered_and_in_real_photos(first: Result) -> None:
    with_person = [seen.path for seen in load_run(first.run) if seen.pose is not None]
    assert set(GOOD) <= set(with_person)
    assert sum(path.startswith("real/") for path in with_person) >= 13


def test_each_reject_has_its_reason_and_words_for_people(first: Result) -> None:
    rejects = {reject["path"]: reject for reject in first.document["rejected"]}
    assert {path: reject["reason"] for path, reject in rejects.items()} == {
        f"bad/{name}": reason for name, reason in BAD.items()
    }
    for reject in rejects.values():
        assert len(reject["message"]) > 20
        assert "Traceback" not in reject["message"]


def test_the_run_directory_has_the_prototypes_files(first: Result) -> None:
    observations = sorted((first.run / "observations").glob("*.json"))
    assert len(observations) == OBSERVED
    for observation in load_run(first.run):
        pictures = {
            first.run / "overlays" / f"{observation.image_id}{e}" for e in (".png", "_raw.png")
        }
        if observation.pose is not None:
            pictures.add(first.run / "masks" / f"{observation.image_id}.png")
        assert all(picture.is_file() for picture in pictures)
    for name in ("phase1_index.jsonl", "phase1_summary.json", "skeleton_estimate.png"):
        assert (first.run / name).stat().st_size > 0
    assert not list(first.run.rglob("*.part"))


def test_summary_and_index_agree_with_the_result(first: Result) -> None:
    summary = msgspec.json.decode((first.run / "phase1_summary.json").read_bytes())
    photos = first.document["photos"]
    assert summary["phase"] == "phase1"
    assert summary["total_images"] == photos["found"]
    assert (summary["ok"], summary["failed"]) == (photos["observed"], photos["rejected"])
    lines = (first.run / "phase1_index.jsonl").read_bytes().splitlines()
    index = [msgspec.json.decode(line) for line in lines]
    assert Counter(row["ok"] for row in index) == {
        True: photos["observed"],
        False: photos["rejected"],
    }


def test_names_that_differ_in_odd_characters_keep_two_observations(first: Result) -> None:
    paths = {observation.path for observation in load_run(first.run)}
    assert set(GOOD) <= paths


def test_masks_have_the_photos_size_and_two_sides(first: Result) -> None:
    for observation in load_run(first.run):
        if observation.path not in GOOD:
            continue
        mask = read_picture(
            first.run / "masks" / f"{observation.image_id}.png", cv2.IMREAD_UNCHANGED
        )
        assert mask.shape == (observation.height, observation.width)
        assert 0.01 < (mask > 127).mean() < 0.9


def test_every_estimate_has_its_sample_count_interval_and_status(first: Result) -> None:
    estimate = msgspec.json.decode(first.estimate)
    assert estimate["estimates"]["shoulder_width"] == 1
    for key, value in estimate["estimates"].items():
        stats = estimate["stats"][key]
        assert stats["n"] >= 0
        assert stats["status"] in {"insufficient", "provisional", "stable"}
        if value is not None:
            low, high = stats["interval"]
            assert low <= value <= high


def test_the_same_command_again_detects_nothing_and_gives_the_same_bits(
    first: Result, command: Command, dataset: Path
) -> None:
    before = written(first.run)
    started = (first.run / ".avatarrig" / "broker" / "logs" / "console.log").stat().st_mtime_ns
    again = finished(command.run(dataset, "--out", first.run, *OPTIONS), first.run)
    assert written(first.run) == before
    assert again.estimate == first.estimate
    kept = ("run", "photos", "rejected", "skeletons")
    assert [again.document[name] for name in kept] == [first.document[name] for name in kept]
    console = first.run / ".avatarrig" / "broker" / "logs" / "console.log"
    assert console.stat().st_mtime_ns == started, "no broker was needed, and one was started"


def test_when_the_broker_lost_everything_the_files_are_replayed(
    first: Result, command: Command, dataset: Path
) -> None:
    before = written(first.run)
    shutil.rmtree(first.run / ".avatarrig" / "broker")
    again = finished(command.run(dataset, "--out", first.run, *OPTIONS), first.run)
    assert written(first.run) == before
    assert again.estimate == first.estimate


def test_another_kafka_gives_the_same_skeleton_from_the_files_undisturbed(
    first: Result, command: Command, dataset: Path, empty_kafka: EmbeddedBroker, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(first.run, run, ignore=shutil.ignore_patterns("broker"))
    before = written(run)
    servers = ("--bootstrap-servers", empty_kafka.bootstrap_servers, "--partitions", "3")
    other = finished(command.run(dataset, "--out", run, "--json", *servers), run)
    assert other.estimate == first.estimate
    assert written(run) == before
    assert not (run / ".avatarrig" / "broker").exists()


def test_a_run_goes_on_with_the_partitions_that_it_began_with(
    made_up: Command, tmp_path: Path
) -> None:
    photos = sorted(DEMO.glob("*.jpg"))
    dataset, run = tmp_path / "photos", tmp_path / "run"
    dataset.mkdir()
    begun: tuple[tuple[str, ...], ...] = (("--partitions", "3"), ())
    for count, partitions in enumerate(begun, 1):
        shutil.copy(photos[count], dataset)
        done = made_up.run(dataset, "--out", run, "--json", "--workers", "1", *partitions)
        assert finished(done, run).document["photos"]["found"] == count
        assert partitions_of_images(run) == 3


def test_a_kafka_of_the_runs_own_has_few_partitions(first: Result) -> None:
    assert partitions_of_images(first.run) == FEWEST_PARTITIONS


def partitions_of_images(run: Path) -> int:
    return len(list((run / ".avatarrig" / "broker" / "data").glob(f"{IMAGES}-*")))


def written(run: Path) -> dict[str, int]:
    """When each observation was written."""
    return {file.name: file.stat().st_mtime_ns for file in (run / "observations").iterdir()}


def wait_for_observations(run: Path, count: int, process: subprocess.Popen[str]) -> None:
    give_up = time.monotonic() + RUN_SECONDS
    while len(list(run.glob("observations/*.json"))) < count:
        assert time.monotonic() < give_up
        assert process.poll() is None, process.stderr
        time.sleep(0.02)


def page_of(port: int, process: subprocess.Popen[str]) -> str:
    while True:
        assert process.poll() is None, "it ended without a page"
        with contextlib.suppress(OSError):
            answer: bytes = urllib.request.urlopen(f"http://127.0.0.1:{port}/").read()
            return answer.decode()
        time.sleep(0.1)


def test_a_run_directory_of_another_dataset_is_refused(
    command: Command, first: Result, tmp_path: Path
) -> None:
    shutil.copy(next(DEMO.glob("*.jpg")), tmp_path)
    process = command.run(tmp_path, "--out", first.run)
    assert process.returncode == 2
    assert "choose another --out" in process.stderr
