"""What is promised of faces: compared only where that is asked for, and kept nowhere else."""

from __future__ import annotations

import base64
import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest
from kafka import KafkaConsumer
from support.command import Command, Result, finished

from avatarrig import load_run
from avatarrig.body.recognition import LIKENESS, VERDICT, Verdict
from avatarrig.detectors.detector import Detector
from avatarrig.detectors.faces.references import template_of
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.options import DetectorOptions
from avatarrig.kafka.clients import open_reader
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.reading import from_beginning
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire import PhotoReference, Sought, decode
from avatarrig.wire.topics import IMAGES, REJECTS, pipeline_topics

pytestmark = pytest.mark.models

PHOTOS = ("obama2.jpg", "biden.jpg", "grace_hopper.jpg")
REFERENCES = ("obama.jpg", "obama3.jpg")


@pytest.fixture(scope="module")
def dataset(real_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos") / "dump"
    folder.mkdir()
    for name in PHOTOS:
        shutil.copy(real_photos / name, folder)
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff no photo")
    return folder


@pytest.fixture(scope="module")
def asked(
    command: Command, dataset: Path, real_photos: Path, tmp_path_factory: pytest.TempPathFactory
) -> Result:
    run = tmp_path_factory.mktemp("runs") / "asked"
    whom = [word for name in REFERENCES for word in ("--reference", real_photos / name)]
    return finished(
        command.run(
            dataset, "--out", run, "--subject", "Mr. O.", "--workers", "1", "--json", *whom
        ),
        run,
    )


@pytest.fixture(scope="module")
def template(real_photos: Path) -> bytes:
    return template_of([real_photos / name for name in REFERENCES])


def in_topics(run: Path) -> dict[str, list[bytes]]:
    """What the run's broker holds of each topic, the latest of each key."""
    with EmbeddedBroker(run / ".avatarrig" / "broker") as broker:
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        held: dict[str, list[bytes]] = {}
        with contextlib.closing(open_reader(kafka)) as reader:
            for topic in pipeline_topics():
                held[topic.name] = latest_of(reader, topic.name)
        return held


def latest_of(reader: KafkaConsumer, topic: str) -> list[bytes]:
    starts = from_beginning(reader, topic)
    reader.assign(list(starts))
    reader.seek_to_beginning()
    ends = reader.end_offsets(list(starts))
    latest: dict[tuple[int, bytes], bytes | None] = {}
    while any(reader.position(place) < ends[place] for place in starts):
        for place, messages in reader.poll(timeout_ms=200).items():
            latest |= {(place.partition, message.key): message.value for message in messages}
    return [value for value in latest.values() if value is not None]


@pytest.fixture(scope="module")
def held(asked: Result) -> dict[str, list[bytes]]:
    """What the run's broker holds before anybody is forgotten."""
    return in_topics(asked.run)


def test_the_person_alone_counts(asked: Result) -> None:
    verdicts = {seen.path: seen.meta[VERDICT] for seen in load_run(asked.run)}
    assert verdicts["obama2.jpg"] == Verdict.SUBJECT
    assert Verdict.SUBJECT not in {verdicts[name] for name in PHOTOS[1:]}
    assert asked.document["skeletons"]["Mr. O."]["photos"]["used"] <= 1


def test_without_a_reference_no_face_is_compared(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model for comparing faces was asked for")

    monkeypatch.setattr("avatarrig.detectors.detector.locate_face_models", refuse)
    options = DetectorOptions()
    with Detector(options, locate_models(options)) as detector:
        for name in PHOTOS:
            seen = detector.detect((dataset / name).read_bytes())
            assert not {VERDICT, LIKENESS} & seen.meta.keys()
        with pytest.raises(AssertionError, match="was asked for"):
            detector.detect((dataset / name).read_bytes(), Sought(asked="a", template=b"a" * 256))


def test_of_a_comparison_a_verdict_and_a_number_are_kept(dataset: Path, template: bytes) -> None:
    options = DetectorOptions()
    with Detector(options, locate_models(options)) as detector:
        for name in PHOTOS:
            data = (dataset / name).read_bytes()
            plain, compared = (
                detector.detect(data),
                detector.detect(data, Sought(asked="a", template=template)),
            )
            assert compared.meta.keys() - plain.meta.keys() == {VERDICT, LIKENESS}
            assert isinstance(compared.meta[LIKENESS], float)


def test_the_template_travels_with_the_references_and_lies_in_no_file(
    asked: Result, held: dict[str, list[bytes]], template: bytes
) -> None:
    forms = (template, base64.b64encode(template), template.hex().encode())
    broker = asked.run / ".avatarrig" / "broker"
    files = [file for file in asked.run.rglob("*") if file.is_file() and broker not in file.parents]
    assert len(files) > 5
    assert held[REJECTS]  # of a photo that is none
    for file in files:
        assert not any(form in file.read_bytes() for form in forms), file
    for topic, values in held.items():
        holds = [any(form in value for form in forms) for value in values]
        assert all(holds) if topic in {IMAGES, REJECTS} else not any(holds), topic


def test_references_are_read_in_a_process_without_credentials(
    real_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, str]] = []
    run = subprocess.run

    def listen(*arguments: object, env: dict[str, str], **options: object) -> object:
        told.append(env)
        return run(*arguments, env=env, **options)  # type: ignore[call-overload]

    monkeypatch.setenv("AVATARRIG_SASL_PASSWORD", "hush")
    monkeypatch.setattr("avatarrig.process.isolated.subprocess.run", listen)
    template_of([real_photos / "obama.jpg"])
    assert len(told) == 1
    assert "hush" not in told[0].values()


def test_forgetting_takes_the_template_away(
    command: Command, asked: Result, held: dict[str, list[bytes]]
) -> None:
    assert all(decode(value, PhotoReference).sought for value in held[IMAGES])
    done = command.ask("forget", "Mr. O.", "--run", asked.run, "--yes")
    assert done.exit_code == 0, done.stderr
    assert in_topics(asked.run)[IMAGES] == []
