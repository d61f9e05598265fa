"""What a run leaves behind: the index, the summary, the estimate."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from avatarrig.body.estimate import EstimateOptions
from avatarrig.body.estimator import Estimator
from avatarrig.pictures.preview import draw_preview
from avatarrig.runs import (
    RunDirectory,
    read_file_counts,
    read_observation,
    write_atomically,
    write_index,
    write_json,
    write_standings,
)
from avatarrig.runs.estimates import place_of_estimate, write_estimates
from avatarrig.runs.layout import MASKS, OBSERVATIONS, OVERLAYS
from avatarrig.views.progress import Progress
from avatarrig.wire.estimate import Estimate
from avatarrig.wire.standings import as_decided

PHASE = "phase1"
_PAINTERS = 2
"""Pictures that are drawn at a time: each takes a fifth of a second and 40 MB."""


Estimates = Mapping[str, Estimate]
"""By subject."""


def write_results(  # noqa: PLR0913 - what a run leaves behind, written in one place
    run: RunDirectory,
    progress: Progress,
    estimates: Estimates,
    *,
    dataset_dir: str,
    settings: dict[str, object],
    still_counted: int,
) -> None:
    """Writes the index, the summary and the estimate of a run, each atomically.

    Args:
        still_counted: Photos that are no longer in the dataset, and count all the same.

    Raises:
        RunStorageError: The run directory cannot take them.
    """
    write_index(run, _index(progress))
    write_standings(run, progress.standings)
    write_json(run.summary, summary(run, progress, dataset_dir, settings, still_counted))
    write_drawn(run, estimates)


def write_drawn(run: RunDirectory, estimates: Estimates) -> None:
    """Writes estimates, and what they look like."""
    write_estimates(run, estimates)

    def draw(subject: str) -> None:
        place = place_of_estimate(run, subject, several=len(estimates) > 1)
        write_atomically(place.preview, draw_preview(estimates[subject], title=subject))

    with ThreadPoolExecutor(_PAINTERS, "painter") as painters:
        for drawn in [painters.submit(draw, subject) for subject in estimates]:
            drawn.result()


def summary(
    run: RunDirectory,
    progress: Progress,
    dataset_dir: str,
    settings: dict[str, object],
    still_counted: int,
) -> dict[str, object]:
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
        "left_out_of_estimate": dict(sorted(progress.excluded.items())),
        "rejected": [
            {
                "rel_image_path": found.path,
                "reason": reject.reason,
                "message": reject.message,
                "attempts": reject.attempts,
            }
            for found, reject in progress.rejected
        ],
        "no_longer_in_dataset": still_counted,
        "files": read_file_counts(run),
        "settings": settings,
    }


def _index(progress: Progress) -> list[dict[str, object]]:
    observed: list[dict[str, object]] = [
        {
            "image_id": found.image_id,
            "rel_image_path": found.path,
            "subject": found.subject,
            "ok": True,
            "observation": f"{OBSERVATIONS}/{found.image_id}.json",
            "person": seen.person,
            "left_out": seen.excluded,
        }
        for found, seen in progress.observed_photos
    ]
    rejected: list[dict[str, object]] = [
        {
            "image_id": found.image_id,
            "rel_image_path": found.path,
            "subject": found.subject,
            "ok": False,
            "reason": reject.reason,
            "message": reject.message,
        }
        for found, reject in progress.rejected
    ]
    return sorted(observed + rejected, key=lambda row: str(row["rel_image_path"]))


def result_document(
    run: RunDirectory, progress: Progress, estimates: Estimates, elapsed: float
) -> dict[str, object]:
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
            **({"near_copies": counts.near_copies} if counts.near_copies else {}),
        },
        "rejected": [
            {"path": found.path, "reason": reject.reason, "message": reject.message}
            for found, reject in progress.rejected
        ],
        "seconds": round(elapsed, 3),
        "skeletons": estimates,
    }


def estimate_again(run: RunDirectory, progress: Progress, options: EstimateOptions) -> Estimates:
    """Estimates from the run's observations with options of one's own.

    The proportions are the aggregator's, bit for bit; height and window come beside.
    """
    estimators: dict[str, Estimator] = {}
    here = {found.key: seen for found, seen in progress.observed_photos}
    for (subject, image_id), seen in (here | progress.gone).items():
        file = run.observation(image_id)
        if (subject, image_id) not in here and not file.exists():  # nothing makes it anew
            continue
        observation = as_decided(read_observation(file), seen.standing)
        estimators.setdefault(subject, Estimator()).update(observation)
    return {
        subject: estimator.estimate(subject=subject, options=options)
        for subject, estimator in estimators.items()
    }
