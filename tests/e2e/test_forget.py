"""Forgetting the subject of a run: its files go, and the same command finds the photos anew."""

from __future__ import annotations

from pathlib import Path

from support.command import Command, copy_demo, finished

from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.runs import RunDirectory


def test_a_run_forgets_its_subject_and_can_begin_again(command: Command, tmp_path: Path) -> None:
    photos = copy_demo(tmp_path / "Someone", ["1.jpg", "2.jpg"])
    run = tmp_path / "run"
    arguments = (photos, "--out", run, "--json", "--debug-overlays", "--save-masks")
    first = finished(command.run(*arguments), run)
    asked = command.run("forget", "Someone", "--run", run)
    assert asked.returncode == 1  # nobody said yes
    assert (run / "skeleton_estimate.json").is_file()

    with EmbeddedBroker(RunDirectory(run).broker):
        forgotten = command.run("forget", "Someone", "--run", run, "--yes")
        assert forgotten.returncode == 0, forgotten.stderr
        listed = command.run("status", "--run", run, "--json")
        assert '"skeletons":[]' in listed.stdout
    assert [file for file in run.rglob("*") if file.suffix in {".json", ".png", ".jsonl"}] == [
        run / ".avatarrig" / "run.json",
        run / ".avatarrig" / "broker" / "ports.json",
    ]

    again = finished(command.run(*arguments), run)
    assert again.document["photos"] == first.document["photos"]
    assert again.estimate == first.estimate
