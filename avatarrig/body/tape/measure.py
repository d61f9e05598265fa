"""Lengths that somebody measured, as people write them: ``forearm=26cm+-0.5cm``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from avatarrig.body.height import SHORTEST, TALLEST
from avatarrig.body.tape.length import parse_length
from avatarrig.errors import AvatarRigError, ExitCode
from avatarrig.wire.estimate import MEASURABLE, Measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

USUAL_ERROR: Final = 0.01
"""Standard error over length, where none is given."""

_LEAST_ERROR, _MOST_ERROR = 0.001, 0.25
"""Standard errors over length that are believed."""

_SIDED_NAMES: Final = {
    "upper arm": "upper_arm",
    "forearm": "lower_arm",
    "lower arm": "lower_arm",
    "thigh": "upper_leg",
    "upper leg": "upper_leg",
    "shank": "lower_leg",
    "lower leg": "lower_leg",
}
_OTHER_NAMES: Final = {
    "shoulders": "shoulder_width",
    "shoulder width": "shoulder_width",
    "hips": "hip_width",
    "hip width": "hip_width",
    "torso": "torso_length",
    "torso length": "torso_length",
    "head": "head",
    "neck": "neck",
    "hand": "hand",
    "foot": "foot",
    "ankle height": "ankle_height",
}
_SIDES: Final = {"l": "_L", "left": "_L", "r": "_R", "right": "_R"}

EXAMPLE: Final = "forearm=26cm, thigh=41.5cm+-1cm or left_shank=16in"
NAMES: Final = (
    "upper_arm, forearm, thigh, shank, shoulders, hips, torso, head, neck, hand, foot, ankle_height"
)

_USUAL: Final = {
    "upper_arm": 0.17,
    "lower_arm": 0.145,
    "upper_leg": 0.24,
    "lower_leg": 0.24,
    "shoulder_width": 0.21,
    "hip_width": 0.12,
    "torso_length": 0.29,
    "head": 0.13,
    "neck": 0.07,
    "hand": 0.11,
    "foot": 0.153,
    "ankle_height": 0.04,
}
"""Length over stature of an average person: only what is far from it is refused."""
_MOST_TIMES: Final = 2.0
_ERROR_SIGN: Final = re.compile(r"\+/?-|±")


class MeasureError(AvatarRigError, ValueError):
    """What was written is no length of a bone; the message says what one looks like."""

    exit_code = ExitCode.WRONG_USAGE


def parse_measure(text: str) -> tuple[str, Measured]:
    """Reads one length.

    Args:
        text: A bone, ``=``, a length as `parse_length` reads it and, if one likes, ``+-`` and its
            standard error, a length or ``2%``. The bone's name may say a side.

    Returns:
        The bone, by its key in an estimate, without a side where none was said; the length.

    Raises:
        MeasureError: It is none, or nobody has one so long.
    """
    name, equals, said = text.partition("=")
    if not equals:
        raise MeasureError(f"{text!r} is no measured length: write {EXAMPLE}")
    key = _key(name)
    length, *error = _ERROR_SIGN.split(said, maxsplit=1)
    value = _metres(text, length)
    uncertain = _error(text, error[0], value) if error else USUAL_ERROR * value
    measured = Measured(value=value, error=uncertain)
    _check_possible(key, measured)
    return key, measured


def _check_possible(key: str, measured: Measured) -> None:
    low, high = (end * _USUAL[pooled(key)] for end in (SHORTEST, TALLEST))
    if not low / _MOST_TIMES < measured.value < high * _MOST_TIMES:
        raise MeasureError(f"nobody's {words_of(key)} is {_said(measured.value)} long")
    if not _LEAST_ERROR <= measured.error / measured.value <= _MOST_ERROR:
        raise MeasureError(
            f"{words_of(key)}: an error is from {100 * _LEAST_ERROR:g} to {100 * _MOST_ERROR:g} % "
            "of the length"
        )


def together(measures: Iterable[tuple[str, Measured]]) -> dict[str, Measured]:
    """Puts lengths together. Raises MeasureError: A bone is there twice."""
    found: dict[str, Measured] = {}
    for key, measured in measures:
        if key in found:
            raise MeasureError(
                f"{words_of(key)} was measured twice, {_said(found[key].value)} and "
                f"{_said(measured.value)}: give one of them, or each side's"
            )
        found[key] = measured
    return found


def check_measures(measures: Mapping[str, Measured], height: float | None) -> None:
    """Checks that somebody may be so: no slip of a unit, or of a digit, nothing made up.

    Args:
        height: Metres.

    Raises:
        MeasureError: No bone is called so, nobody's is so long, or not one of somebody of that
            height: less than half, or more than twice, what is usual.
    """
    if height is not None and not SHORTEST <= height <= TALLEST:
        raise MeasureError(f"nobody is {height:g} m tall: from {SHORTEST} to {TALLEST} m")
    for key, measured in measures.items():
        if key not in MEASURABLE:
            raise MeasureError(f"{key!r} is no bone's length that can be measured")
        _check_possible(key, measured)
        if height is None:
            continue
        usual = _USUAL[pooled(key)] * height
        if not usual / _MOST_TIMES < measured.value < usual * _MOST_TIMES:
            raise MeasureError(
                f"the {words_of(key)} of {_said(measured.value)} fits no height of {height:g} m: "
                f"about {_said(usual)} is usual"
            )


def pooled(key: str) -> str:
    """The key without its side."""
    return key.removesuffix("_L").removesuffix("_R")


def words_of(key: str) -> str:
    """What people call a measured length."""
    side = {"_L": "left ", "_R": "right "}.get(key[-2:], "")
    names = {key: name for name, key in [*_OTHER_NAMES.items(), *_SIDED_NAMES.items()][::-1]}
    return side + names.get(pooled(key), key)


def _key(name: str) -> str:
    words = re.split(r"[\s_,-]+", name.strip().lower())
    side = [_SIDES[word] for word in words if word in _SIDES]
    bone = " ".join(word for word in words if word not in _SIDES)
    if bone in _SIDED_NAMES and len(side) <= 1:
        return _SIDED_NAMES[bone] + "".join(side)
    if bone in _OTHER_NAMES and not side:
        return _OTHER_NAMES[bone]
    if bone in {"height", "stature"}:
        raise MeasureError("a height is given as --height")
    raise MeasureError(f"{name.strip()!r} is no bone: one of {NAMES}, limbs with left or right too")


def _metres(text: str, length: str) -> float:
    value = parse_length(length)
    if value is None:
        raise MeasureError(f"{text!r} is no measured length: write {EXAMPLE}")
    return value


def _error(text: str, written: str, value: float) -> float:
    if written.rstrip().endswith("%"):
        share = parse_length(written.rstrip()[:-1] + "m")
        if share is None:
            raise MeasureError(f"{text!r} is no measured length: write {EXAMPLE}")
        return share / 100 * value
    return _metres(text, written)


def _said(metres: float) -> str:
    return f"{100 * metres:.4g} cm"
