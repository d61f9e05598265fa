"""Two estimates beside each other: how far each bone of one is from the other's. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from avatarrig.wire.estimate import BONE_LABELS

if TYPE_CHECKING:
    from avatarrig.wire.estimate import BoneEstimate


class Difference(msgspec.Struct, frozen=True):
    """A bone of two people, or of one person at two times.

    Attributes:
        key: Key of ``skeleton_estimate.json``.
        first: Ratio to the shoulder width, with its 90 % interval in `first_interval`.
        percent: How much longer the second is.
        apart: Whether the two intervals have nothing in common.
    """

    key: str
    label: str
    first: float
    first_interval: tuple[float, float]
    second: float
    second_interval: tuple[float, float]
    percent: float
    apart: bool


def differences(
    first: Mapping[str, BoneEstimate], second: Mapping[str, BoneEstimate]
) -> list[Difference]:
    """Compares the bones that both know, in the order they are listed.

    Left and right are estimated together: where they are the same, one row stands for both.

    Args:
        first: What is known about each ratio, as `Estimate.stats` holds it.
    """
    found: list[Difference] = []
    for key, label in BONE_LABELS.items():
        if key not in first or key not in second or _is_given(first[key]):
            continue
        twin = f"{key.removesuffix('_R')}_L"
        if key.endswith("_R") and _are_alike(first, key, twin) and _are_alike(second, key, twin):
            found[-1] = msgspec.structs.replace(found[-1], label=label.removesuffix(", right"))
        else:
            found.append(_difference(key, label, first[key], second[key]))
    return found


def _are_alike(bones: Mapping[str, BoneEstimate], key: str, twin: str) -> bool:
    return twin in bones and (bones[key].value, bones[key].interval) == (
        bones[twin].value,
        bones[twin].interval,
    )


def _is_given(bone: BoneEstimate) -> bool:
    """The shoulder width is 1 by definition."""
    return bone.low == bone.high


def _difference(key: str, label: str, first: BoneEstimate, second: BoneEstimate) -> Difference:
    return Difference(
        key=key,
        label=label,
        first=first.value,
        first_interval=first.interval,
        second=second.value,
        second_interval=second.interval,
        percent=100 * (second.value / first.value - 1),
        apart=first.low > second.high or second.low > first.high,
    )
