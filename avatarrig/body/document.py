"""The content of ``skeleton_estimate.json``, described by ``schema/skeleton_estimate.schema.json``.

The prototype's keys are kept, with their meaning; what is new stands beside them. Nothing in the
document depends on the time or place it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from avatarrig.body.asymmetry import ASYMMETRY_WARNING
from avatarrig.body.sums.capture_days import UNDATED

if TYPE_CHECKING:
    from avatarrig.body.asymmetry import Asymmetry
    from avatarrig.body.estimate import BoneEstimate, Estimate
    from avatarrig.body.person import Interval
    from avatarrig.body.rolling import Change, Window, WindowBone

SCHEMA_VERSION: Final = "2.0"
PHASE: Final = "phase1"
SCALE_BASIS: Final = "shoulder_width"

BONE_LABELS: Final = {
    "shoulder_width": "shoulders",
    "hip_width": "hips",
    "torso_length": "torso",
    "upper_arm_L": "upper arm, left",
    "upper_arm_R": "upper arm, right",
    "lower_arm_L": "forearm, left",
    "lower_arm_R": "forearm, right",
    "upper_leg_L": "thigh, left",
    "upper_leg_R": "thigh, right",
    "lower_leg_L": "shank, left",
    "lower_leg_R": "shank, right",
    "wingspan_est": "wingspan",
}
"""What people call the keys of an estimate, in the order they are listed."""

_DECIMALS = 5


def to_document(estimate: Estimate) -> dict[str, Any]:
    """Lays an estimate out as plain values.

    ``estimates`` holds what can be used; bones that too few photos show have their value, which
    is nearly the population's, in ``stats`` alone, with status ``insufficient``.

    Args:
        estimate: What is known about a subject.
    """
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "phase": PHASE,
        "subject": estimate.subject,
        "learned": estimate.learned,
        "used_observations": estimate.used,
        "photos": {
            "observed": estimate.observations,
            "with_person": estimate.with_person,
            "used": estimate.used,
            "moments": estimate.moments,
            "excluded": estimate.excluded,
        },
        "scale_basis": SCALE_BASIS,
        "estimates": {
            key: _rounded(bone.value)
            for key, bone in estimate.bones.items()
            if bone.status != "insufficient"
        },
        "stats": {key: _stats(bone) for key, bone in estimate.bones.items()},
        "asymmetry": {bone: _asymmetry(a) for bone, a in estimate.asymmetry.items()},
        "notes": list(_notes(estimate)),
    }
    if estimate.height is not None:
        document["height"] = estimate.height
        document["metres"] = {
            key: {"value": _rounded(bone.metres.middle), "interval": _ends(bone.metres)}
            for key, bone in estimate.bones.items()
            if bone.metres is not None and bone.status != "insufficient"
        }
    if estimate.window is not None:
        document["window"] = _window(estimate.window)
    return document


def _stats(bone: BoneEstimate) -> dict[str, Any]:
    return {
        "n": bone.n,
        "moments": bone.moments,
        "median": None if bone.median is None else _rounded(bone.median),
        "value": _rounded(bone.value),
        "interval": _ends(bone),
        "status": bone.status,
        "prior_share": _rounded(bone.prior_share),
    }


def _asymmetry(asymmetry: Asymmetry) -> dict[str, Any]:
    return {
        "left_over_right": _rounded(asymmetry.ratio),
        "interval": _ends(asymmetry),
        "n": asymmetry.n,
        "significant": asymmetry.significant,
    }


def _window(window: Window) -> dict[str, Any]:
    return {
        "days": window.days,
        "first": window.first,
        "last": window.last,
        "used_observations": window.photos,
        "stats": {
            key: {"n": bone.n, "value": _rounded(bone.value), "interval": _ends(bone)}
            for key, bone in window.bones.items()
        },
        "drift": window.drift,
        "changes": {
            key: {
                "window_over_others": _rounded(change.ratio),
                "interval": _ends(change),
                "drift": change.drift,
            }
            for key, change in window.changes.items()
        },
    }


_BASIS_NOTE: Final = (
    "Lengths are between joint centres, over shoulder width; intervals contain the truth with "
    "90 % probability. Left and right are estimated together."
)


def _notes(estimate: Estimate) -> list[str]:
    notes = [_BASIS_NOTE]
    if estimate.moments < estimate.used:
        moments = "1 moment" if estimate.moments == 1 else f"{estimate.moments} moments"
        notes.append(f"{estimate.used} photos, {moments}: frames of a burst and copies count once.")
    if not estimate.used:
        notes.append("No photo has counted yet, so there is no estimate.")
    if estimate.height is None:
        notes.append("Without --height nothing is known about metres.")
    if estimate.asymmetry:
        notes.append(ASYMMETRY_WARNING)
    if not estimate.consistent:
        notes.append("The photos do not agree on one person: somebody else may be in them.")
    notes += [
        f"{_photos_of(day)} do not fit the others: somebody else may be in them, or the person has "
        "grown."
        for day in estimate.odd_days
    ]
    notes += [
        f"Plain ratios say {plain:.2f} times the estimated length for {bone}: some photos may "
        "show somebody else, or a camera distorts."
        for bone, plain in estimate.disagreements.items()
    ]
    if estimate.window is not None and estimate.window.drift:
        notes.append(f"Proportions of the last {estimate.window.days} days differ from before.")
    if estimate.window is not None and (undated := estimate.window.undated):
        tell = "1 photo tells" if undated == 1 else f"{undated} photos tell"
        notes.append(f"{tell} no time and are in no window.")
    notes += [
        f"{'1 photo does' if count == 1 else f'{count} photos do'} not count: {reason.words}."
        for reason, count in estimate.excluded.items()
    ]
    return notes


def _photos_of(day: str) -> str:
    if day == UNDATED:
        return "The photos without a time"
    return f"The photos of {day}" if day else "The oldest photos"


def _ends(interval: Interval | BoneEstimate | Asymmetry | WindowBone | Change) -> list[float]:
    return [_rounded(interval.low), _rounded(interval.high)]


def _rounded(value: float) -> float:
    return round(value, _DECIMALS) + 0.0
