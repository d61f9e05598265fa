"""Forgetting the subject of a run: its files go, and the same command finds the photos anew."""

from __future__ import annotations

from pathlib import Path

from support.command import Command, copy_demo, finished

from avatarrig.kafka.embedded import EmbeddedBroker


def test_a_run_forgets_its_subject_and_can_begin_again(
    command: Command, empty_kafka: EmbeddedBroker, tmp_path: Path
) -> None:
    photos = copy_demo(tmp_path / "Someone", ["1.jpg", "2.jpg"])
    run = tmp_path / "run"
    servers = ("--bootstrap-servers", empty_kafka.bootstrap_servers)
    forget = ("forget", "Someone", "--out", run, *servers)
    pictures = ("--debug-overlays", "--save-masks")
    arguments = (photos, "--out", run, "--json", "--workers", "1", *pictures, *servers)
    first = finished(command.run(*arguments), run)
    asked = command.ask(*forget)
    assert asked.exit_code == 1  # nobody said yes
    assert (run / "skeleton_estimate.json").is_file()

    forgotten = command.ask(*forget, "--yes")
    assert forgotten.exit_code == 0, forgotten.stderr
    assert '"skeletons":[]' in command.ask("status", "--json", *servers).stdout
    assert [file for file in run.rglob("*") if file.suffix in {".json", ".png", ".jsonl"}] == [
        run / ".avatarrig" / "run.json"
    ]

    again = finished(command.run(*arguments), run)
    assert again.document["photos"] == first.document["photos"]
    assert again.estimate == first.estimate
