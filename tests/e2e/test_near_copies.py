"""A burst, of which the sharpest photo is detected, and later all."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bursts import burst
from support.command import DEMO, Command, copy_demo, finished

from avatarrig.kafka.embedded import EmbeddedBroker

BURST = 6


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = copy_demo(tmp_path / "Ann", ("001.jpg", "002.jpg"))
    for number, frame in enumerate(burst(DEMO / "000.jpg", BURST, sharpest=4)):
        (folder / f"burst{number}.jpg").write_bytes(frame)
    return folder


def test_the_sharpest_is_detected_and_without_the_choice_all_are(
    made_up: Command, kafka: EmbeddedBroker, photos: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    servers = ("--bootstrap-servers", kafka.bootstrap_servers)
    asked = (photos, "--out", run, "--workers", "1", "--json", *servers)
    sharpest = finished(made_up.run(*asked, "--sharpest-of-moment", "1"), run).document
    assert sharpest["photos"] == {
        "found": 2 + BURST,
        "observed": 3,
        "with_person": 3,
        "rejected": BURST - 1,
        "near_copies": BURST - 1,
        "waiting": 0,
    }
    assert {(reject["reason"], reject["message"]) for reject in sharpest["rejected"]} == {
        ("near_copy", "a near-copy of burst4.jpg, which is detected")
    }
    assert sharpest["skeletons"]["Ann"]["photos"]["observed"] == 3

    kept = (run / "observations").glob("*.json")
    before = {file: file.read_bytes() for file in kept}
    again = finished(made_up.run(*asked, "--sharpest-of-moment", "1"), run).document
    assert again["photos"] == sharpest["photos"]

    everything = finished(made_up.run(*asked), run).document
    assert everything["photos"] == {
        "found": 2 + BURST,
        "observed": 2 + BURST,
        "with_person": 2 + BURST,
        "rejected": 0,
        "waiting": 0,
    }
    assert everything["skeletons"]["Ann"]["photos"]["observed"] == 2 + BURST
    assert {file: file.read_bytes() for file in before} == before
