"""What a run says at its end."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console
from support.observed import observation

from avatarrig.body.estimate import estimate
from avatarrig.body.sums.tally import Tally
from avatarrig.cli.screen.run_screen import RunScreen
from avatarrig.runs import RunDirectory
from avatarrig.views.progress import Found, Progress


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
