"""What a run's files tell once somebody was forgotten, or a photo left out by hand."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.observed import observation

from avatarrig.body.estimate import EstimateOptions
from avatarrig.pipeline.decisions import deciding
from avatarrig.pipeline.decisions.deciding import (
    estimate_files,
    exclude_from_run,
    include_in_run,
    known_photos,
)
from avatarrig.pipeline.forgotten_files import forget_files
from avatarrig.pipeline.results import estimate_again, write_results
from avatarrig.runs import (
    Pictures,
    RunDirectory,
    decided_since,
    read_decisions,
    read_index,
    read_standings,
    write_observation,
    write_standings,
)
from avatarrig.views.pipeline_status import PipelineStatus, SkeletonStatus, with_decisions_since
from avatarrig.views.progress import Found, Progress
from avatarrig.wire import PhotoReference, Reject
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN

RUN = "0123456789ab"
PEOPLE = {"Anna": 3, "Bert": 2}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A finished run of two people, each with a photo that was rejected."""
    directory = RunDirectory(tmp_path / "run")
    fingerprint = observation(0).fingerprint
    progress = Progress(RUN, fingerprint)
    number = 0
    for subject, photos in PEOPLE.items():
        for _ in range(photos):
            seen = observation(number, subject, run=RUN)
            seen = msgspec.structs.replace(seen, path=f"{subject}/{number}.jpg")
            write_observation(directory, seen, Pictures())
            progress.found(Found(seen.image_id, seen.path, subject))
            progress.observation(seen, 0, number, 0.0)
            number += 1
        refused = Found(f"junk{subject}", f"{subject}/junk.jpg", subject)
        progress.found(refused)
        progress.reject(_reject(refused, fingerprint), 0.0)
    directory.logs.mkdir(parents=True)
    (directory.logs / "detector-0.log").write_text("Anna/junk.jpg was rejected\n")
    write_results(
        directory,
        progress,
        estimate_again(directory, progress, EstimateOptions()),
        dataset_dir="photos",
        settings={"fingerprint": fingerprint},
        still_counted=0,
    )
    return directory


def _reject(photo: Found, fingerprint: str) -> Reject:
    return Reject(
        reason="unsupported",
        message="no photo",
        attempts=1,
        rejected_at=0.0,
        reference=PhotoReference(
            image_id=photo.image_id,
            dataset="photos",
            path=photo.path,
            subject=photo.subject,
            uri=f"file:///{photo.path}",
            content_hash="00",
            size=1,
            found_at=0.0,
            run=RUN,
        ),
        fingerprint=fingerprint,
        run=RUN,
    )


def summary_of(run: RunDirectory) -> dict[str, Any]:
    return msgspec.json.decode(run.summary.read_bytes(), type=dict[str, Any])


def assert_figures_agree(run: RunDirectory) -> None:
    """What the summary counts is what the index lists, and what lies in the folder."""
    summary, rows = summary_of(run), read_index(run)
    observed = [row for row in rows if row["ok"]]
    assert summary["total_images"] == len(rows)
    assert summary["ok"] == len(observed) == len(list(run.observations.glob("*.json")))
    assert summary["failed"] == len(rows) - len(observed) == len(summary["rejected"])
    assert summary["with_person"] + summary["without_person"] == summary["ok"]
    left_out = sum(row["left_out"] is not None for row in observed)
    assert sum(summary["left_out_of_estimate"].values()) == left_out


def test_a_run_tells_of_those_who_are_left_alone(run: RunDirectory) -> None:
    assert_figures_agree(run)
    exclude_from_run(run.path, ["Anna/0.jpg"], "blurred")
    assert_figures_agree(run)
    forget_files(run.path, "Anna")
    assert_figures_agree(run)
    assert summary_of(run)["total_images"] == PEOPLE["Bert"] + 1
    assert [each["rel_image_path"] for each in summary_of(run)["rejected"]] == ["Bert/junk.jpg"]
    left = [each for each in run.path.rglob("*") if "Anna" in str(each.relative_to(run.path))]
    assert left == []  # not even a folder with the name
    told = [each for each in run.path.rglob("*") if each.is_file() and b"Anna" in each.read_bytes()]
    assert told == []


def test_of_somebody_who_is_forgotten_no_decision_stays_however_the_name_is_written(
    tmp_path: Path,
) -> None:
    run = RunDirectory(tmp_path)
    for number, subject in enumerate(("Zo\u00eb", "Bert")):
        seen = msgspec.structs.replace(observation(number, subject), path=f"{number}.jpg")
        write_observation(run, seen, Pictures())
    exclude_from_run(run.path, ["*"], "blurred")
    forget_files(run.path, "Zoe\u0308")
    assert {subject for subject, _ in read_decisions(run)} == {"Bert"}
    assert {subject for subject, _ in read_standings(run)} == {"Bert"}


def test_an_index_of_before_is_kept_but_for_what_is_known_to_be_theirs(run: RunDirectory) -> None:
    """It does not say whose a rejected photo was."""
    rows = [{k: v for k, v in row.items() if k != "subject"} for row in read_index(run)]
    run.index.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    forget_files(run.path, "Anna")
    assert_figures_agree(run)
    assert summary_of(run)["failed"] == len(PEOPLE)


