"""What a run leaves behind: the index, the summary, the estimate, and the closing words."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import Any

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from avatarrig.body.estimate import EstimateOptions
from avatarrig.cli.screen.display import bones_table
from avatarrig.estimator import Estimator
from avatarrig.pictures.preview import draw_preview
from avatarrig.runs import RunDirectory, read_observation, write_atomically, write_json
from avatarrig.runs.layout import MASKS, OBSERVATIONS, OVERLAYS
from avatarrig.views.progress import Progress
from avatarrig.views.view import bone_rows, duration

PHASE = "phase1"
SHOWN_REJECTS = 10
PRIOR_NOTE = "prior: how much of a figure comes from people in general instead of these photos"


Documents = dict[str, dict[str, Any]]
"""Estimates as their files hold them, by subject."""


def write_results(
    run: RunDirectory,
    progress: Progress,
    documents: Documents,
    *,
    dataset_dir: str,
    settings: dict[str, Any],
) -> None:
    """Writes the index, the summary and the estimate of a run, each atomically.

    Raises:
        RunStorageError: The run directory cannot take them.
    """
    write_atomically(run.index, _index(progress))
    write_json(run.summary, summary(run, progress, dataset_dir, settings))
    write_estimate(run, documents)
    for subject, document in documents.items():
        write_atomically(run.preview, draw_preview(document, title=subject))


def write_estimate(run: RunDirectory, documents: Documents) -> None:
    """Writes the latest estimate, where there is one."""
    for document in documents.values():
        write_json(run.estimate, document)


def summary(
    run: RunDirectory, progress: Progress, dataset_dir: str, settings: dict[str, Any]
) -> dict[str, Any]:
    """Lays out ``phase1_summary.json``: the prototype's keys, then what it did not tell."""
    counts = progress.counts
    return {
        "phase": PHASE,
        "dataset_dir": dataset_dir,
        "total_images": counts.found,
        "ok": counts.observed,
        "failed": counts.rejected,
        "outputs": {
            "index": run.index.name,
            "observations_dir": OBSERVATIONS,
            "overlays_dir": OVERLAYS,
            "masks_dir": MASKS,
        },
        "waiting": counts.waiting,
        "with_person": counts.person,
        "without_person": counts.observed - counts.person,
        "left_out_of_estimate": dict(sorted(progress.left_out.items())),
        "rejected": [
            {
                "rel_image_path": found.path,
                "reason": reject.reason,
                "message": reject.message,
                "attempts": reject.attempts,
            }
            for found, reject in progress.rejected
        ],
        "no_longer_in_dataset": progress.departed,
        "settings": settings,
    }


def _index(progress: Progress) -> bytes:
    observed: list[dict[str, Any]] = [
        {
            "image_id": found.image_id,
            "rel_image_path": found.path,
            "ok": True,
            "observation": f"{OBSERVATIONS}/{found.image_id}.json",
            "person": seen.person,
            "left_out": seen.left_out,
        }
        for found, seen in progress.observed_photos
    ]
    rejected: list[dict[str, Any]] = [
        {
            "image_id": found.image_id,
            "rel_image_path": found.path,
            "ok": False,
            "reason": reject.reason,
            "message": reject.message,
        }
        for found, reject in progress.rejected
    ]
    rows = sorted(observed + rejected, key=lambda row: str(row["rel_image_path"]))
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def print_results(
    console: Console,
    run: RunDirectory,
    progress: Progress,
    documents: Documents,
    elapsed: float,
) -> None:
    """Says what came out, what was set aside and why, and where the files are."""
    counts = progress.counts
    for subject, document in documents.items():
        console.print(Text.assemble("\nskeleton of ", (subject, "bold"), ", shoulder width = 1"))
        console.print(bones_table(bone_rows(document), console.width))
        for note in (PRIOR_NOTE, *document.get("notes", [])):
            console.print(Padding(Text(note, style="dim"), (0, 0, 0, 2)))
    console.print()
    console.print(
        Text(
            f"{_photos(counts.found)} in {duration(elapsed)}: {counts.person} with a person, "
            f"{counts.observed - counts.person} without, {counts.rejected} rejected"
            + (f", {counts.waiting} still waiting" if counts.waiting else "")
        )
    )
    _print_left_out(console, progress)
    _print_rejects(console, progress)
    if progress.departed:
        console.print(
            Text(
                f"{_photos(progress.departed)} observed earlier and no longer in the dataset: "
                "still counted. A new --out starts without."
            )
        )
    console.print(Text(f"files: {run.path}"), soft_wrap=True)
    if documents:
        console.print(
            Text(f"next:  avatarrig report {shlex.quote(str(run.path))}", style="bold"),
            Text("(one page to look at and send on)", style="dim"),
            soft_wrap=True,
        )
        console.print(
            Text(f"       avatarrig export {shlex.quote(str(run.path))}", style="bold"),
            Text("(the skeleton for Blender and others)", style="dim"),
            soft_wrap=True,
        )


def _photos(count: int) -> str:
    return f"{count} photo{'' if count == 1 else 's'}"


def _print_left_out(console: Console, progress: Progress) -> None:
    for reason, count in sorted(progress.left_out.items()):
        line = Text(f"{count} not in the estimate: {reason.words}", style="dim")
        console.print(Padding(line, (0, 0, 0, 2)))


def _print_rejects(console: Console, progress: Progress) -> None:
    rejected = progress.rejected
    if not rejected:
        return
    by_reason = Counter(reject.reason for _, reject in rejected)
    reasons = ", ".join(f"{count} {reason}" for reason, count in by_reason.most_common())
    console.print(Text(f"rejected ({reasons}):", style="yellow"))
    for found, reject in rejected[:SHOWN_REJECTS]:
        console.print(Padding(Text(f"{found.path}: {reject.message}"), (0, 0, 0, 2)))
    if len(rejected) > SHOWN_REJECTS:
        console.print(Text(f"  … and {len(rejected) - SHOWN_REJECTS} more in phase1_summary.json"))


def result_document(
    run: RunDirectory, progress: Progress, documents: Documents, elapsed: float
) -> dict[str, Any]:
    """The final result as ``--json`` prints it."""
    counts = progress.counts
    return {
        "run": str(run.path),
        "photos": {
            "found": counts.found,
            "observed": counts.observed,
            "with_person": counts.person,
            "rejected": counts.rejected,
            "waiting": counts.waiting,
        },
        "rejected": [
            {"path": found.path, "reason": reject.reason, "message": reject.message}
            for found, reject in progress.rejected
        ],
        "seconds": round(elapsed, 3),
        "skeletons": documents,
    }


def estimate_again(run: RunDirectory, progress: Progress, options: EstimateOptions) -> Documents:
    """Estimates from the run's observations with options of one's own.

    The proportions are the aggregator's, bit for bit; height and window come beside.
    """
    estimators: dict[str, Estimator] = {}
    for found, _ in progress.observed_photos:
        observation = read_observation(run.observation(found.image_id))
        estimators.setdefault(found.subject, Estimator()).update(observation)
    return {
        subject: estimator.estimate(subject=subject, options=options).to_document()
        for subject, estimator in estimators.items()
    }
