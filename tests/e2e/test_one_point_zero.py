"""A run that 1.0 finished, given again to today's command."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
from support.command import Command, finished
from support.wire import one_point_zero
from support.wire.one_point_zero import HEIGHT, SUBJECT, WINDOW, check_estimate

from avatarrig.kafka.embedded import EmbeddedBroker

OPTIONS = ("--height", HEIGHT, "--window", WINDOW, "--workers", "1", "--json")


def stamps(run: Path) -> dict[str, tuple[int, bytes]]:
    """When each observation was written, and what it says."""
    files = (run / "observations").iterdir()
    return {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in files}


def test_nothing_is_detected_anew_but_a_new_photo_and_the_estimate_is_that_of_1_0(
    command: Command, empty_kafka: EmbeddedBroker, tmp_path: Path
) -> None:
    photos, run = one_point_zero.copy_run(tmp_path)
    servers = ("--bootstrap-servers", empty_kafka.bootstrap_servers)
    before = stamps(run)
    again = finished(command.run(photos, "--out", run, *OPTIONS, *servers), run)
    assert stamps(run) == before
    assert again.document["photos"] == {
        "found": 7, "observed": 6, "with_person": 5, "rejected": 1, "waiting": 0
    }  # fmt: skip
    check_estimate(again.document["skeletons"][SUBJECT], one_point_zero.estimate())
    check_estimate(msgspec.json.decode(again.estimate), one_point_zero.estimate())

    shutil.copy(one_point_zero.DATA.parents[2] / "inputs/datasets/Demo/008.jpg", photos / "5.jpg")
    again = finished(command.run(photos, "--out", run, *OPTIONS, *servers), run)
    after = stamps(run)
    assert {name: after[name] for name in before} == before
    (new,) = after.keys() - before.keys()
    assert new.startswith("5-")
    assert again.document["photos"]["observed"] == 7
    assert again.document["skeletons"][SUBJECT]["used_observations"] == 5
