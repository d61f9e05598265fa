"""What a run says at its end."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console
from support.observed import observation
from support.references import reference

from avatarrig.body.estimate import estimate
from avatarrig.body.sums.tally import Tally
from avatarrig.cli.screen.run_screen import RunScreen
from avatarrig.runs import RunDirectory
from avatarrig.views.progress import Found, Progress, found_photo
from avatarrig.wire import Reject


def test_the_end_says_once_how_many_photos_do_not_count_and_why(tmp_path: Path) -> None:
    progress = Progress("", "0123456789abcdef")
    seen = [
        observation(7),
        observation(8, ambiguous=True),
        observation(9, ambiguous=True),
        observation(10, pose=None),
    ]
    for offset, one in enumerate(seen):
        progress.found(Found(one.image_id, one.path, one.subject))
        progress.observation(one, 0, offset, 0.0)
    tally = Tally.empty()
    for one in seen:
        tally.add(one)
    run = RunDirectory(tmp_path)
    for estimates in ({}, {"anna": estimate(tally, subject="anna")}):
        out = io.StringIO()
        RunScreen(Console(file=out, width=100)).results(run, progress, estimates, 1.0, 0)
        lines = [line.strip().removesuffix(".") for line in out.getvalue().splitlines()]
        assert lines.count("1 photo does not count: nobody was found in the photo") == 1
        several = "2 photos do not count: several people, and no telling who is meant"
        assert lines.count(several) == 1


def test_near_copies_are_told_apart_from_what_is_wrong(tmp_path: Path) -> None:
    progress = Progress("", "0123456789abcdef")
    seen = observation(7)
    progress.found(Found(seen.image_id, seen.path, seen.subject))
    progress.observation(seen, 0, 0, 0.0)
    for name in ("a.jpg", "b.jpg"):
        left_out = reference(name, image_id=name)
        progress.found(found_photo(left_out, is_near_copy=True))
        reject = Reject(
            reason="near_copy", message="m", attempts=0, rejected_at=0.0, reference=left_out
        )
        progress.reject(reject, 0.0)
    out = io.StringIO()
    RunScreen(Console(file=out, width=100)).results(RunDirectory(tmp_path), progress, {}, 1.0, 0)
    told = " ".join(out.getvalue().split())
    assert "1 with a person, 0 without, 0 rejected, 2 near-copies" in told
    assert "2 photos are not detected: nearly the same as a photo that is detected" in told
    assert "rejected:" not in told
