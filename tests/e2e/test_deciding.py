"""Which photos count: by hand, and by what is in the dataset.

The first story is of the models as well; the others are about files alone, and what is seen in
them is made up.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.command import Command, Result, copy_demo, finished
from support.kafka import empty

from avatarrig import Estimator, load_run
from avatarrig.body.evidence.counting import Excluded, judge
from avatarrig.kafka.embedded import EmbeddedBroker

NAMES = tuple(f"{folder}/{number}.jpg" for folder in ("one", "two") for number in range(6))
FEW = NAMES[:3] + NAMES[-3:]
LEFT_OUT = ("one/2.jpg", "two/5.jpg")


class Story:
    """A dataset and its run, on a Kafka that is there."""

    def __init__(self, command: Command, dataset: Path, kafka: EmbeddedBroker) -> None:
        self._command = command
        self._servers = ("--bootstrap-servers", kafka.bootstrap_servers)
        self.dataset = dataset
        self.path = dataset.parent / "run"

    @property
    def running(self) -> tuple[str | Path, ...]:
        """The command's words."""
        return (self.dataset, "--out", self.path, "--workers", "1", *self._servers)

    def run(self, *options: str) -> Result:
        return finished(self._command.run(*self.running, "--json", *options), self.path)

    def say(self, *arguments: str | Path) -> str:
        done = self._command.ask(*arguments)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    @property
    def estimate(self) -> bytes:
        return (self.path / "skeleton_estimate.json").read_bytes()

    def excluded(self) -> dict[str, str]:
        found = {seen.path: judge(seen) for seen in load_run(self.path)}
        return {
            path: verdict.reason for path, verdict in found.items() if isinstance(verdict, Excluded)
        }

    def index(self) -> dict[str, str | None]:
        lines = (self.path / "phase1_index.jsonl").read_bytes().splitlines()
        rows = [msgspec.json.decode(line) for line in lines]
        return {row["rel_image_path"]: row["left_out"] for row in rows}


def sums(estimate: bytes) -> dict[str, Any]:
    """What an estimate says of a body, without whose it is and how many photos were left out."""
    document: dict[str, Any] = msgspec.json.decode(estimate)
    document["photos"].pop("observed")
    document["photos"].pop("with_person")
    document["photos"].pop("excluded")
    document.pop("notes", None)
    document.pop("subject")
    return document


def without(run: Path, names: Sequence[str]) -> dict[str, Any]:
    """The sums of whoever never had those photos of a run."""
    estimator = Estimator()
    for seen in load_run(run):
        if seen.path not in names:
            estimator.update(seen)
    return sums(msgspec.json.encode(estimator.estimate().to_document()))


@pytest.fixture(scope="module")
def story(
    made_up: Command, kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory
) -> Story:
    return Story(made_up, copy_demo(tmp_path_factory.mktemp("story") / "Someone", NAMES), kafka)


def test_photos_are_left_out_and_brought_back(
    command: Command, kafka: EmbeddedBroker, tmp_path: Path
) -> None:
    story = Story(command, copy_demo(tmp_path / "Chosen", FEW), kafka)
    before = story.run().estimate
    assert story.excluded() == {}
    wanted = without(story.path, LEFT_OUT)
    assert sums(before) != wanted

    said = story.say("exclude", story.path, *LEFT_OUT, "--reason", "not Anna")
    assert "2 photos left out" in said
    assert sums(story.estimate) == wanted
    assert story.excluded() == dict.fromkeys(LEFT_OUT, "left_out")
    by_files = story.estimate

    # The aggregator comes to the same, bit for bit, and so does everybody who reads the topics.
    assert story.run().estimate == by_files
    assert story.index() == dict.fromkeys(FEW) | dict.fromkeys(LEFT_OUT, "left_out")
    story.say("report", story.path, "--out", tmp_path / "report.html")
    assert "left out on request" in (tmp_path / "report.html").read_text()

    # Another detection, with other settings, leaves them out as well ...
    anew = story.run("--overlay-thr", "0.4")
    assert msgspec.json.decode(anew.estimate)["photos"]["excluded"] == {"left_out": 2}
    # ... and so does a run whose broker has lost everything.
    empty(kafka)
    assert story.run().estimate == by_files

    assert "2 photos brought back" in story.say("include", story.path, "*.jpg")
    assert story.estimate == before
    assert story.run().estimate == before


def test_photos_that_are_gone_stop_counting_and_count_again(story: Story, tmp_path: Path) -> None:
    before = story.run().estimate
    kept = tmp_path / "kept.jpg"
    (story.dataset / "one/3.jpg").rename(kept)
    gone = story.run()
    assert msgspec.json.decode(gone.estimate)["photos"]["excluded"] == {"gone": 1}
    assert sums(gone.estimate) != sums(before)
    assert story.excluded() == {"one/3.jpg": "gone"}
    kept.rename(story.dataset / "one/3.jpg")
    assert story.run().estimate == before


