"""Proportions of a face, from the 478 points that are seen of it in each photo.

Distances are in three dimensions, over the face's width, in photos where the face looks into the
camera within 30°, so that they do not depend on how the head is turned; and only where the face
rests, where an expression would move the points. The points are those of MediaPipe's face mesh
with irises.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from avatarrig.body.blendshapes import BLENDSHAPE_NAMES
from avatarrig.body.sums.histogram import bin_of

if TYPE_CHECKING:
    Places = dict[int, NDArray[np.float64]]
    from avatarrig.wire import Evidence, Observation

_FOREHEAD, _CHIN = 10, 152
_CHEEKS: Final = (234, 454)
_JAW_OPENS: Final = ("jawOpen",)
_MOUTH_MOVES: Final = ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "mouthPucker",
                       "mouthFunnel", "mouthStretchLeft", "mouthStretchRight")  # fmt: skip


@dataclass(frozen=True)
class _Measured:
    """What is measured over the face's width.

    Attributes:
        points: From where to where.
        disturbed_by: Blendshapes that move these points.
    """

    points: tuple[int, int]
    disturbed_by: tuple[str, ...] = ()


_MEASURED: Final = {
    "height_to_width": _Measured((_FOREHEAD, _CHIN), _JAW_OPENS),
    "eye_distance_to_width": _Measured((468, 473)),
    "jaw_to_width": _Measured((172, 397), _JAW_OPENS),
    "nose_length_to_width": _Measured((168, 2)),
    "mouth_to_width": _Measured((61, 291), _MOUTH_MOVES),
}
_NEEDED: Final = sorted(
    {_FOREHEAD, _CHIN, *_CHEEKS}.union(*(measured.points for measured in _MEASURED.values()))
)
_MOST_EXPRESSION: Final = 0.3
"""Score of a blendshape from which a face does not rest."""

_FRONTAL: Final = math.cos(math.radians(30))


def with_face(evidence: Evidence, observation: Observation) -> Evidence:
    """Adds what a photo shows of its subject's face, where its points are there.

    Args:
        evidence: What the photo says about bones.
        observation: What was seen in it.
    """
    if observation.face is None:
        return evidence
    scores = observation.blendshapes
    bins = face_bins(
        observation.face.unpack(),
        None if scores is None else scores.unpack(),
        observation.width,
        observation.height,
    )
    return msgspec.structs.replace(evidence, ratios=evidence.ratios | bins)


def face_bins(
    face: NDArray[np.floating[Any]],
    scores: NDArray[np.floating[Any]] | None,
    width: int,
    height: int,
) -> dict[str, int]:
    """Measures a face.

    Args:
        face: (478, 3) shares of the photo's width and height, z in the scale of x.
        scores: (52,) of the blendshapes, 0..1; None where they are not known.
        width: Of the photo in pixels.
        height: Of the photo in pixels.

    Returns:
        Bin of the log-histogram by `avatarrig.body.ratios.FACE_KEYS`, of what the photo shows.
    """
    seen = face[_NEEDED].astype(np.float64) * (width, height, width)
    if not np.isfinite(seen).all():
        return {}
    places = dict(zip(_NEEDED, seen, strict=True))
    across = _apart(places, _CHEEKS)
    if not across or not _is_frontal(places):
        return {}
    moving = dict(zip(BLENDSHAPE_NAMES, [] if scores is None else scores.tolist(), strict=False))
    lengths = {
        key: _apart(places, measured.points)
        for key, measured in _MEASURED.items()
        if all(moving.get(name, 0) <= _MOST_EXPRESSION for name in measured.disturbed_by)
    }
    return {f"face_{key}": bin_of(length / across) for key, length in lengths.items() if length}


def _is_frontal(places: Places) -> bool:
    right, left = _CHEEKS
    (ax, ay, az), (bx, by, bz) = (
        places[left] - places[right],
        places[_CHIN] - places[_FOREHEAD],
    )
    normal = (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
    size = math.hypot(*normal)
    return size > 0 and abs(normal[2]) / size > _FRONTAL


def _apart(places: Places, pair: tuple[int, int]) -> float:
    return math.dist(places[pair[0]], places[pair[1]])
