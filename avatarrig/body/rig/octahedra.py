"""What a bone looks like: its own axes, and a thin octahedron along it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from avatarrig.body.rig.armature import Bone

_THICKNESS: Final = 0.08
"""Half the width of a bone's octahedron over its length."""
_FRONT: Final = 0.7
"""A bone that points to the front more than this has its z upwards."""
_BELLY: Final = 0.15
"""Where the octahedron is widest, as a share of the bone from its head."""
_TRIANGLES: Final = (
    *([0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 1]),
    *([5, 2, 1], [5, 3, 2], [5, 4, 3], [5, 1, 4]),
)
"""Corners of the octahedron, counter-clockwise from outside: head 0, belly 1 to 4, tail 5."""


def axes_of(bone: Bone) -> NDArray[np.float64]:
    """A bone's own axes as columns: y along it, z as far to the front as can be, else up."""
    y = np.subtract(bone.tail, bone.head)
    y = y / np.linalg.norm(y)
    front = np.array([0.0, 0.0, 1.0]) if abs(y[2]) < _FRONT else np.array([0.0, 1.0, 0.0])
    z = front - (front @ y) * y
    z /= np.linalg.norm(z)
    return np.stack([np.cross(y, z), y, z], axis=1)


def octahedra(
    bones: Sequence[Bone],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The triangles of all bones, eight for each, and their normals: (n, 3, 3) and (n, 3)."""
    triangles = np.array([_octahedron(bone)[corners] for bone in bones for corners in _TRIANGLES])
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return triangles, normals


def _octahedron(bone: Bone) -> NDArray[np.float64]:
    """Head, four corners of the belly, tail: (6, 3)."""
    head, tail = np.array(bone.head), np.array(bone.tail)
    along = tail - head
    length = float(np.linalg.norm(along))
    helper = np.array([0.0, 0.0, 1.0]) if abs(along[2]) < length / 2 else np.array([1.0, 0.0, 0.0])
    side = np.cross(along, helper)
    side *= _THICKNESS * length / np.linalg.norm(side)
    up = np.cross(side, along) / length
    belly = head + _BELLY * along
    return np.array([head, belly + side, belly + up, belly - side, belly - up, tail])
