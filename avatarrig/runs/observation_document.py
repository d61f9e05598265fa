"""An observation as the JSON file that people keep, and back.

The document has the prototype's schema 1.2; under ``avatarrig`` stands what the record on
the wire has beside, so that the record can be restored bit for bit and replayed.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from avatarrig.body.blendshapes import BLENDSHAPE_NAMES
from avatarrig.body.landmarks import BONES, POSE_LANDMARK_NAMES
from avatarrig.errors import AvatarRigError
from avatarrig.wire import Observation, PackedArray
from avatarrig.wire.identity import subject_name

DOCUMENT_VERSION = "1.2"
_IN_DOCUMENT = {"image_id", "width", "height", "pose", "world", "face", "blendshapes", "meta"}
_RECORD_FIELDS = tuple(
    field for field in Observation.__struct_fields__ if field not in _IN_DOCUMENT
)

Document = dict[str, Any]


class ObservationFileError(AvatarRigError, ValueError):
    """A file does not hold an observation of AvatarRig."""


def to_document(observation: Observation, mask_path: str | None) -> Document:
    """Lays an observation out as its file shows it.

    Args:
        mask_path: The mask's path within the run directory, None where none was saved.
    """
    record = msgspec.to_builtins(observation)
    size = (observation.width, observation.height)
    meta = dict(observation.meta)
    return {
        "schema_version": DOCUMENT_VERSION,
        "image_id": observation.image_id,
        "rel_image_path": observation.path,
        "width": observation.width,
        "height": observation.height,
        "status": {"ok": True, "errors": []},
        "pose": _pose(observation, size),
        "face": _face(observation, size),
        "segmentation": {
            "mask_relpath": mask_path,
            "mask_kind": "person_255" if mask_path else None,
            "mask_stats": {"person_share": meta.get("mask_person_share")},
            "note": None if mask_path else "mask not saved; --save-masks saves it",
        },
        "meta": meta,
        "avatarrig": {field: record[field] for field in _RECORD_FIELDS},
    }


def from_document(document: Document) -> Observation:
    """Restores the record that `to_document` laid out, bit for bit.

    Raises:
        ObservationFileError: Saying what is missing or does not fit.
    """
    try:
        fields = dict(document["avatarrig"])
        fields.update({key: document[key] for key in ("image_id", "width", "height", "meta")})
        pose, face = document["pose"], document["face"]
        fields["pose"] = _packed(pose, "landmarks", ("x", "y", "z", "visibility", "presence"))
        fields["world"] = _packed(pose, "world_landmarks", ("x", "y", "z"))
        fields["face"] = _packed(face, "landmarks", ("x", "y", "z"))
        fields["blendshapes"] = _packed_blendshapes(face)
        fields["subject"] = subject_name(fields["subject"])
        return msgspec.convert(fields, type=Observation)
    except ObservationFileError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise ObservationFileError(f"not an observation of AvatarRig: {error!r}") from error


def _pose(observation: Observation, size: tuple[int, int]) -> Document | None:
    if observation.pose is None:
        return None
    pose = observation.pose.unpack()
    world = None if observation.world is None else observation.world.unpack()
    return {
        "landmarks": [_landmark(row, size) for row in _exact(pose)],
        "world_landmarks": None
        if world is None
        else [
            {"x": x, "y": y, "z": z, "visibility": visibility, "presence": presence}
            for (x, y, z), (_, _, _, visibility, presence) in zip(
                _exact(world), _exact(pose), strict=True
            )
        ],
        "names": list(POSE_LANDMARK_NAMES),
        **_bones(pose, size),
    }


def _bones(pose: NDArray[np.float32], size: tuple[int, int]) -> Document:
    """Lengths in pixels, ratios to the shoulder width in pixels, and confidences of the bones."""
    points = pose[:, :2].astype(float) * size
    lengths = {
        name: float(np.hypot(*(points[end] - points[start])))
        for name, (start, end) in BONES.items()
    }
    shoulders = lengths["shoulder_width"]
    return {
        "bones_px": {name: round(length, 3) for name, length in lengths.items()},
        "bones_ratio": {
            name: round(length / shoulders, 5) if shoulders > 0 else None
            for name, length in lengths.items()
        },
        "bones_conf": {
            name: round(min(_confidence(pose[start]), _confidence(pose[end])), 5)
            for name, (start, end) in BONES.items()
        },
    }


def _confidence(landmark: NDArray[np.float32]) -> float:
    """min(visibility, presence); either stands in where the other is 0 (prototype's metric)."""
    visibility, presence = float(landmark[3]), float(landmark[4])
    if visibility == 0 or presence == 0:
        return max(visibility, presence)
    return min(visibility, presence)


def _landmark(row: list[float], size: tuple[int, int]) -> Document:
    x, y, z, visibility, presence = row
    return {
        "x": x,
        "y": y,
        "z": z,
        "visibility": visibility,
        "presence": presence,
        "x_px": round(x * size[0], 2),
        "y_px": round(y * size[1], 2),
    }


def _face(observation: Observation, size: tuple[int, int]) -> Document | None:
    if observation.face is None:
        return None
    scores = observation.blendshapes
    return {
        "landmarks": [
            {"x": x, "y": y, "z": z, "x_px": round(x * size[0], 2), "y_px": round(y * size[1], 2)}
            for x, y, z in _exact(observation.face.unpack())
        ],
        "blendshapes": {}
        if scores is None
        else dict(zip(BLENDSHAPE_NAMES, _exact(scores.unpack()[None])[0], strict=True)),
    }


def _exact(array: NDArray[np.float32]) -> list[list[float]]:
    """The shortest decimals that give each float32 back: nine significant digits do."""
    return [[float(f"{value:.9g}") for value in row] for row in array.tolist()]


def _packed(part: Document | None, key: str, names: tuple[str, ...]) -> Document | None:
    if part is None or part.get(key) is None:
        return None
    rows = [[landmark[name] for name in names] for landmark in part[key]]
    return _of_numbers(rows, key)


def _packed_blendshapes(face: Document | None) -> Document | None:
    if not face or not face["blendshapes"]:
        return None
    scores = [face["blendshapes"][name] for name in BLENDSHAPE_NAMES]
    return _of_numbers(scores, "blendshapes")


def _of_numbers(values: list[Any], key: str) -> Document:
    with np.errstate(over="ignore"):  # what is too large is infinite, and refused
        array = np.array(values, dtype=np.float32)
        total = float(np.abs(array).sum())
    if not math.isfinite(total):
        raise ObservationFileError(f"{key} holds a value that is no number")
    packed = PackedArray.pack(array)
    return {"shape": packed.shape, "data": packed.data}
