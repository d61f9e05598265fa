"""Two runs beside each other, as a table and a picture card."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from PIL import Image
from support.observed import observation

from avatarrig import Estimator
from avatarrig.body.comparison import differences
from avatarrig.cli.commands.compare import compare
from avatarrig.runs import Pictures, RunDirectory, write_observation
from avatarrig.wire.estimate import Estimate


def estimate(numbers: range) -> Estimate:
    estimator = Estimator()
    for number in numbers:
        estimator.update(observation(number, "Anna"))
    return estimator.estimate(subject="Anna")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A run with an estimate."""
    folder = tmp_path / "2019" / "Anna"
    folder.mkdir(parents=True)
    document = msgspec.json.encode(estimate(range(12)))
    (folder / "skeleton_estimate.json").write_bytes(document)
    return folder


@pytest.fixture
def after(tmp_path: Path) -> Path:
    """A folder of `up --out` that holds observations alone."""
    run = RunDirectory(tmp_path / "2024" / "Anna")
    for number in range(20, 40):
        write_observation(run, observation(number, "Anna"), Pictures())
    return run.path


def test_two_runs_are_compared_bone_by_bone_and_as_a_card(before: Path, after: Path) -> None:
    done = CliRunner().invoke(compare, [str(before), str(after)])
    assert done.exit_code == 0, done.output
    head, *rows, unit, card = done.output.splitlines()
    assert head.split() == ["2019/Anna", "2024/Anna", "difference"]
    assert unit == "in shoulder widths, with 90 % intervals"
    expected = differences(estimate(range(12)).stats, estimate(range(20, 40)).stats)
    assert len(rows) == len(expected) > 3
    for row, difference in zip(rows, expected, strict=True):
        assert row.startswith(difference.label)
        assert f"{difference.first:.2f} " in row
        assert f"{difference.second:.2f} " in row
        assert f"{difference.percent:+.1f} %" in row
        assert row.endswith("differs" if difference.apart else "may be chance")
    assert all(len(line) <= 80 for line in (head, *rows))
    assert card == str(after / "comparison.png")
    picture = Image.open(io.BytesIO((after / "comparison.png").read_bytes()))
    assert (picture.format, picture.size) == ("PNG", (1200, 630))


def test_a_run_without_an_estimate_and_an_older_one_say_what_to_do(
    before: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = CliRunner().invoke(compare, [str(before), str(empty)])
    assert done.exit_code != 0
    assert "is no run directory" in done.output or "run AvatarRig first" in done.output
    (empty / "skeleton_estimate.json").write_text('{"estimates": {}, "stats": {}}')
    done = CliRunner().invoke(compare, [str(before), str(empty)])
    assert done.exit_code != 0
    assert "give the command of that run again" in done.output


def test_somebody_who_is_not_there_is_named(before: Path, after: Path) -> None:
    done = CliRunner().invoke(compare, [str(before), str(after), "--subject", "Jo"])
    assert done.exit_code != 0
    assert "Jo" in done.output