def test_a_folder_that_is_away_empties_no_estimate_unless_it_is_asked_for(
    story: Story, tmp_path: Path
) -> None:
    before = story.run().estimate
    (story.dataset / "two").rename(tmp_path / "two")
    assert story.run().estimate == before
    assert story.run("--max-images", "3", "--prune").estimate == before
    pruned = msgspec.json.decode(story.run("--prune").estimate)
    assert pruned["photos"]["excluded"] == {"gone": 6}
    (tmp_path / "two").rename(story.dataset / "two")
    assert story.run().estimate == before


def answering(story: Story, answer: str) -> str:
    """Runs in a terminal of which somebody answers the question; returns what was said there."""
    ours, its = pytest.importorskip("pty").openpty()
    said = b""
    with story._command.start(*story.running, stdout=its, stderr=its, stdin=its) as process:
        os.close(its)
        answered = False
        with contextlib.suppress(OSError):  # the terminal ends with the program
            while some := os.read(ours, 4096):
                said += some
                if not answered and b"[y/N]" in said:
                    answered = True
                    os.write(ours, f"{answer}\n".encode())
    os.close(ours)
    assert process.returncode == 0, said
    return " ".join(said.decode().split())


def test_in_a_terminal_it_is_asked_whether_many_photos_shall_stop_counting(
    story: Story, tmp_path: Path
) -> None:
    before = story.run().estimate
    (story.dataset / "two").rename(tmp_path / "two")
    question = "Shall the 6 photos no longer in the dataset stop counting?"
    assert question in answering(story, "n")
    assert story.estimate == before
    assert question in answering(story, "y")
    pruned = msgspec.json.decode(story.estimate)
    assert pruned["photos"]["excluded"] == {"gone": 6}
    (tmp_path / "two").rename(story.dataset / "two")
    assert story.run().estimate == before


def test_of_copies_the_one_that_is_left_counts(
    made_up: Command, kafka: EmbeddedBroker, tmp_path: Path
) -> None:
    story = Story(made_up, copy_demo(tmp_path / "Copied", FEW), kafka)
    alone = sums(story.run().estimate)
    shutil.copy(story.dataset / "one/0.jpg", story.dataset / "a copy.jpg")
    assert sums(story.run().estimate) == alone, "a copy that comes first does not count twice"
    (story.dataset / "one/0.jpg").unlink()
    assert sums(story.run().estimate) == alone


def test_what_was_left_out_stays_so_where_its_file_was_moved(
    made_up: Command, kafka: EmbeddedBroker, tmp_path: Path
) -> None:
    story = Story(made_up, copy_demo(tmp_path / "Moved", FEW), kafka)
    whole = sums(story.run().estimate)
    story.say("exclude", story.path, "one/0.jpg")
    without = sums(story.run().estimate)
    assert without != whole
    (story.dataset / "one/0.jpg").rename(story.dataset / "two/sorted.jpg")
    assert sums(story.run().estimate) == without
    assert story.excluded()["two/sorted.jpg"] == "left_out"
    story.say("include", story.path, "two/sorted.jpg")
    assert sums(story.run().estimate) == whole


def test_names_that_fit_nothing_are_told(story: Story) -> None:
    story.run()
    for arguments, wrong in (
        ((story.path, "three/*.jpg"), "'three/*.jpg'"),
        ((story.path / "nowhere", "one/0.jpg"), "no run directory"),
    ):
        done = story._command.ask("exclude", *arguments)
        assert done.exit_code == 2
        assert wrong in done.stderr
        assert isinstance(done.exception, SystemExit), "words, and no traceback"


def test_names_written_beside_photos_are_read_by_the_next_start(
    command: Command, kafka: EmbeddedBroker, tmp_path: Path
) -> None:
    story = Story(command, copy_demo(tmp_path / "Named", FEW), kafka)

    def say(name: str, *people: str) -> None:
        document = {"people": [{"name": person} for person in people]}
        (story.dataset / f"{name}.json").write_bytes(msgspec.json.encode(document))

    def observed() -> dict[Path, int]:
        files = (story.path / "observations").glob("*.json")
        return {file: file.stat().st_mtime_ns for file in files}

    person = ("--person", "Anna")
    say("one/0.jpg", "Anna")
    before = story.run(*person)
    unsure: dict[str, str | None] = dict.fromkeys(FEW, "unsure")
    unsure["one/0.jpg"] = None
    assert story.index() == unsure
    detected = observed()
    say("one/1.jpg", "Anna")
    say("one/2.jpg", "Jo")
    assert sums(story.run(*person).estimate) != sums(before.estimate)
    named = unsure | {"one/1.jpg": None, "one/2.jpg": "somebody_else"}
    assert story.index() == named
    anew = observed()
    assert {file: anew[file] for file in detected} == detected
    assert len(anew) == len(detected) + 2

    # What was said by hand is said of the photo, whoever is named beside it.
    story.say("exclude", story.path, "one/0.jpg")
    say("one/0.jpg", "Jo", "Anna")
    story.run(*person)
    assert story.index() == named | {"one/0.jpg": "left_out"}
    story.say("include", story.path, "one/0.jpg")
    for name in FEW[:3]:
        (story.dataset / f"{name}.json").unlink()
    say("one/0.jpg", "Anna")
    assert sums(story.run(*person).estimate) == sums(before.estimate)
    assert story.index() == unsure
