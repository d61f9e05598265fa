"""What was set aside is listed, tried again and leaves the list; the status adds up."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from support.command import Command, copy_demo, finished

from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.runs import RunDirectory
from avatarrig.wire.topics import DETECTOR_GROUPS


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_demo(tmp_path_factory.mktemp("photos") / "Limited", ["one.jpg", "two.jpg"])
    (folder / "text.jpg").write_text("no photo")
    return folder


@pytest.fixture(scope="module")
def run(command: Command, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "Limited"
    process = command.run(photos, "--out", folder, "--max-pixels", "1000")
    assert process.returncode == 3, process.stderr
    assert "text.jpg" in process.stdout
    return folder


def test_rejects_are_listed_shown_replayed_and_leave_the_list(
    command: Command, photos: Path, run: Path
) -> None:
    with EmbeddedBroker(RunDirectory(run).broker):  # once for all these commands
        listed = asked(command, "rejects", "list", "--run", run, "--json")
        records = [msgspec.json.decode(line) for line in listed.splitlines()]
        reasons = {record["reference"]["path"]: record["reason"] for record in records}
        assert reasons == {
            "one.jpg": "too_large",
            "two.jpg": "too_large",
            "text.jpg": "unsupported",
        }
        shown = asked(command, "rejects", "show", "two", "--run", run)
        assert "two.jpg" in shown
        assert "--max-pixels" in shown
        assert "does not count: more pixels or bytes than are allowed" in shown

        replayed = asked(command, "rejects", "replay", "--run", run, "--reason", "too_large")
        assert "2 photos are published again" in replayed
        waiting = msgspec.json.decode(asked(command, "status", "--run", run, "--json"), type=dict)
        assert waiting["waiting"] == 2
        assert waiting["oldest_waiting"] is not None

    result = finished(command.run(photos, "--out", run, "--json"), run)
    assert result.document["photos"]["observed"] == 2
    # Where it does not run, each starts the run's broker for itself.
    left = command.run("rejects", "list", "--run", run, "--json").stdout.splitlines()
    assert [msgspec.json.decode(line)["reason"] for line in left] == ["unsupported"]
    told = command.run("status", "--run", run, "--json")
    assert told.returncode == 0, told.stderr
    ended = msgspec.json.decode(told.stdout, type=dict)
    assert (ended["observed"], ended["rejected"], ended["waiting"]) == (2, 1, 0)
    assert ended["rejected_by_reason"] == {"unsupported": 1}
    assert ended["skeletons"][0]["observations"] == 2
    assert ended["replicas"] == 0
    # An aggregator that a busy machine keeps from its last commit reads again what it has counted.
    detectors = [each for each in ended["groups"] if each["group"].startswith(DETECTOR_GROUPS)]
    assert {lag for group in detectors for lag in group["lag"].values()} == {0}


def asked(command: Command, *arguments: str | Path) -> str:
    done = command.ask(*arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("arguments", [["status"], ["rejects", "list"]])
def test_no_kafka_named_is_wrong_usage(command: Command, arguments: list[str]) -> None:
    done = command.ask(*arguments)
    assert done.exit_code == 2
    assert "--bootstrap-servers" in done.stderr


@pytest.mark.parametrize("asked", ["list", "replay"])
def test_a_time_that_is_none_is_wrong_usage_before_any_kafka_is_asked(
    command: Command, asked: str
) -> None:
    nowhere = ("--bootstrap-servers", "127.0.0.1:9")
    done = command.ask("rejects", asked, *nowhere, "--since", "lately")
    assert done.exit_code == 2
    assert "--since 'lately'" in done.stderr