def shown(run: RunDirectory) -> dict[str, tuple[int, int | None]]:
    """What `status` says of a run that has ended: photos that count, and their moments."""
    stale = SkeletonStatus(
        subject="", fingerprint="f", observations=0, used=99, moments=99, stable=0, bones=0, age=9e9
    )
    status = PipelineStatus(
        found=0, waiting=0, in_work=0, observed=0, rejected=0, rejected_by_reason={}, replicas=0,
        photos_per_second=0.0, oldest_waiting=None, groups=[],
        skeletons=[msgspec.structs.replace(stale, subject=name) for name in PEOPLE],
    )  # fmt: skip
    seen = with_decisions_since(status, run, run.summary.stat().st_mtime)
    return {each.subject: (each.used, each.moments) for each in seen.skeletons}


def test_status_tells_what_was_decided_since_the_run_ended(run: RunDirectory) -> None:
    """The run's topics hear of it at its next start; its files know it at once."""
    stale = (99, 99)
    assert not decided_since(run)
    assert set(shown(run).values()) == {stale}
    photo = next(row["rel_image_path"] for row in read_index(run) if not row.get("left_out", "no"))
    changed = exclude_from_run(run.path, [photo], "blurred")
    assert decided_since(run)
    assert shown(run) == {
        name: (estimate.used, estimate.moments) for name, estimate in changed.estimates.items()
    }
    write_standings(run, {key: made.standing for key, made in read_decisions(run).items()})
    assert not decided_since(run)  # the next run has told the topics
    include_in_run(run.path, [photo], "")
    assert shown(run)["Anna"][0] == changed.estimates["Anna"].used + 1


def test_a_decision_that_was_undone_before_the_next_run_changes_nothing(run: RunDirectory) -> None:
    exclude_from_run(run.path, ["Bert/3.jpg"], "")
    include_in_run(run.path, ["Bert/3.jpg"], "")
    assert not decided_since(run)


def test_a_copy_of_a_file_counts_no_photo_twice(run: RunDirectory) -> None:
    known = sorted(photo.image_id for photo in known_photos(run))
    file = run.observation(known[0])
    file.with_name(f"{known[0]}-copy.json").write_bytes(file.read_bytes())
    assert sorted(photo.image_id for photo in known_photos(run)) == known


def test_what_was_decided_goes_however_the_name_is_written(tmp_path: Path) -> None:
    """Some systems write an accent as a letter of its own."""
    run = RunDirectory(tmp_path)
    for number, subject in enumerate((unicodedata.normalize("NFC", "Zoë"), "Bert")):
        write_observation(run, observation(number, subject), Pictures())
        exclude_from_run(tmp_path, [f"photo-{number}"], "")
        write_standings(run, {(subject, f"photo-{number}"): "left_out"})
    forget_files(tmp_path, unicodedata.normalize("NFD", "Zoë"))
    assert [subject for subject, _ in read_decisions(run)] == ["Bert"]


def test_what_is_gone_counts_no_more_when_it_is_brought_back(run: RunDirectory) -> None:
    (key,) = (photo.key for photo in known_photos(run) if photo.path == "Anna/1.jpg")
    write_standings(run, {key: Exclusion.GONE.value})
    before = msgspec.json.encode(estimate_files(run))
    exclude_from_run(run.path, ["Anna"], "")
    write_standings(run, {each: made.standing for each, made in read_decisions(run).items()})
    assert msgspec.json.encode(include_in_run(run.path, ["Anna"], "").estimates) == before


@pytest.mark.parametrize(
    "standing", [Exclusion.GONE.value, Exclusion.OUT_OF_PERIOD.value, Exclusion.DUPLICATE.value]
)
@pytest.mark.parametrize("name", ["Anna/1.jpg", "Anna/*"])
@pytest.mark.parametrize("runs_between", [False, True])
def test_what_is_brought_back_stands_as_it_did_before_it_was_left_out(
    run: RunDirectory,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    standing: str,
    *,
    runs_between: bool,
) -> None:
    monkeypatch.setattr(deciding, "estimate_files", lambda _: {})
    (key,) = (photo.key for photo in known_photos(run) if photo.path == "Anna/1.jpg")
    write_standings(run, {key: standing})
    exclude_from_run(run.path, [name], "")
    if runs_between:
        write_standings(run, {each: made.standing for each, made in read_decisions(run).items()})
    include_in_run(run.path, [name], "")
    assert read_standings(run)[key] == standing
    assert decided_since(run) is runs_between
    assert not any(made.standing for made in read_decisions(run).values())

    # The next run looks at the dataset anew: the photo is there again, and nobody decided.
    write_standings(run, {})
    assert read_standings(run)[key] == AS_SEEN


def test_an_earlier_version_of_a_photo_is_decided_along_and_never_counts(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "estimate_files", lambda _: {})
    (now,) = (photo.key for photo in known_photos(run) if photo.path == "Anna/1.jpg")
    earlier = msgspec.structs.replace(observation(50, "Anna"), path="Anna/1.jpg", run=RUN)
    write_observation(run, earlier, Pictures())
    gone = {("Anna", earlier.image_id): Exclusion.GONE.value}
    write_standings(run, gone)
    told = exclude_from_run(run.path, ["Anna/1.jpg"], "").photos
    assert [photo.key for photo in told] == [now]
    # The file may have been replaced only after it was left out: what holds for both is left_out.
    write_standings(run, {key: made.standing for key, made in read_decisions(run).items()})
    told = include_in_run(run.path, ["Anna/1.jpg"], "").photos
    assert [photo.key for photo in told] == [now]
    assert read_standings(run) == gone | {now: AS_SEEN}
    assert not any(made.standing for made in read_decisions(run).values())
    (told_by_name,) = exclude_from_run(run.path, [earlier.image_id], "").photos
    assert told_by_name.image_id == earlier.image_id
