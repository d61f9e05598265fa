"""What a fit did, as lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from avatarrig.avatar.humanoid import BONES, NEEDED
from avatarrig.body.rig.lengths import MEASURED
from avatarrig.process.printable import printable
from avatarrig.wire.estimate import BONE_LABELS

if TYPE_CHECKING:
    from avatarrig.avatar.fitting import Avatar, Fitted
    from avatarrig.body.rig.lengths import RigLengths

_ALIKE: Final = 1e-3


def bones_found(avatar: Avatar, *, full: bool) -> list[str]:
    """Says which bones were found and how. `full`: whether to list them all."""
    humanoid, names = avatar.humanoid, avatar.frame.tree.names
    head = f"bones: {len(humanoid.bones)} found by {humanoid.source}"
    if not full:
        return [head]
    known = [bone for bone in BONES if bone in humanoid.bones]
    others = [bone for bone in humanoid.bones if bone not in BONES]
    rows = [
        f"  {bone:<16} {printable(names[humanoid.bones[bone]])}"
        f"{'' if bone in NEEDED else '  (not needed)'}"
        for bone in (*known, *others)
    ]
    return [head, *rows]


def factor_table(fitted: Fitted, known: RigLengths, widths: str) -> list[str]:
    """Lists factors of length, the largest first, with where each length comes from."""
    basis = "shoulder width" if widths == "full" else "torso (shoulders and hips are bounded)"
    lines = [f"ratios to: {basis}", f"{'bone':<20} {'factor':>7}   length"]
    for key, factor in _sorted(fitted.factors):
        source = known.sources[key]
        note = "" if source == MEASURED else f"  ({source})"
        lines.append(
            f"{_label(key, fitted.factors):<20} {factor:>7.3f}   {_lengths(key, fitted)}{note}"
        )
    lines.append(
        f"{'height':<20} {fitted.after / fitted.before:>7.3f}   "
        f"{fitted.before:.3f} -> {fitted.after:.3f}"
    )
    growth = fitted.growth
    sizes = (("head", growth.head), ("hands", growth.hands), ("feet", growth.feet))
    lines += [f"{part:<20} {growth.whole * own:>7.3f}" for part, own in sizes]
    return lines


def _sorted(factors: dict[str, float]) -> list[tuple[str, float]]:
    """Sides that change alike make one row."""
    rows = []
    for key, factor in factors.items():
        other = f"{key[:-1]}L" if key.endswith("_R") else None
        if other is None or abs(factors[other] / factor - 1) > _ALIKE:
            rows.append((key, factor))
    return sorted(rows, key=lambda row: -row[1])


def _label(key: str, factors: dict[str, float]) -> str:
    label = BONE_LABELS[key]
    other = f"{key[:-1]}R"
    if key.endswith("_L") and abs(factors[other] / factors[key] - 1) <= _ALIKE:
        return label.split(",")[0] + "s"
    return label


def _lengths(key: str, fitted: Fitted) -> str:
    before = fitted.lengths[key]
    return f"{before:.3f} -> {before * fitted.factors[key]:.3f}"
