"""Reads sets of people whose skeleton is known: landmarks of their photos, true bone lengths.

A set is a folder with ``truth.json`` (``bodies[]`` with ``id``, ``spread``, ``group``, ``bones``,
``images[]`` of ``file``, ``width``, ``height``) and the landmarks of all images in that order:
``landmarks_full.npz`` or ``pose.npz`` with ``det`` (n), ``img`` (n, 33, 5: x and y in pixels, z,
visibility, presence) and ``wor`` (n, 33, 3), or the compact ``landmarks16.npz``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from avatarrig.body.bones import POOLED_BONES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Body:
    """One person.

    Attributes:
        name: Set and body.
        spread: ``natural``, ``broad`` or ``wide``: how unusual proportions are in its set.
        lengths: (7,) true bone lengths in metres, in the order of `POOLED_BONES`.
        pose: (n, 33, 5) normalised landmarks of the photos that show somebody.
        world: (n, 33, 3) metres.
        size: (n, 2) width and height of the photos in pixels.
        files: Photos, relative to the set's folder.
    """

    name: str
    spread: str
    lengths: NDArray[np.float64]
    pose: NDArray[np.float64]
    world: NDArray[np.float64]
    size: NDArray[np.float64]
    files: tuple[str, ...]


def find_sets(folders: list[Path]) -> list[Path]:
    """Returns every folder with a ``truth.json`` at or below the given ones.

    In the order of the given ones, and sorted below each, wherever they lie.

    Raises:
        SystemExit: There is none.
    """
    found = [path.parent for folder in folders for path in sorted(folder.rglob("truth.json"))]
    if not found:
        names = ", ".join(map(str, folders))
        raise SystemExit(f"no truth.json in or below {names}: name a folder with a set of people")
    return found


def read_set(folder: Path) -> list[Body]:
    """Reads the bodies of one set."""
    truth = json.loads((folder / "truth.json").read_text())
    detected, pose, world = _landmarks(folder)
    bodies, start = [], 0
    for entry in truth["bodies"]:
        images = entry["images"]
        rows = np.arange(start, start + len(images))
        start += len(images)
        size = np.array([[image["width"], image["height"]] for image in images], float)
        seen = detected[rows]
        normalised = pose[rows].astype(np.float64)
        if np.nanmax(np.abs(normalised[..., :2]), initial=0) > 8:  # noqa: PLR2004 - these are pixels
            normalised[..., :2] /= size[:, None]
            normalised[..., 2] /= size[:, None, 0]
        bodies.append(
            Body(
                name=f"{folder.name}/{entry['id']}",
                spread=_spread(entry, folder.name),
                lengths=np.array([entry["bones"][bone] for bone in POOLED_BONES]),
                pose=normalised[seen],
                world=world[rows][seen].astype(np.float64),
                size=size[seen],
                files=tuple(
                    image.get("file", "") for image, s in zip(images, seen, strict=True) if s
                ),
            )
        )
    return bodies


def _spread(entry: dict[str, Any], folder: str) -> str:
    spread = entry.get("spread", folder if folder in {"wide", "broad"} else "natural")
    return str(spread)


def _landmarks(
    folder: Path,
) -> tuple[NDArray[np.bool_], NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    compact = folder / "landmarks16.npz"
    if compact.is_file():
        with np.load(compact) as file:
            return unpack(file["detected"], file["pose"], file["world"])
    for name in ("landmarks_full.npz", "pose.npz"):
        if (folder / name).is_file():
            with np.load(folder / name) as file:
                return file["det"], file["img"], file["wor"]
    raise SystemExit(f"{folder} has a truth.json but no landmarks_full.npz or pose.npz")


def unpack(
    detected: NDArray[np.bool_], pose: NDArray[np.int16], world: NDArray[np.int16]
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Undoes `pack`."""
    return detected, pose.astype(np.float64) / POSE_STEPS, world.astype(np.float64) / WORLD_STEPS


def pack(
    detected: NDArray[np.bool_], pose: NDArray[np.floating[Any]], world: NDArray[np.floating[Any]]
) -> dict[str, NDArray[Any]]:
    """Packs normalised landmarks into 16-bit integers: 0.1 pixels of a photo, half a millimetre."""
    return {
        "detected": detected,
        "pose": np.rint(np.clip(np.nan_to_num(pose), -4, 4) * POSE_STEPS).astype(np.int16),
        "world": np.rint(np.clip(np.nan_to_num(world), -4, 4) * WORLD_STEPS).astype(np.int16),
    }


POSE_STEPS = 8000
WORLD_STEPS = 2000
