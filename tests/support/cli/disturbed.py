"""Runs of the whole command that tests disturb while they go, and what must hold afterwards."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
from support.cli.paced_command import DETECTION_SECONDS
from support.command import Result

from avatarrig.kafka.clients import open_reader
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.runs import RunDirectory, RunIdentity
from avatarrig.wire import Observation, decode
from avatarrig.wire.topics import OBSERVATIONS, detector_group

TESTS = Path(__file__).parents[2]
PATIENCE = 400.0
"""Seconds that a condition may take on a machine that is busy with other things."""
HELD = 1e9
REPLICA, SANDBOX, AGGREGATOR = "processors", "processors.sandbox.process", "aggregators"
BROKER, STORAGE_TOOL, GUARD = "kafka.Kafka", "kafka.tools.StorageTool", "guard.py"


class Flock:
    """A dataset of many scripted photos, and how quickly they are looked at."""

    def __init__(self, folder: Path, count: int) -> None:
        self.photos = folder / "Flock"
        self.photos.mkdir(parents=True)
        self.count = count
        self._pace = folder / "pace"
        self.pace(0)
        for number in range(count):
            self.add(f"{number:04}.jpg", f"number-{number}")

    def add(self, name: str, script: str) -> None:
        (self.photos / name).write_text(f"{script} pace:{self._pace}")

    def copy(self, folder: Path) -> Path:
        """Copies the photos, so that a test may add some of its own."""
        return Path(shutil.copytree(self.photos, folder / self.photos.name))

    def pace(self, seconds: float) -> None:
        """Sets how long one photo takes from now on; `HELD` lets none pass."""
        new = self._pace.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self._pace)


class Disturbed:
    """The command at work on photos, with its processes in reach."""

    def __init__(
        self,
        photos: Path,
        run: Path,
        *options: str,
        module: str = "support.cli.paced_command",
        detection_seconds: float = 1e6,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.run = RunDirectory(run)
        run.parent.mkdir(parents=True, exist_ok=True)
        self._words = run.parent / f"{run.name}-{time.monotonic_ns()}"
        with self._words.with_suffix(".out").open("wb") as out, self._errors.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, photos, "--out", run, "--json", *options],
                stdout=out,
                stderr=err,
                env=os.environ
                | {"PYTHONPATH": str(TESTS), DETECTION_SECONDS: str(detection_seconds)}
                | (environment or {}),
                cwd=TESTS.parent,
            )

    @property
    def _errors(self) -> Path:
        return self._words.with_suffix(".err")

    def family(self) -> list[psutil.Process]:
        """All processes that the command started, and theirs."""
        family: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid).children(recursive=True)
        return family

    def members(self, kind: str) -> list[psutil.Process]:
        """Those of the family that are replicas, sandboxes, the aggregator or the broker."""
        found = []
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                if any(part == kind or part.endswith(f"/{kind}") for part in process.cmdline()):
                    found.append(process)
        return found

    def member(self, slot: int) -> str:
        """Name of a replica in its group, and of its transactions."""
        run = msgspec.json.decode((self.run.private / "run.json").read_bytes(), type=RunIdentity)
        return f"{detector_group(run.run)}.{slot}"

    def observed(self) -> int:
        """Photos whose file is there."""
        return len(list(self.run.observations.glob("*.json")))

    def kill(self, kind: str, dice: random.Random) -> None:
        """Kills one of a kind, as soon as there is one."""
        self.wait_for(lambda: self.members(kind))
        for process in dice.sample(self.members(kind), 1):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def kill_one(self, kind: str) -> None:
        """Kills the first of a kind, as soon as there is one."""
        self.wait_for(lambda: self.members(kind))
        for process in self.members(kind)[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def kill_everything(self) -> None:
        """Kills the command and all that it started at once."""
        family = self.family()
        for process in (self.process, *family):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        wait_until_gone(family)

    def estimated(self) -> int:
        """Photos that the estimate's file contains."""
        try:
            estimate = msgspec.json.decode(self.run.estimate.read_bytes())
        except FileNotFoundError:
            return 0
        return int(estimate["photos"]["observed"])

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Waits for a condition while the command goes on."""
        give_up = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, self.errors()
            assert time.monotonic() < give_up, f"{self.observed()} observed. {self.errors()}"
            time.sleep(0.05)

    def wait_for_observed(self, count: int) -> None:
        self.wait_for(lambda: self.observed() >= count)

    def errors(self) -> str:
        """What it wrote for people."""
        return self._errors.read_text()

    def end(self) -> int:
        """Waits for its end; returns the exit status."""
        return self.process.wait(PATIENCE)

    def result(self) -> Result:
        """Waits for its end, which must be a good one."""
        assert self.end() == 0, self.errors()
        document = msgspec.json.decode(self._words.with_suffix(".out").read_bytes())
        return Result(self.run.path, document, self.run.estimate.read_bytes())

    def close(self) -> None:
        """Ends what is left of it."""
        if self.process.poll() is None:
            family = self.family()
            self.process.kill()
            self.process.wait()
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()


@contextlib.contextmanager
def own_kafka(run: Path) -> Iterator[KafkaSettings]:
    """The embedded broker of a run that has ended."""
    with EmbeddedBroker(RunDirectory(run).broker) as broker:
        yield KafkaSettings(bootstrap_servers=broker.bootstrap_servers)


def read_committed(kafka: KafkaSettings, topic: str) -> list[bytes]:
    """Everything committed on a topic."""
    reader = open_reader(kafka, [topic])
    try:
        values: list[bytes] = []
        while not reader.assignment():
            reader.poll(timeout_ms=100)
        ends = reader.end_offsets(list(reader.assignment()))
        reader.seek_to_beginning(*ends)
        while any(reader.position(place) < end for place, end in ends.items()):
            for batch in reader.poll(timeout_ms=200).values():
                values += [record.value for record in batch]
        return values
    finally:
        reader.close()


def times_observed(kafka: KafkaSettings) -> Counter[str]:
    """How often each photo is on the observations topic."""
    found: Counter[str] = Counter()
    for value in read_committed(kafka, OBSERVATIONS):
        with contextlib.suppress(ValueError):  # garbage that a test has put there
            found[decode(value, Observation).image_id] += 1
    return found


def assert_whole(result: Result, undisturbed: Result, kafka: KafkaSettings | None = None) -> None:
    """Every photo counted, each once, and the estimate is that of an undisturbed run."""
    photos = result.document["photos"]
    assert photos["found"] == photos["observed"] + photos["rejected"]
    assert photos["observed"] == undisturbed.document["photos"]["observed"]
    if kafka is None:
        with own_kafka(result.run) as own:
            times = times_observed(own)
    else:
        times = times_observed(kafka)
    assert set(times.values()) == {1}, times.most_common(5)
    assert len(times) == photos["observed"]
    assert {file.stem for file in (result.run / "observations").iterdir()} == set(times)
    assert not list(result.run.rglob("*.part"))
    assert result.estimate == undisturbed.estimate


def wait_until_gone(processes: list[psutil.Process]) -> None:
    """Waits until none of these runs any more."""
    give_up = time.monotonic() + PATIENCE
    while left := [process for process in processes if _runs(process)]:
        assert time.monotonic() < give_up, left
        time.sleep(0.1)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
