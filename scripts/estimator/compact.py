"""Sets of people in a compact form, for the repository: 16-bit integers, and no pictures."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

COMPACT: Final = "landmarks16.npz"
POSE_STEPS: Final = 4000
"""0.2 pixels of a photo."""
WORLD_STEPS: Final = 1000
"""A millimetre."""
_VISIBILITY_STEPS: Final = 200


@dataclass(frozen=True)
class Columns:
    """Photos, of a set or of one of its people.

    Attributes:
        detected: (n,) whether somebody was seen.
        pose: (n, 33, 5) normalised landmarks.
        world: (n, 33, 3) metres.
        size: (n, 2) width and height in pixels.
        session: (n,) photos in one outfit, place and light have the same number.
        moment: (n,) so have frames of a burst, and copies and what they were made from.
        copy: (n,) whether a photo was made from another one.
        taken: (n,) when, in seconds since 1970, as far as the photo itself says so; nan.
        files: (n,) names, relative to the set's folder.
        view: (n,) ``front``, ``side``, ``back``: from where the chest is seen; "" if nobody knows.
        clothes: (n,) of the legs: ``long``, ``shorts``, ``tight``, ``skirt``; "" if nobody knows.
    """

    detected: NDArray[np.bool_]
    pose: NDArray[np.float64]
    world: NDArray[np.float64]
    size: NDArray[np.float64]
    session: NDArray[np.int64]
    moment: NDArray[np.int64]
    copy: NDArray[np.bool_]
    taken: NDArray[np.float64]
    files: NDArray[np.object_]
    view: NDArray[np.str_]
    clothes: NDArray[np.str_]

    def of(self, rows: NDArray[Any]) -> Columns:
        """Keeps some of the photos."""
        fields = (field.name for field in dataclasses.fields(self))
        return Columns(**{name: getattr(self, name)[rows] for name in fields})


def write_compact(path: Path, columns: Columns) -> None:
    """Writes what `read_compact` reads, with landmarks rounded; z and presence are not kept."""
    seen = columns.pose[columns.detected]
    place = np.rint(np.clip(np.nan_to_num(seen[..., :2]), -4, 4) * POSE_STEPS)
    world = np.rint(np.clip(np.nan_to_num(columns.world[columns.detected]), -4, 4) * WORLD_STEPS)
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            detected=columns.detected,
            place=place.astype(np.int16),
            visibility=np.rint(seen[..., 3] * _VISIBILITY_STEPS).astype(np.uint8),
            world=world.astype(np.int16),
            size=columns.size.astype(np.int16),
            session=columns.session.astype(np.int16),
            moment=columns.moment.astype(np.int16),
            copy=columns.copy,
            taken=columns.taken,
            view=columns.view,
            clothes=columns.clothes,
        )


def read_compact(path: Path) -> Columns:
    """Reads a compact set's photos."""
    with np.load(path) as file:
        detected = file["detected"]
        pose = np.zeros((len(detected), 33, 5))
        world = np.zeros((len(detected), 33, 3))
        pose[detected, :, :2] = file["place"] / POSE_STEPS
        pose[detected, :, 3] = file["visibility"] / _VISIBILITY_STEPS
        world[detected] = file["world"] / WORLD_STEPS
        unknown = np.full(len(detected), "")
        return Columns(
            detected=detected,
            pose=pose,
            world=world,
            size=file["size"].astype(np.float64),
            session=file["session"].astype(np.int64),
            moment=file["moment"].astype(np.int64),
            copy=file["copy"],
            taken=file["taken"],
            files=np.full(len(detected), "", object),
            view=file.get("view", unknown),
            clothes=file.get("clothes", unknown),
        )
