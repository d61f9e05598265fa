"""Whose estimate export, fit and report take: from files, from observations, from Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.body.estimates import said, skeleton
from support.kafka import with_topics
from support.rendered import rendered

from avatarrig import Estimator
from avatarrig.cli import avatarrig
from avatarrig.kafka.clients import open_producer
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.runs import Pictures, RunDirectory, write_json, write_observation
from avatarrig.wire import Observation, encode, record_key
from avatarrig.wire.keys import series_key
from avatarrig.wire.topics import OBSERVATIONS, SKELETONS

RATIOS = {"shoulder_width": 1.0, "torso_length": 1.4, "upper_arm_L": 0.8}


def called(*arguments: str | Path) -> Result:
    return CliRunner().invoke(avatarrig, [*map(str, arguments)])


def observed(folder: Path, *subjects: str) -> list[Observation]:
    """Writes observation files of several people, and no estimate."""
    seen = [
        rendered(number, subject=subject, image_id=f"{subject}-{number}")
        for subject in subjects
        for number in range(5)
    ]
    for one in seen:
        write_observation(RunDirectory(folder), one, Pictures())
    return seen


def test_a_folder_with_observations_alone_is_estimated_anew(tmp_path: Path) -> None:
    seen = observed(tmp_path, "Anna")
    done = called("export", tmp_path, "--format", "json")
    assert done.exit_code == 0, done.output
    other = tmp_path / "other"
    estimator = Estimator()
    for one in seen:
        estimator = estimator.update(one)
    write_json(RunDirectory(other).estimate, estimator.estimate(subject="Anna"))
    assert called("export", other, "--format", "json").exit_code == 0
    assert (tmp_path / "skeleton.json").read_bytes() == (other / "skeleton.json").read_bytes()


def test_of_several_people_the_names_are_listed_and_one_is_taken(tmp_path: Path) -> None:
    observed(tmp_path, "Anna", "Ben")
    refused = called("export", tmp_path)
    assert refused.exit_code == 1
    assert "Anna, Ben" in refused.output
    assert "--subject" in refused.output
    taken = called("export", tmp_path, "--subject", "Ben")
    assert taken.exit_code == 0, taken.output
    assert (tmp_path / "subjects" / "Ben" / "skeleton.glb").is_file()
    unknown = called("export", tmp_path, "--subject", "Carl")
    assert "no estimate of Carl; there is Anna, Ben" in unknown.output


def test_a_report_is_of_one_person_where_one_is_named(tmp_path: Path) -> None:
    observed(tmp_path, "Anna", "Ben")
    both = called("report", tmp_path)
    assert "Anna, Ben" in both.output
    assert "--subject" in both.output
    assert called("report", tmp_path, "--subject", "Ben").exit_code == 0
    page = (tmp_path / "report.html").read_text()
    assert "<h1>Ben</h1>" in page
    unknown = called("report", tmp_path, "--subject", "Carl")
    assert unknown.exit_code == 1
    assert "there is Anna, Ben" in unknown.output


def test_a_folder_that_is_no_run_says_what_to_give(tmp_path: Path) -> None:
    refused = called("export", tmp_path)
    assert refused.exit_code == 1
    assert "--out" in refused.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["export", "report", "fit"])
def test_where_nothing_is_named_the_run_directory_is_asked_for(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    refused = called(command, *(["avatar.vrm"] if command == "fit" else []))
    assert refused.exit_code == 2
    assert "name the run directory" in refused.output


@pytest.fixture
def on_kafka(empty_kafka: EmbeddedBroker) -> KafkaSettings:
    kafka = with_topics(empty_kafka, 2)
    producer = open_producer(kafka)
    for name in ("Anna", "Ben"):
        record = skeleton(said(RATIOS, subject=name), subject=name)
        key = series_key((name, record.fingerprint))
        producer.send(SKELETONS, value=encode(record), key=key)
        for number in range(4):
            one = rendered(number, subject=name, image_id=f"{name}-{number}")
            producer.send(OBSERVATIONS, value=encode(one), key=record_key(one))
    producer.flush()
    producer.close()
    return kafka


def test_without_a_folder_kafka_is_asked(
    on_kafka: KafkaSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    at = ("--bootstrap-servers", on_kafka.bootstrap_servers)
    assert "Anna, Ben" in called("export", *at).output
    done = called("export", "--subject", "Anna", *at)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "Anna.glb").is_file()
    told = called("report", "--subject", "Ben", *at)
    assert told.exit_code == 0, told.output
    page = (tmp_path / "report.html").read_text()
    assert "<h1>Ben</h1>" in page
    assert "Anna" not in page
