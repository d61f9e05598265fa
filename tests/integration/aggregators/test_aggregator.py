"""The aggregator on Apache Kafka: each photo counts once, whatever happens to the workers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from support.aggregators.aggregating import (
    Aggregator,
    aggregator,
    counted,
    document,
    producer,
    reading,
    send,
)
from support.body.tallies import tallied, tally_update
from support.deploy.scraping import Scrape, get, get_json
from support.kafka import SecureKafka, with_topics
from support.kafka_parts.topics import read_to_end
from support.observed import observation
from support.waiting import PATIENCE, wait_for

from aggregators.settings import AggregatorSettings
from avatarrig.errors import ExitCode
from avatarrig.kafka.clients import open_reader
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.embedded.ports import choose_ports
from avatarrig.kafka.reading import partitions_of
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client, create_topics
from avatarrig.page.settings import PageSettings
from avatarrig.wire import Forget, encode
from avatarrig.wire.history import history_of
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.topics import (
    AGGREGATORS,
    HISTORY,
    OBSERVATIONS,
    REJECTS,
    SKELETONS,
    TALLIES,
    pipeline_topics,
)

pytestmark = pytest.mark.broker

PARTITIONS = 6
GONE_WITHIN = 10.0
CRASHING = "tests.support.aggregators.crashing_worker"
"""Seconds in which a worker that crashed has ended, also on a machine that is busy."""


@pytest.fixture
def kafka(empty_kafka: EmbeddedBroker) -> KafkaSettings:
    return with_topics(empty_kafka, PARTITIONS)


def test_two_workers_share_the_partitions_and_take_over_from_each_other(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    photos = [observation(number, "ben") for number in range(300)]
    with (
        producer(kafka) as out,
        reading(kafka, SKELETONS) as estimates,
        aggregator(kafka, tmp_path) as first,
    ):
        first.wait_until("working")
        send(out, photos[:100])
        estimates.until(counted(50, "ben"))
        with aggregator(kafka, tmp_path) as second:
            second.wait_until("working")
            send(out, photos[50:200])
            estimates.until(counted(200, "ben"))
            assert first.stop() == ExitCode.DONE
            send(out, photos[150:])
            last = estimates.until(counted(300, "ben"))[-1]
    assert last.estimate == document(photos, "ben")


def test_lost_and_damaged_changelogs_are_rebuilt_from_the_topics(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    photos = [observation(number) for number in range(140)]
    with producer(kafka) as out, reading(kafka, SKELETONS) as estimates:
        with aggregator(kafka, tmp_path) as worker:
            worker.wait_until("working")
            send(out, photos[:100])
            estimates.until(counted(100))
            worker.stop()
        for lost, damaged, known in (("observed", "tallied", 120), ("tallied", "observed", 140)):
            with admin_client(kafka) as admin:
                delete_topics(admin, [f"{AGGREGATORS}-{lost}-changelog"])
            damage(kafka, out, f"{AGGREGATORS}-{damaged}-changelog")
            with aggregator(kafka, tmp_path) as worker:
                worker.wait_until("working")
                send(out, photos[known - 40 : known])
                last = estimates.until(counted(known))[-1]
                worker.stop()
                assert "state dropped, reading from the start" in worker.words()
            assert last.estimate == document(photos[:known])


def damage(kafka: KafkaSettings, out: KafkaProducer, topic: str) -> None:
    """Cuts off the end of everything in a changelog."""
    for message in read_all(kafka, topic):
        if message.value:
            out.send(topic, key=message.key, value=message.value[:-1], partition=message.partition)
    out.flush()


def read_all(kafka: KafkaSettings, topic: str) -> list[Any]:
    with open_reader(kafka) as reader:
        starts = reader.beginning_offsets(partitions_of(reader, topic))
        return [message for _, message in read_to_end(reader, starts)]


def delete_topics(admin: KafkaAdminClient, names: list[str]) -> None:
    admin.delete_topics(names)
    wait_for(lambda: not set(names) & set(admin.list_topics()))


def test_what_says_to_contain_more_than_there_is_is_refused_and_nothing_waits_for_it(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    photos = [observation(number) for number in range(60)]
    beyond = (1 << 63) - 1
    forget = Forget(forget=subject_digest("anna"), forgotten_at=1.0, offset=beyond)
    tally = tallied(photos[:1])
    with (
        producer(kafka) as out,
        reading(kafka, SKELETONS) as estimates,
        reading(kafka, REJECTS) as refused,
        aggregator(kafka, tmp_path) as worker,
        aggregator(kafka, tmp_path) as another,
    ):
        worker.wait_until("working")
        another.wait_until("working")
        send(out, photos[:30])
        estimates.until(counted(30))
        for number in range(PARTITIONS):
            gone = encode(msgspec.structs.replace(forget, partition=number))
            for value in (gone, tally_update(tally, number, beyond)):
                for place in range(PARTITIONS):
                    out.send(TALLIES, key=b"forged", value=value, partition=place)
        out.flush()
        send(out, photos[30:])
        last = estimates.until(counted(60))[-1]
        refused.until(lambda records: len(records) >= 2 * PARTITIONS**2)
    assert last.estimate == document(photos)
    assert all("ends before offset" in record.message for record in refused.records)


def test_records_of_an_aborted_transaction_never_count(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    photos = [observation(number) for number in range(90)]
    with (
        producer(kafka, transactional_id="detector-0") as out,
        reading(kafka, SKELETONS) as estimates,
        aggregator(kafka, tmp_path) as worker,
    ):
        worker.wait_until("working")
        out.init_transactions()
        for kept, begin in ((True, 0), (False, 30), (True, 60)):
            out.begin_transaction()
            send(out, photos[begin : begin + 30])
            if kept:
                out.commit_transaction()
            else:
                out.abort_transaction()
        last = estimates.until(counted(60))[-1]
        assert last.observations == 60
    assert last.estimate == document(photos[:30] + photos[60:])


def test_what_was_taken_in_is_published_after_a_stop_and_a_start_and_it_ends_as_its_owner_does(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    photos = [observation(number) for number in range(500)]
    with producer(kafka) as out, reading(kafka, SKELETONS) as estimates:
        with aggregator(kafka, tmp_path) as worker:
            worker.wait_until("working")
            send(out, photos)
            estimates.until(counted(1))
            assert worker.stop() == ExitCode.DONE
        with aggregator(kafka, tmp_path, die_with_parent=True) as worker:
            last = estimates.until(counted(500))[-1]
            assert worker.hang_up() == ExitCode.DONE
    assert last.estimate == document(photos)


def test_a_worker_that_gets_no_further_ends_to_be_started_anew(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    """Joining its group takes longer than it is given here to show any progress."""
    with aggregator(kafka, tmp_path, stuck_after=0.25) as worker:
        assert worker.process.wait(PATIENCE) == ExitCode.TRY_AGAIN
        assert "no progress, starting anew" in worker.words()


def test_every_estimate_is_noted_in_the_history_with_its_window(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    photos = [observation(number) for number in range(60)]
    with (
        producer(kafka) as out,
        reading(kafka, SKELETONS) as estimates,
        reading(kafka, HISTORY) as notes,
        aggregator(kafka, tmp_path, window_days=7) as worker,
    ):
        worker.wait_until("working")
        send(out, photos[:30])
        estimates.until(counted(30))
        send(out, photos[30:])
        estimates.until(counted(60))
        notes.until(counted(60))
        noted = notes.records
    assert noted == [history_of(record) for record in estimates.records]
    last = estimates.records[-1].estimate
    assert last.window is not None
    assert last.window.days == 7
    assert noted[-1].ratios["hip_width"].value == last.estimates["hip_width"]
    assert noted[-1].window["hip_width"][0] == last.window.stats["hip_width"].value


def test_missing_topics_are_named(empty_kafka: EmbeddedBroker, tmp_path: Path) -> None:
    kafka = KafkaSettings(bootstrap_servers=empty_kafka.bootstrap_servers)
    with aggregator(kafka, tmp_path) as worker:
        assert OBSERVATIONS in worker.wait_until("failed")
        assert worker.process.wait(PATIENCE) == ExitCode.UNUSABLE


def test_it_works_over_tls_with_credentials(secure_kafka: SecureKafka, tmp_path: Path) -> None:
    kafka = secure_kafka.settings()
    create_topics(kafka, pipeline_topics(2))
    with (
        producer(kafka) as out,
        reading(kafka, SKELETONS) as estimates,
        aggregator(kafka, tmp_path, group="secured") as worker,
    ):
        worker.wait_until("working")
        photos = [observation(number, "clara") for number in range(20)]
        send(out, photos)
        last = estimates.until(counted(20, "clara"))[-1]
        assert worker.stop() == ExitCode.DONE
        assert kafka.password
    assert kafka.password not in worker.words()
    assert last.estimate == document(
        [observation(number, "clara") for number in range(20)], "clara"
    )


def test_it_serves_its_page_and_tells_prometheus_what_it_does(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    port = choose_ports().client
    url = f"http://127.0.0.1:{port}"
    before = time.time()
    now = [msgspec.structs.replace(observation(n), found_at=before - 3) for n in range(20)]
    with (
        producer(kafka) as out,
        reading(kafka, SKELETONS) as estimates,
        aggregator(kafka, tmp_path, page=PageSettings(port=port)) as worker,
    ):
        worker.wait_until("working")
        assert get_json(f"{url}/health") == (200, {"status": "alive"})
        assert get_json(f"{url}/ready") == (200, {"status": "ready"})
        assert get(f"{url}/")[0] == 200
        send(out, [*now, b"no record"])
        estimates.until(counted(20))
        wait_for(lambda: Scrape.of(url).value("avatarrig_rejects_total", stage="aggregate") == 1)
        wait_for(lambda: Scrape.of(url).value("avatarrig_kafka_up") == 1)
        lag = {"group": AGGREGATORS, "topic": OBSERVATIONS}
        wait_for(lambda: Scrape.of(url).value("avatarrig_consumer_lag", **lag) == 0)
        seen = Scrape.of(url)
        messages = "avatarrig_aggregate_messages_total"
        assert seen.value(messages, topic=OBSERVATIONS) == 21
        assert seen.value(messages, topic=TALLIES) >= 1
        assert seen.value("avatarrig_rejects_total", reason="malformed") == 1
        assert seen.value("avatarrig_estimates") == 1
        assert seen.value("avatarrig_kafka_up") == 1
        published = seen.value("avatarrig_estimates_published_total")
        assert published == len(estimates.records)
        assert seen.value("avatarrig_estimate_seconds_count") >= published
        # The first is made of as few photos as had arrived, which may not show a bone yet.
        with_bones = [record for record in estimates.records if record.estimate.stats]
        assert seen.value("avatarrig_estimate_interval_width_count") == len(with_bones)
        assert 0 < seen.value("avatarrig_estimate_interval_width_sum") < published
        assert seen.value("avatarrig_photo_to_estimate_seconds_count") >= 1
        assert seen.value("avatarrig_photo_to_estimate_seconds_sum") >= 3
        assert seen.value("avatarrig_estimate_published_timestamp_seconds") >= before


def test_it_is_not_ready_before_it_works(kafka: KafkaSettings, tmp_path: Path) -> None:
    port = choose_ports().client
    gone = KafkaSettings(bootstrap_servers=f"127.0.0.1:{choose_ports().client}")
    with aggregator(gone, tmp_path, page=PageSettings(port=port)):
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: is_open(port))
        status, words = get_json(f"{url}/ready")
        assert (status, words["status"]) == (503, "not ready")
        assert get_json(f"{url}/health")[0] == 200
        assert Scrape.of(url).value("avatarrig_kafka_up") == 0


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def busy_machine() -> Iterator[None]:
    """Keeps all cores busy with other things."""
    burners = [
        subprocess.Popen((sys.executable, "-c", "while True: pass"))
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


@pytest.mark.parametrize("step", ["take", "publish", "save", "recover", "release"])
def test_a_worker_that_crashes_is_gone_soon_and_the_next_one_works(
    kafka: KafkaSettings, tmp_path: Path, step: str
) -> None:
    settings = AggregatorSettings(kafka=kafka, worker="one")
    with (
        closing(Aggregator(settings, tmp_path, ("-m", CRASHING, step))) as first,
        producer(kafka) as out,
        reading(kafka, SKELETONS) as estimates,
    ):
        if step != "recover":
            first.wait_until("working")
        with busy_machine() if step == "take" else nullcontext():
            send(out, [observation(number) for number in range(20)])
            if step == "release":
                first.process.terminate()
            else:
                wait_for(lambda: "FaultError" in first.words(), patience=PATIENCE)
            crashed_at = time.monotonic()
            code = first.process.wait(PATIENCE)
            gone_after = time.monotonic() - crashed_at
        assert gone_after < GONE_WITHIN
        assert code in {ExitCode.DONE, ExitCode.TRY_AGAIN}
        with aggregator(kafka, tmp_path, worker="one"):
            last = estimates.until(counted(20))[-1]
    assert last.estimate == document([observation(number) for number in range(20)])
