"""A run on a console: progress while it goes on, then what came out of it."""

from __future__ import annotations

import shlex
from collections import Counter

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from avatarrig.cli.screen.display import LiveDisplay, PlainDisplay, bones_table, display_for
from avatarrig.cli.screen.printable import words
from avatarrig.photos.passed_over import words_for_files
from avatarrig.pipeline.results import Estimates
from avatarrig.process.printable import printable
from avatarrig.runs import RunDirectory, read_file_counts
from avatarrig.views.progress import Progress
from avatarrig.views.view import bone_rows, duration
from avatarrig.wire.counted import counted
from avatarrig.wire.reasons import Exclusion, RejectReason, words_for

SHOWN_REJECTS = 10
SHOWN_ADVICE = 5
PRIOR_NOTE = "prior: how much of a figure comes from people in general instead of these photos"


class RunScreen:
    """Shows a run."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def display(self) -> LiveDisplay | PlainDisplay:
        """Returns what shows progress."""
        return display_for(self._console)

    def results(
        self,
        run: RunDirectory,
        progress: Progress,
        estimates: Estimates,
        elapsed: float,
        departed: int,
    ) -> None:
        """Says what came out, what is rejected or excluded and why, and where the files are."""
        console, counts = self._console, progress.counts
        _print_skeletons(console, progress, estimates)
        console.print(
            words(
                f"{counted(counts.found, 'photo')} in {duration(elapsed)}: "
                f"{counts.person} with a person, {counts.observed - counts.person} without, "
                f"{counts.rejected - counts.near_copies} rejected"
                + (
                    f", {counted(counts.near_copies, 'near-copy', 'near-copies')}"
                    if counts.near_copies
                    else ""
                )
                + (f", {counts.waiting} still waiting" if counts.waiting else "")
            )
        )
        if files := read_file_counts(run):
            console.print(words(f"looked at {words_for_files(files)}"))
            if files.get("videos_passed_over"):
                console.print(words("--videos takes frames of videos, too", style="dim"))
        _print_excluded(console, progress, estimates)
        _print_how_to_tell_people_apart(console, progress)
        _print_near_copies(console, progress)
        _print_rejects(console, progress)
        _print_departed(console, progress, departed)
        console.print(words(f"files: {run.path}"), soft_wrap=True)
        _print_advice(console, estimates)
        if estimates:
            _print_next(console, run)

    def note(self, message: str) -> None:
        """Prints a line."""
        self._console.print(words(message))


def _print_advice(console: Console, estimates: Estimates) -> None:
    """Says which photos would tell most, of as many people as one looks at."""
    for subject, estimate in list(estimates.items())[:SHOWN_ADVICE]:
        if estimate.advice:
            whose = f" of {printable(subject)}" if len(estimates) > 1 else ""
            console.print(words(f"next photos{whose}: {estimate.advice}"))


def _print_how_to_tell_people_apart(console: Console, progress: Progress) -> None:
    """Says once what a folder of several people needs."""
    left_out = progress.excluded
    ambiguous, unsure = left_out[Exclusion.AMBIGUOUS], left_out[Exclusion.UNSURE]
    if ambiguous and not left_out[Exclusion.SOMEBODY_ELSE]:
        console.print(
            words(
                f"{counted(ambiguous, 'photo')} with several people: who is meant cannot be told "
                "without a photo of the person: --reference PHOTO"
            )
        )
    if unsure:
        console.print(
            words(
                f"{counted(unsure, 'photo')} of which nobody is sure: avatarrig review shows them, "
                "avatarrig include has them count"
            )
        )


def _print_skeletons(console: Console, progress: Progress, estimates: Estimates) -> None:
    for subject, estimate in estimates.items():
        console.print(
            Text.assemble("\nskeleton of ", (printable(subject), "bold"), ", shoulder width = 1")
        )
        console.print(bones_table(bone_rows(estimate), console.width))
        for note in (PRIOR_NOTE, *estimate.notes):
            console.print(Padding(words(note, style="dim"), (0, 0, 0, 2)))
    console.print()
    for subject, why in progress.unmade.items():
        console.print(words(printable(f"no skeleton of {subject}: {why}", 1000), style="yellow"))


def _print_next(console: Console, run: RunDirectory) -> None:
    path = shlex.quote(str(run.path))
    for command, what in (
        (f"next:  avatarrig report {path}", "(one page to look at and send on)"),
        (f"       avatarrig export {path}", "(the skeleton for Blender and others)"),
    ):
        console.print(words(command, style="bold"), words(what, style="dim"), soft_wrap=True)


def _print_departed(console: Console, progress: Progress, departed: int) -> None:
    gone = [seen for seen in progress.gone.values() if seen.standing == Exclusion.GONE]
    here = {found.path for found, _ in progress.observed_photos} if gone else set()
    replaced = sum(seen.path in here for seen in gone)
    for count, what in (
        (len(gone) - replaced, "no longer in the dataset"),
        (replaced, "replaced since, or named otherwise"),
    ):
        if count:
            console.print(words(f"{counted(count, 'photo')} {what}: not counted any more"))
    if departed:
        console.print(
            words(
                f"{counted(departed, 'photo')} observed earlier and no longer in the "
                "dataset: still counted, since that is many at once or not all photos were looked "
                "at. --prune takes them out."
            )
        )


def _print_excluded(console: Console, progress: Progress, estimates: Estimates) -> None:
    """Says what the notes on no skeleton have said."""
    told = {reason for estimate in estimates.values() for reason in estimate.excluded}
    for reason, count in sorted(progress.excluded.items()):
        if reason in told:
            continue
        photos = counted(count, "photo does", "photos do")
        line = words(f"{photos} not count: {reason.words}", style="dim")
        console.print(Padding(line, (0, 0, 0, 2)))


def _print_near_copies(console: Console, progress: Progress) -> None:
    if near_copies := progress.counts.near_copies:
        photos = counted(near_copies, "photo is", "photos are")
        line = f"{photos} not detected: {RejectReason.NEAR_COPY.words} (--sharpest-of-moment)"
        console.print(Padding(words(line, style="dim"), (0, 0, 0, 2)))


def _print_rejects(console: Console, progress: Progress) -> None:
    rejected = [each for each in progress.rejected if not each[1].is_near_copy]
    if not rejected:
        return
    by_reason = Counter(reject.reason for _, reject in rejected)
    console.print(words("rejected:", style="yellow"))
    for reason, count in by_reason.most_common():
        console.print(Padding(words(f"{count} × {words_for(reason)}", style="dim"), (0, 0, 0, 2)))
    for found, reject in rejected[:SHOWN_REJECTS]:
        console.print(Padding(words(f"{found.path}: {reject.message}"), (0, 0, 0, 2)))
    if len(rejected) > SHOWN_REJECTS:
        console.print(words(f"  … and {len(rejected) - SHOWN_REJECTS} more in phase1_summary.json"))
