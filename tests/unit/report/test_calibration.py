from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.observed import observation
from support.pictures import damaged_pngs

from avatarrig.cli.commands.audit import audit
from avatarrig.cli.commands.calibrate import calibrate
from avatarrig.report.calibration.audit import choose_sample, to_csv, without_gone
from avatarrig.report.calibration.labels import LabelsRefusedError, labelled, read_labels
from avatarrig.report.calibration.measured import (
    MeasuredPhoto,
    MeasuredRun,
    UnreadableRunError,
    measure_run,
    runs_in,
)
from avatarrig.report.calibration.suggestion import (
    WANTED_PRECISION,
    separate,
    suggest_from_distributions,
    suggest_from_labels,
)
from avatarrig.runs import RunDirectory
from avatarrig.runs.decisions import Decided, write_decisions, write_standings
from avatarrig.runs.files import Pictures, write_observation
from avatarrig.wire.reasons import Exclusion


def photo(
    score: float, *, inmask: float | None = 1.0, bones: int = 8, name: str = "p"
) -> MeasuredPhoto:
    return MeasuredPhoto(
        image_id=f"{name}-{score}",
        path=f"{name}-{score}.jpg",
        found=True,
        score=score,
        inmask=inmask,
        bones=bones,
        frame_kind="upper_body",
    )


def prototype_observation(name: str, score: float) -> dict[str, Any]:
    found = score > 0
    return {
        "image_id": name,
        "rel_image_path": f"album one/{name}.jpg",
        "width": 640,
        "height": 960,
        "status": {"ok": found, "errors": []},
        "pose": {"landmarks": [{"x": 0.5}] * 33 if found else []},
        "meta": {
            "pose_score": score,
            "pose_inmask_ratio": 0.9 if found else None,
            "pose_supported_bones": 8 if found else 0,
            "frame_kind": "full_or_mostly_full" if found else "partial",
        },
    }


@pytest.fixture
def prototype_run(tmp_path: Path) -> Path:
    run = tmp_path / "run"
    (run / "observations").mkdir(parents=True)
    (run / "overlays").mkdir()
    for index in range(40):
        score = 0.0 if index < 20 else round(0.5 + 0.01 * index, 3)
        name = f"IMG_{index:03}"
        (run / "observations" / f"{name}.json").write_text(
            json.dumps(prototype_observation(name, score))
        )
        if index % 2:
            Image.new("RGB", (300, 400), "green").save(run / "overlays" / f"{name}.png")
    return run


def test_without_labels_the_prototypes_formulas_hold() -> None:
    photos = [photo(score / 100) for score in range(50, 91)]
    thresholds = suggest_from_distributions(photos)
    assert thresholds.min_pose_det == 0.8  # 0.8 times the tenth percentile on the mask
    assert thresholds.min_pose_presence == 0.54  # the 15th percentile of the scores is 0.56
    assert "track" not in thresholds.options()  # MediaPipe ignores it for single images
    no_mask = [photo(score / 100, inmask=None) for score in range(50, 91)]
    assert suggest_from_distributions(no_mask).min_pose_det == 0.56


@pytest.mark.parametrize(
    ("bones", "overlay"), [(10, 0.42), (7, 0.42), (6, 0.38), (5, 0.38), (4, 0.35), (2, 0.32)]
)
def test_the_overlays_threshold_follows_the_median_of_bones(bones: int, overlay: float) -> None:
    assert suggest_from_distributions([photo(0.8, bones=bones)] * 3).overlay_thr == overlay


def test_photos_without_a_pose_are_left_out_of_the_distributions(prototype_run: Path) -> None:
    run = measure_run(prototype_run)
    assert len(run.photos) == 40
    assert len(run.with_pose) == 20
    assert suggest_from_distributions(run.with_pose).min_pose_presence > 0.6


def test_labels_that_a_threshold_separates_lose_nothing() -> None:
    pairs = [(photo(0.4 + 0.01 * i), False) for i in range(20)]
    pairs += [(photo(0.7 + 0.01 * i), True) for i in range(20)]
    thresholds, chosen = suggest_from_labels(pairs)
    assert (chosen.kept_bad, chosen.lost_good) == (0, 0)
    assert 0.59 < thresholds.min_pose_det <= 0.7
    assert thresholds.min_pose_presence == pytest.approx(thresholds.min_pose_det - 0.02)


LABELLED = st.lists(
    st.tuples(st.floats(0, 1).map(photo), st.booleans()), min_size=1, max_size=40
).filter(lambda pairs: any(good for _, good in pairs))


