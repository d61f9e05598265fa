"""What 1.0 left is read today, file by file and record by record, and nothing of it is redone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.aggregators.crashing import Log, Worker, World, append, counted_once, finish, share
from support.rendered import rendered
from support.wire import one_point_zero
from support.wire.one_point_zero import FINGERPRINT, SUBJECT, check_contains, check_estimate

from avatarrig import Estimator, load_run
from avatarrig.body.estimate import EstimateOptions
from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.tally import Tally
from avatarrig.detectors.fetching.models import MODELS, ModelFiles
from avatarrig.detectors.fingerprint import detector_fingerprint
from avatarrig.detectors.options import DetectorOptions
from avatarrig.runs import RunDirectory, WantedFiles, is_complete
from avatarrig.wire import (
    Forget,
    HistoryRecord,
    Observation,
    PhotoReference,
    RecordRefusedError,
    Reject,
    SkeletonRecord,
    TallyUpdate,
    decode,
    encode,
)
from avatarrig.wire.topics import HISTORY, IMAGES, OBSERVATIONS, REJECTS, SKELETONS, TALLIES

AS_THEN = EstimateOptions(height=1.70, window_days=30)
KINDS: dict[str, tuple[type[Any], ...]] = {
    IMAGES: (PhotoReference,),
    OBSERVATIONS: (Observation, Forget),
    REJECTS: (Reject,),
    TALLIES: (TallyUpdate, Forget),
    SKELETONS: (SkeletonRecord,),
    HISTORY: (HistoryRecord,),
}
NO_RECORD = b"no record"


def read(value: bytes, kinds: tuple[type[Any], ...]) -> msgspec.Struct:
    """The record of the one kind that fits."""
    fitting: list[msgspec.Struct] = []
    for kind in kinds:
        try:
            fitting.append(decode(value, kind))
        except RecordRefusedError:
            continue
    (record,) = fitting
    return record


def plain(value: bytes) -> object:
    return msgspec.msgpack.decode(value)


def records(topic: str) -> list[Any]:
    return [
        read(value, KINDS[topic]) for value in one_point_zero.values(topic) if value != NO_RECORD
    ]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return one_point_zero.copy_run(tmp_path)[1]


@pytest.mark.parametrize("topic", KINDS)
def test_every_record_is_read_and_written_so_that_1_0_reads_it(topic: str) -> None:
    read_kinds = set()
    for value in one_point_zero.values(topic):
        if value == NO_RECORD:
            continue
        record = read(value, KINDS[topic])
        read_kinds.add(type(record))
        check_contains(plain(encode(record)), plain(value))
    assert read_kinds == set(KINDS[topic])


def test_files_hold_the_observations_of_the_topic_bit_for_bit(run: Path) -> None:
    sent = {
        record.image_id: record
        for record in records(OBSERVATIONS)
        if isinstance(record, Observation) and record.subject == SUBJECT
    }
    seen = {observation.image_id: observation for observation in load_run(run)}
    assert len(seen) == 6
    assert seen == sent


def test_no_observation_has_to_be_detected_again(run: Path) -> None:
    for seen in load_run(run):
        assert is_complete(RunDirectory(run), seen.image_id, SUBJECT, FINGERPRINT, WantedFiles())
    pose, face, segmenter = (MODELS[name].sha256 for name in ("full", "face", "segmenter"))
    models = ModelFiles(Path("pose"), Path("face"), Path("segmenter"), (pose, face, segmenter))
    assert detector_fingerprint(DetectorOptions(), models) == FINGERPRINT


def test_the_estimator_gives_what_1_0_gave(run: Path) -> None:
    estimator = Estimator()
    for seen in load_run(run):
        estimator = estimator.update(seen)
    check_estimate(
        estimator.estimate(subject=SUBJECT, options=AS_THEN).to_document(),
        one_point_zero.estimate(),
    )


def test_a_photo_of_1_0_can_be_taken_back(run: Path) -> None:
    first, *others = load_run(run)
    estimator = Estimator()
    for seen in others:
        estimator = estimator.update(seen)
    before = estimator.estimate()
    assert estimator.update(first).revert(first).estimate() == before


def test_tallies_of_1_0_are_refused_since_they_tell_no_moments() -> None:
    tallies = [record.tally for record in records(TALLIES) if isinstance(record, TallyUpdate)]
    assert tallies
    for tally in tallies:
        with pytest.raises(StateRefusedError, match="format"):
            Tally.from_bytes(tally)


def logs_of_1_0(topic: str) -> dict[int, Log]:
    logs: dict[int, Log] = {}
    for message in one_point_zero.messages(topic):
        value = message.value
        # The harness knows garbage by its first byte.
        garbage = b"\xc1" + NO_RECORD
        logs.setdefault(message.partition, []).append(
            (message.offset, garbage if value == NO_RECORD else value)
        )
    return logs


def table_of_1_0(name: str) -> dict[bytes, bytes]:
    table: dict[bytes, bytes] = {}
    for message in one_point_zero.messages(f"avatarrig.aggregators-{name}-changelog"):
        assert message.key is not None
        if message.value is None:
            table.pop(message.key, None)
        else:
            table[message.key] = message.value
    return table


def world_of_1_0(*, state: bool) -> World:
    world = World()
    world.observations.update(logs_of_1_0(OBSERVATIONS))
    if state:
        world.tallies.update(logs_of_1_0(TALLIES))
        world.tables = (table_of_1_0("observed"), table_of_1_0("tallied"))
    return world


async def worked_through(world: World) -> Worker:
    worker = Worker(world)
    share([worker], 0)
    await worker.recover()
    await finish([worker])
    return worker


@pytest.mark.parametrize("state", [False, True], ids=["its topics alone", "its state too"])
def test_an_aggregator_counts_photos_of_1_0_and_of_today_together(*, state: bool) -> None:
    world = world_of_1_0(state=state)
    for number in range(12):
        seen = rendered(number, subject="Cara", fingerprint=FINGERPRINT)
        append(world.observations[number % 3], 1, encode(seen))
    home, own = next(
        (message.partition, decode(message.value, Observation))
        for message in one_point_zero.messages(OBSERVATIONS)
        if message.key is not None and message.key.startswith(b"1-")
    )
    again = msgspec.structs.replace(own, observed_at=own.observed_at + 1e6)
    append(world.observations[home], 1, encode(again))
    if not state:  # a new photo of a subject of 1.0, and an old one of a subject of today
        append(
            world.observations[1], 1, encode(rendered(20, subject=SUBJECT, fingerprint=FINGERPRINT))
        )
        append(world.observations[2], 1, encode(msgspec.structs.replace(own, subject="Cara")))
    asyncio.run(worked_through(world))
    wanted = counted_once(world.observations)
    assert {record.subject for record in world.skeletons.values()} <= set(wanted)
    made = {record.subject: record.observations for record in world.skeletons.values()}
    assert made["Cara"] == 12 + (not state)
    assert state or made == {"Ada": 7, "Cara": 13}


def test_the_state_of_1_0_is_taken_up_while_the_weights_are_the_same() -> None:
    world = world_of_1_0(state=True)
    worker = asyncio.run(worked_through(world))
    ends = {partition: log[-1][0] + 1 for partition, log in world.observations.items()}
    assert {
        number: part.intake.next_offset for number, part in worker.levels[0].parts.items()
    } == ends
