"""The calibration report: distributions as text histograms, then options to paste."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from avatarrig.report.calibration.suggestion import (
    WANTED_PRECISION,
    Separation,
    Thresholds,
    separate,
    suggest_from_distributions,
    suggest_from_labels,
)
from avatarrig.wire.counted import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avatarrig.report.calibration.measured import MeasuredPhoto, MeasuredRun

_PERCENTILES: Final = (5, 15, 25, 50, 75, 95)
_BAR: Final = 40
_STEPS: Final = tuple(round(0.05 * step, 2) for step in range(6, 20))


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """How a metric is spread over the photos with a pose.

    Attributes:
        metric: Name of the metric in an observation's ``meta``.
        percentiles: Percentile to value.
        edges: Borders of the histogram's bars, one more than bars.
    """

    metric: str
    n: int
    percentiles: dict[int, float]
    edges: tuple[float, ...]
    counts: tuple[int, ...]


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one run's photos are like."""

    directory: str
    photos: int
    with_pose: int
    distributions: tuple[Distribution, ...]
    frame_kinds: dict[str, int]


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Reports of all runs, and the thresholds that follow from them together.

    Attributes:
        basis: ``distributions`` or ``labels``.
        chosen: What the thresholds do to labelled photos; None without labels.
        alternatives: What other thresholds would do to them.
    """

    runs: tuple[RunReport, ...]
    basis: str
    thresholds: Thresholds
    chosen: Separation | None = None
    alternatives: tuple[Separation, ...] = ()


def calibrate(
    runs: Sequence[MeasuredRun], pairs: Sequence[tuple[MeasuredPhoto, bool]] | None = None
) -> Calibration:
    """Calibrates on runs, and on labels where there are some.

    Args:
        runs: At least one run.
        pairs: Labelled photos of these runs, each with whether its pose is good.

    Raises:
        NothingToCalibrateError: No photo shows a pose, or none of those is labelled good.
    """
    reports = tuple(_report(run) for run in runs)
    if pairs is None:
        everyone = [photo for run in runs for photo in run.with_pose]
        return Calibration(
            runs=reports, basis="distributions", thresholds=suggest_from_distributions(everyone)
        )
    thresholds, chosen = suggest_from_labels(pairs)
    return Calibration(
        runs=reports,
        basis="labels",
        thresholds=thresholds,
        chosen=chosen,
        alternatives=tuple(separate(pairs, step) for step in _STEPS),
    )


def to_document(calibration: Calibration) -> dict[str, Any]:
    """Lays a calibration out as JSON, precision and recall included."""
    document: dict[str, Any] = msgspec.to_builtins(calibration, str_keys=True)
    if calibration.chosen is not None:
        document["chosen"] |= {
            "precision": calibration.chosen.precision,
            "recall": calibration.chosen.recall,
        }
    document["options"] = calibration.thresholds.options()
    return document


def to_text(calibration: Calibration) -> str:
    """Lays a calibration out for a person to read, in at most 80 columns."""
    lines: list[str] = []
    for run in calibration.runs:
        photos = counted(run.photos, "photo")
        lines += [f"{run.directory}: {photos}, {run.with_pose} with a pose", ""]
        for distribution in run.distributions:
            lines += [*_draw(distribution), ""]
        lines += ["frame_kind", *_bars(list(run.frame_kinds), list(run.frame_kinds.values())), ""]
    if calibration.chosen is not None:
        lines += [*_labels_text(calibration.chosen, calibration.alternatives), ""]
    lines += [f"Suggested, from {calibration.basis}:", f"  {calibration.thresholds.options()}"]
    return "\n".join(lines) + "\n"


def _report(run: MeasuredRun) -> RunReport:
    found = run.with_pose
    kinds = Counter(photo.frame_kind for photo in found)
    shares = tuple(round(0.1 * step, 1) for step in range(11))
    inmask = [photo.inmask for photo in found if photo.inmask is not None]
    return RunReport(
        directory=str(run.directory),
        photos=len(run.photos),
        with_pose=len(found),
        distributions=(
            _distribution("pose_score", [photo.score for photo in found], shares),
            _distribution("pose_inmask_ratio", inmask, shares),
            _distribution(
                "pose_supported_bones", [photo.bones for photo in found], tuple(range(12))
            ),
        ),
        frame_kinds=dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
    )


def _distribution(metric: str, values: Sequence[float], edges: tuple[float, ...]) -> Distribution:
    percentiles = np.percentile(values, _PERCENTILES).round(4).tolist() if values else []
    counts, _ = np.histogram(values, bins=edges)
    return Distribution(
        metric=metric,
        n=len(values),
        percentiles=dict(zip(_PERCENTILES, percentiles, strict=False)),
        edges=edges,
        counts=tuple(counts.tolist()),
    )


def _draw(distribution: Distribution) -> list[str]:
    percentiles = "  ".join(f"p{p} {value:g}" for p, value in distribution.percentiles.items())
    names = [f"{edge:g}" for edge in distribution.edges[:-1]]
    return [
        f"{distribution.metric} ({counted(distribution.n, 'photo')})  {percentiles}",
        *_bars(names, list(distribution.counts)),
    ]


def _bars(names: list[str], counts: list[int]) -> list[str]:
    width = max(map(len, names), default=0)
    longest = max(counts, default=0) or 1
    return [
        f"  {name:>{width}} {'#' * round(_BAR * count / longest):<{_BAR}} {count}"
        for name, count in zip(names, counts, strict=True)
    ]


def _labels_text(chosen: Separation, alternatives: Sequence[Separation]) -> list[str]:
    good, bad = chosen.kept_good + chosen.lost_good, chosen.kept_bad + chosen.lost_bad
    wanted = f"{WANTED_PRECISION:.0%} of what is kept is good"
    reached = chosen.precision >= WANTED_PRECISION
    how = f"the lowest at which {wanted}" if reached else f"best F1; nowhere {wanted}"
    return [
        f"labels: {good} good, {bad} bad",
        "  pose_score >=   keeps good  keeps bad  loses good  precision  recall",
        *(_row(separation, " ") for separation in alternatives),
        _row(chosen, "*"),
        f"  * suggested: {how}",
    ]


def _row(separation: Separation, mark: str) -> str:
    return (
        f"{mark} {separation.threshold:>13.2f} {separation.kept_good:>12} "
        f"{separation.kept_bad:>10} {separation.lost_good:>11} "
        f"{separation.precision:>10.0%} {separation.recall:>7.0%}"
    )
