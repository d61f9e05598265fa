"""What `status` prints where there are more skeletons than fit on a screen."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from avatarrig.cli.commands.status import _print
from avatarrig.views.pipeline_status import PipelineStatus, SkeletonStatus


def status(subjects: int) -> PipelineStatus:
    skeletons = [
        SkeletonStatus(
            subject=f"person-{number:04}",
            fingerprint="f",
            observations=30,
            used=20,
            moments=12,
            stable=min(number % 12, 11),
            bones=11,
            age=60.0,
        )
        for number in range(subjects)
    ]
    return PipelineStatus(
        found=30 * subjects, waiting=0, in_work=0, observed=30 * subjects, rejected=3,
        rejected_by_reason={"truncated_beyond_use": 3}, replicas=1, photos_per_second=0.0,
        oldest_waiting=None, groups=[], skeletons=skeletons,
    )  # fmt: skip


def printed(state: PipelineStatus, most: int | None) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    _print(console, state, most=most)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_thousand_skeletons_are_summarised() -> None:
    lines = printed(status(1000), 20)
    assert len(lines) < 35
    assert "1,000 skeletons: 83 with all bones stable, 833 with some, 84 with none" in lines
    assert lines[-1] == "… and 980 more; --all lists them"
    assert len(printed(status(100), None)) > 100


def test_nobodys_bones_are_not_all_stable() -> None:
    """Where every photo of somebody stopped counting, no bone is known."""
    state = status(1)
    nobody = msgspec.structs.replace(state.skeletons[0], used=0, stable=0, bones=0)
    lines = printed(msgspec.structs.replace(state, skeletons=[nobody]), 20)
    assert "1 skeleton: 0 with all bones stable, 0 with some, 1 with none" in lines


def test_it_is_said_how_many_photos_do_not_count_and_why() -> None:
    state = status(1)
    left_out = msgspec.structs.replace(
        state.skeletons[0], excluded={"somebody_else": 7, "out_of_period": 3}
    )
    lines = printed(msgspec.structs.replace(state, skeletons=[left_out]), 20)
    assert lines[-1] == (
        "person-0000: do not count: 7 somebody else, 3 not taken in the time that was asked for"
    )


@pytest.mark.parametrize("subjects", [1, 20])
def test_what_fits_is_listed_whole(subjects: int) -> None:
    lines = printed(status(subjects), 20)
    assert sum("person-" in line for line in lines) == subjects
    assert not [line for line in lines if "more" in line]


def test_it_says_that_photos_are_gone_and_what_to_do() -> None:
    state = msgspec.structs.replace(status(1), departed={"a\x1b[31mb": 37})
    text = " ".join(printed(state, 20))
    assert "37 photos of a" in text
    assert "--prune" in text
    assert "\x1b" not in text


def test_it_speaks_in_words_and_in_the_singular() -> None:
    text = "\n".join(printed(status(1), 20))
    assert "truncated_beyond_use" not in text
    assert "the file is cut off" in text
    assert "1 replica alive" in text
