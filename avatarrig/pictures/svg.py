"""Skeletons as SVG: the T-pose of an estimate, and the pose seen in a photo.

What is drawn has classes, no colours: the page that shows it decides how it looks. Everything
that comes from elsewhere is a number, one of a few words, or escaped.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from avatarrig.body.landmarks import BONES, LEFT_EAR, LEFT_SHOULDER, NOSE, RIGHT_EAR, RIGHT_SHOULDER
from avatarrig.pictures.figure import HEAD_HEIGHT, HEAD_WIDTH, NECK, Bone, Figure, build_figure
from avatarrig.pictures.visible import SEEN, TRUNK, visible_landmarks
from avatarrig.wire.estimate import BONE_LABELS, Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_UNIT: Final = 100
"""SVG units of a shoulder width."""

_MARGIN: Final = 34
_BAND: Final = 22
_STATUSES: Final = ("stable", "provisional", "insufficient")
_POSE_WIDTH: Final = 600
_SURE: Final = 0.8
_COLOURS: Final = {"left": "#d97a1e", "right": "#2f8fd6", "middle": "#7d8a9a"}
_OPACITIES: Final = {"sure": "1", "fair": ".6", "poor": ".3"}
_WRITTEN: Final = {
    "pose": "",
    "frame": 'fill="none"',
    "middle": f'fill="none" stroke="{_COLOURS["middle"]}" stroke-width="9"',
    **{
        f"{side} {certainty}": f'stroke="{colour}" stroke-opacity="{opacity}" stroke-width="10" '
        'stroke-linecap="round"'
        for side, colour in _COLOURS.items()
        for certainty, opacity in _OPACITIES.items()
    },
}
"""What classes mean where no style sheet is: attributes."""


def t_pose_svg(estimate: Estimate, *, small: bool = False) -> str:
    """Draws an estimate as a T-pose seen from the front; the person's left is on the right.

    Every bone is a group of class ``bone`` and its status, can be focused, and is labelled with
    its figures. The pale band at a bone's end is its 90 % interval.

    Args:
        small: Whether to leave out bands, numbers and labels.
    """
    figure = build_figure(estimate)
    half = figure.width / 2 * _UNIT + _MARGIN
    top = figure.above * _UNIT + _MARGIN
    tall = (figure.above + figure.below) * _UNIT + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="t-pose" '
        f'viewBox="{_n(-half)} {_n(-top)} {_n(2 * half)} {_n(tall)}" '
        + ('aria-hidden="true">' if small else 'role="group" aria-label="Skeleton in T-pose">'),
        _head(figure),
    ]
    parts += [_small_bone(bone) if small else _bone(bone, estimate) for bone in figure.bones]
    return "".join([*parts, "</svg>"])


def _head(figure: Figure) -> str:
    neck, chin = figure.shoulder_height, figure.shoulder_height + NECK
    middle = chin + HEAD_HEIGHT / 2 - 0.06
    return (
        f'<g class="head"><line x1="0" y1="{_y(neck)}" x2="0" y2="{_y(chin)}"/>'
        f'<ellipse cx="0" cy="{_y(middle)}" rx="{_n(HEAD_WIDTH / 2 * _UNIT)}" '
        f'ry="{_n(HEAD_HEIGHT / 2 * _UNIT)}"/></g>'
    )


def _line(bone: Bone) -> str:
    (x1, y1), (x2, y2) = bone.start, bone.end
    return (
        f'<line class="shaft" x1="{_n(x1 * _UNIT)}" y1="{_y(y1)}" '
        f'x2="{_n(x2 * _UNIT)}" y2="{_y(y2)}"/>'
    )


def _joints(bone: Bone) -> str:
    return "".join(
        f'<circle class="joint" cx="{_n(x * _UNIT)}" cy="{_y(y)}" r="5.5"/>'
        for x, y in (bone.start, bone.end)
        if x or not bone.direction[0]
    )


def _small_bone(bone: Bone) -> str:
    return f'<g class="bone {_status(bone)} {bone.side}">{_line(bone)}{_joints(bone)}</g>'


def _bone(bone: Bone, estimate: Estimate) -> str:
    words = html.escape(describe(bone.key, estimate))
    focus = 'tabindex="0" role="img" ' if bone.written is not None or bone.side != "middle" else ""
    return (
        f'<g class="bone {_status(bone)} {bone.side}" data-bone="{bone.key}" {focus}'
        f'aria-label="{words}"><title>{words}</title>'
        f"{_band(bone)}{_line(bone)}{_joints(bone)}{_number(bone)}</g>"
    )


def _status(bone: Bone) -> str:
    return bone.length.status if bone.length.status in _STATUSES else "insufficient"


def _band(bone: Bone) -> str:
    low, high = bone.reach(bone.length.low), bone.reach(bone.length.high)
    if low == high:
        return ""
    (left, right), (bottom, top) = (sorted((low[axis], high[axis])) for axis in (0, 1))
    along = bone.direction[0] != 0
    width = (right - left) * _UNIT if along else _BAND
    height = _BAND if along else (top - bottom) * _UNIT
    x = left * _UNIT - (0 if along else _BAND / 2)
    y = -top * _UNIT - (_BAND / 2 if along else 0)
    return (
        f'<rect class="band" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" '
        f'height="{_n(height)}" rx="3"/>'
    )


def _number(bone: Bone) -> str:
    if bone.written is None:
        return ""
    anchor = {"l": "start", "m": "middle", "r": "end"}[bone.anchor[0]]
    drop = {"t": 14, "m": 5, "b": -2}[bone.anchor[1]]
    x, y = bone.label
    return (
        f'<text class="number" x="{_n(x * _UNIT)}" y="{_n(-y * _UNIT + drop)}" '
        f'text-anchor="{anchor}">{bone.written.drawn:.2f}</text>'
    )


def describe(key: str, estimate: Estimate) -> str:
    """Says what is known about a bone, for hovering and for screen readers.

    Args:
        key: Key of ``skeleton_estimate.json``.
    """
    label = BONE_LABELS[key]
    bone = estimate.stats.get(key)
    if bone is None:
        return f"{label}: no photo shows it yet"
    if bone.low == bone.high:
        return f"{label}: {bone.value:.3f} by definition, {bone.samples} samples"
    words = (
        f"{label}: {bone.value:.3f}, 90 % interval {bone.low:.3f} to {bone.high:.3f}, "
        f"{bone.samples} samples, {bone.status}"
    )
    sides = estimate.asymmetry.get(key.removesuffix("_L").removesuffix("_R"))
    if sides is None:
        return words
    difference = 100 * (sides.left_over_right - 1)
    verdict = "" if sides.significant else ", which may be chance"
    return f"{words}; left is {difference:+.1f} % against right{verdict}"


def pose_svg(pose: NDArray[np.float32], width: int, height: int, *, label: str) -> str:
    """Draws the pose seen in a photo, within the photo's frame.

    Lines are of class ``left``, ``right`` or ``middle``, and ``sure``, ``fair`` or ``poor`` by
    the visibility of their ends.

    Args:
        pose: (33, 5): x, y, z, visibility, presence.
        width: Of the photo, pixels.
        height: Of the photo, pixels.
    """
    tall = _POSE_WIDTH * min(max(height / max(width, 1), 0.1), 10.0)
    seen = visible_landmarks(pose, _POSE_WIDTH, tall)
    pairs = [
        *((pair, "middle") for pair in TRUNK),
        *((pair, _side(name)) for name, pair in BONES.items()),
    ]
    lines = [
        _pose_line(seen[start], seen[end], side)
        for (start, end), side in pairs
        if start in seen and end in seen
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pose" role="img" '
        f'aria-label="{_escaped(label)}" viewBox="0 0 {_POSE_WIDTH} {_n(tall)}">'
        f'<rect class="frame" x="1" y="1" width="{_POSE_WIDTH - 2}" '
        f'height="{_n(tall - 2)}" rx="8"/>'
        f"{''.join(lines)}{_face(seen)}</svg>"
    )


def pose_picture(pose: NDArray[np.float32], width: int, height: int) -> str:
    """Draws the pose seen in a photo as a file of its own, readable on light and dark ground.

    Args:
        pose: (33, 5): x, y, z, visibility, presence.
        width: Of the photo, pixels.
        height: Of the photo, pixels.
    """
    drawn = pose_svg(pose, width, height, label="pose")
    for css_class, written in _WRITTEN.items():
        drawn = drawn.replace(f'class="{css_class}"', written)
    return drawn


def _escaped(text: str) -> str:
    """Escapes text for XML, which has no place at all for control characters."""
    return html.escape("".join(c if c.isprintable() else "\ufffd" for c in text))


def _pose_line(start: tuple[float, ...], end: tuple[float, ...], side: str) -> str:
    visible = min(start[2], end[2])
    certainty = "sure" if visible >= _SURE else "fair" if visible >= (SEEN + _SURE) / 2 else "poor"
    return (
        f'<line class="{side} {certainty}" x1="{_n(start[0])}" y1="{_n(start[1])}" '
        f'x2="{_n(end[0])}" y2="{_n(end[1])}"/>'
    )


def _face(seen: Mapping[int, tuple[float, ...]]) -> str:
    """Draws a head around nose and ears, a third as wide as the shoulders where turned away."""
    points = [seen[number] for number in (NOSE, LEFT_EAR, RIGHT_EAR) if number in seen]
    if NOSE not in seen:
        return ""
    x, y = (sum(point[axis] for point in points) / len(points) for axis in (0, 1))
    reach = max(math.hypot(point[0] - x, point[1] - y) for point in points)
    if LEFT_SHOULDER in seen and RIGHT_SHOULDER in seen:
        (x1, y1, _), (x2, y2, _) = seen[LEFT_SHOULDER], seen[RIGHT_SHOULDER]
        reach = max(reach, math.hypot(x1 - x2, y1 - y2) / 6)
    if not reach:
        return ""
    return (
        f'<ellipse class="middle" cx="{_n(x)}" cy="{_n(y)}" rx="{_n(reach)}" '
        f'ry="{_n(1.3 * reach)}"/>'
    )


def _side(bone: str) -> str:
    return {"L": "left", "R": "right"}.get(bone[-1] if bone[-2] == "_" else "", "middle")


def _y(height: float) -> str:
    return _n(-height * _UNIT)


def _n(value: float) -> str:
    return f"{value:.1f}"