@given(LABELLED)
def test_labels_choose_the_lowest_threshold_that_is_precise_enough(
    pairs: list[tuple[MeasuredPhoto, bool]],
) -> None:
    _, chosen = suggest_from_labels(pairs)
    everywhere = [separate(pairs, round(step / 100, 2)) for step in range(101)]
    precise = [s for s in everywhere if s.precision >= WANTED_PRECISION and s.kept_good]
    if precise:
        assert chosen.precision >= WANTED_PRECISION
        assert chosen.kept_good == max(s.kept_good for s in precise)
    else:
        assert chosen.f1 == pytest.approx(max(s.f1 for s in everywhere))


@given(LABELLED, st.floats(0, 1))
def test_every_labelled_photo_is_kept_or_lost(
    pairs: list[tuple[MeasuredPhoto, bool]], threshold: float
) -> None:
    split = separate(pairs, threshold)
    assert split.kept_good + split.kept_bad + split.lost_good + split.lost_bad == len(pairs)
    assert 0 <= split.precision <= 1
    assert 0 <= split.recall <= 1


@pytest.mark.parametrize(
    "content",
    [
        "image,label\na b.jpg,good\nsub/c.jpg,Bad \nd.jpg,\n",
        "number,image,label\n1,a b.jpg,good\n2,sub\\c.jpg,bad\n",
        "a b.jpg,good\nsub/c.jpg,bad\n",
        "\ufeffimage,label\na b.jpg,good\nsub/c.jpg,bad\n",
    ],
)
def test_labels_are_read_as_people_and_spreadsheets_write_them(
    tmp_path: Path, content: str
) -> None:
    file = tmp_path / "audit.csv"
    file.write_text(content, encoding="utf-8")
    assert read_labels(file) == {"a b.jpg": True, "sub/c.jpg": False}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("image,label\na.jpg,fine\n", r"line 2: 'fine' is no label"),
        ("image,label\na.jpg,good\na.jpg,bad\n", r"line 3: a.jpg is labelled good and bad"),
        ("image,label\na.jpg,\n", "labels no photo"),
        ("", "labels no photo"),
    ],
)
def test_labels_that_mean_nothing_are_refused_with_file_and_line(
    tmp_path: Path, content: str, complaint: str
) -> None:
    file = tmp_path / "audit.csv"
    file.write_text(content)
    with pytest.raises(LabelsRefusedError, match=complaint) as refusal:
        read_labels(file)
    assert str(file) in str(refusal.value)


def test_a_row_that_ends_before_the_image_labels_nothing(tmp_path: Path) -> None:
    file = tmp_path / "audit.csv"
    file.write_text("label,image\ngood\nbad,a.jpg\n")
    assert read_labels(file) == {"a.jpg": False}


@pytest.mark.parametrize("name", ["a\nb.jpg", "a\u2028b.jpg", "a\x0bb.jpg"])
def test_a_path_is_read_as_an_audit_writes_it(tmp_path: Path, name: str) -> None:
    one = msgspec.structs.replace(photo(0.5), path=name)
    file = tmp_path / "audit.csv"
    file.write_bytes(to_csv([one], {}).replace(b",,", b",good,"))
    assert read_labels(file) == {name: True}


@pytest.mark.parametrize("name", ["=1+1.jpg", "+49 1.jpg", "-rf.jpg", "@SUM(A1).jpg"])
def test_a_path_is_no_formula_of_a_table_program(tmp_path: Path, name: str) -> None:
    one = msgspec.structs.replace(photo(0.5), path=name)
    data = to_csv([one], {}).replace(b",,", b",good,")
    assert f"1,./{name},good".encode() in data
    (tmp_path / "audit.csv").write_bytes(data)
    assert labelled([one], read_labels(tmp_path / "audit.csv")) == [(one, True)]


def test_labels_of_other_photos_are_refused() -> None:
    with pytest.raises(LabelsRefusedError, match=r"other\.jpg"):
        labelled([photo(0.5)], {"other.jpg": True})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(1, 30))
def test_an_audit_covers_the_range_of_scores(scores: list[float], size: int) -> None:
    photos = tuple(photo(score, name=str(i)) for i, score in enumerate(scores))
    sample = choose_sample(MeasuredRun(Path("run"), photos), size)
    assert len(sample) == min(size, len(photos)) == len({p.image_id for p in sample})
    assert sample[0].score == min(scores)
    if len(sample) > 1:
        assert sample[-1].score == max(scores)


def test_an_audit_asks_of_a_photo_that_was_replaced_once(tmp_path: Path) -> None:
    """Labels are by path: of two rows of one path the last would hold for both."""
    earlier, now = photo(0.5, name="a"), photo(0.6, name="b")
    write_standings(RunDirectory(tmp_path), {("Anna", earlier.image_id): Exclusion.GONE.value})
    assert without_gone(MeasuredRun(tmp_path, (earlier, now))).photos == (now,)


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRunError, match="no folder 'observations'"):
        measure_run(tmp_path)
    (tmp_path / "observations").mkdir()
    with pytest.raises(UnreadableRunError, match="holds no observation"):
        measure_run(tmp_path)
    (tmp_path / "observations" / "torn.json").write_text('{"meta": ')
    with pytest.raises(UnreadableRunError, match=r"torn\.json is no observation"):
        measure_run(tmp_path)


