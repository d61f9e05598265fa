#!/usr/bin/env python3
"""Says how close an estimate came to a body whose bones are known.

Usage: compare_with_truth.py skeleton_estimate.json truth.json

The ratios compared are those of `avatarrig.body.bones.BENCH_RATIOS`; neither a common scale
nor the bone that the estimate takes as its unit makes a difference.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from avatarrig.body.bones import BENCH_RATIOS, PROTOTYPE_BONES


class Comparison(NamedTuple):
    """One ratio of bone lengths.

    Attributes:
        name: Which ratio.
        true: Its value in the rendered body.
        estimated: Its value in the estimate.
    """

    name: str
    true: float
    estimated: float

    @property
    def error(self) -> float:
        """How far the estimate is off, in % of the true ratio; negative where it is too small."""
        return 100 * (self.estimated / self.true - 1)


def pooled_lengths(lengths: dict[str, float | None]) -> dict[str, float]:
    """Means over left and right, for the bones that are known.

    Args:
        lengths: By key of ``skeleton_estimate.json``, with or without a side; in any unit.

    Returns:
        By pooled bone (`avatarrig.body.bones.POOLED_BONES`), in the same unit.
    """
    sides: dict[str, list[float]] = {}
    pooled_names = PROTOTYPE_BONES | {
        key.removesuffix("_L"): bone for key, bone in PROTOTYPE_BONES.items()
    }
    for key, bone in pooled_names.items():
        length = lengths.get(key)
        if length is not None:
            sides.setdefault(bone, []).append(length)
    return {bone: fmean(both) for bone, both in sides.items()}


def compare(estimate: dict[str, Any], truth: dict[str, Any]) -> list[Comparison]:
    """Compares every ratio whose bones are all estimated.

    Args:
        estimate: Content of ``skeleton_estimate.json``.
        truth: Content of ``truth.json``, with lengths under ``bones_m``.
    """
    true = pooled_lengths(truth["bones_m"])
    estimated = pooled_lengths(estimate["estimates"])
    return [
        Comparison(name, *(_ratio(lengths, *ratio) for lengths in (true, estimated)))
        for name, ratio in BENCH_RATIOS.items()
        if all(bone in estimated for side in ratio for bone in side)
    ]


def _ratio(lengths: dict[str, float], above: tuple[str, ...], below: tuple[str, ...]) -> float:
    return sum(lengths[bone] for bone in above) / sum(lengths[bone] for bone in below)


def report(comparisons: list[Comparison]) -> str:
    """Lays the comparison out as a small table."""
    if not comparisons:
        return "The estimate has too few bones yet to be compared with the truth."
    mean_error = fmean(abs(row.error) for row in comparisons)
    return "\n".join(
        [
            "Against the true bones of the rendered body:",
            f"  {'ratio':<16}{'true':>8}{'estimated':>11}{'error':>9}",
            *(
                f"  {row.name:<16}{row.true:>8.3f}{row.estimated:>11.3f}{row.error:>+7.1f} %"
                for row in comparisons
            ),
            f"{mean_error:.1f} % off on average over {len(comparisons)} ratios",
        ]
    )


def main(arguments: list[str]) -> int:
    """Reads the two files named on the command line and prints the comparison."""
    if len(arguments) != 2:  # noqa: PLR2004 # an estimate and a truth
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    try:
        estimate, truth = (json.loads(Path(name).read_bytes()) for name in arguments)
    except (OSError, ValueError) as error:
        print(f"{' or '.join(arguments)} cannot be read: {error}", file=sys.stderr)
        return 2
    print(report(compare(estimate, truth)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