@pytest.mark.parametrize("wrong", damaged_pngs())
def test_a_sheet_is_drawn_though_an_overlay_is_damaged(prototype_run: Path, wrong: str) -> None:
    for overlay in range(40):
        (prototype_run / "overlays" / f"IMG_{overlay:03}.png").write_bytes(damaged_pngs()[wrong])
    done = CliRunner().invoke(audit, [str(prototype_run), "--sample", "10"])
    assert done.exit_code == 0, done.output


def test_audit_then_calibrate_from_the_command_line(prototype_run: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    done = runner.invoke(audit, [str(prototype_run), "--sample", "10"])
    assert done.exit_code == 0, done.output
    csv_file = prototype_run / "audit.csv"
    assert f"  avatarrig calibrate {prototype_run} --labels {csv_file}" in done.output.splitlines()
    header, *rows = csv_file.read_text().splitlines()
    assert header == "number,image,label,pose_score,frame_kind,estimate"
    assert len(rows) == 10
    with Image.open(io.BytesIO((prototype_run / "audit.jpg").read_bytes())) as sheet:
        assert sheet.size == (1800, 600)

    filled = [row.replace(",,", ",good," if i >= 4 else ",bad,") for i, row in enumerate(rows)]
    csv_file.write_text("\n".join([header, *filled]))
    report = tmp_path / "report.json"
    done = runner.invoke(
        calibrate, [str(prototype_run), "--labels", str(csv_file), "--report", str(report)]
    )
    assert done.exit_code == 0, done.output
    assert "labels: 6 good, 4 bad" in done.output
    document = json.loads(report.read_text())
    assert document["chosen"]["precision"] == 1
    assert document["options"] in done.output
    assert 0.69 < document["thresholds"]["min_pose_det"] <= 0.8


def test_an_audit_says_of_each_photo_whether_it_counts_and_why_not(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    seen = [
        observation(7),
        observation(1, ambiguous=True),
        observation(2, excluded=Exclusion.SOMEBODY_ELSE.words),
        observation(3),
    ]
    for one in seen:
        write_observation(run, one, Pictures())
    left_out = Decided(
        image_id=seen[3].image_id, subject="anna", path=seen[3].path, standing="left_out"
    )
    write_decisions(run, [left_out])
    done = CliRunner().invoke(audit, [str(tmp_path)])
    assert done.exit_code == 0, done.output
    with (tmp_path / "audit.csv").open(newline="") as file:
        told = {row["image"]: row["estimate"] for row in csv.DictReader(file)}
    assert told == {
        "photo-7.jpg": "counts",
        "photo-1.jpg": "does not count: several people, and no telling who is meant",
        "photo-2.jpg": "does not count: somebody else",
        "photo-3.jpg": "does not count: left out on request",
    }


def test_an_audit_is_not_overwritten(prototype_run: Path) -> None:
    (prototype_run / "audit.csv").write_text("image,label\na.jpg,good\n")
    done = CliRunner().invoke(audit, [str(prototype_run)])
    assert done.exit_code == 1
    assert "--force" in done.output
    assert "good" in (prototype_run / "audit.csv").read_text()


def test_the_report_shows_every_distribution(prototype_run: Path) -> None:
    done = CliRunner().invoke(calibrate, [str(prototype_run)])
    assert done.exit_code == 0, done.output
    for expected in (
        "40 photos, 20 with a pose",
        "pose_score (20 photos)",
        "pose_inmask_ratio",
        "pose_supported_bones",
        "full_or_mostly_full",
        "#",
        "--min-pose-det",
    ):
        assert expected in done.output
    as_json = CliRunner().invoke(calibrate, [str(prototype_run), "--json"])
    assert json.loads(as_json.output)["runs"][0]["frame_kinds"] == {"full_or_mostly_full": 20}


def test_a_run_without_any_pose_says_so(tmp_path: Path) -> None:
    (tmp_path / "observations").mkdir()
    (tmp_path / "observations" / "a.json").write_text(json.dumps(prototype_observation("a", 0)))
    done = CliRunner().invoke(calibrate, [str(tmp_path)])
    assert done.exit_code == 1
    assert "no photo shows a pose" in done.output


def test_a_folder_of_runs_stands_for_each_of_them(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name / "observations").mkdir(parents=True)
    (tmp_path / "notes").mkdir()
    assert runs_in(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert runs_in(tmp_path / "a") == [tmp_path / "a"]
    with pytest.raises(UnreadableRunError, match="holds none"):
        runs_in(tmp_path / "notes")
