"""Reads sets of people whose skeleton is known: landmarks of their photos, true bone lengths.

A set is a folder with ``truth.json`` (``bodies[]`` with ``id``, ``spread``, ``group``, ``bones``,
``images[]`` of ``file``, ``width``, ``height`` and, in photo dumps, ``session``, ``burst``,
``copy_of``, ``view``, ``bottom``) and the landmarks of all images in that order:
``landmarks_full.npz`` or ``pose.npz`` with ``det`` (n), ``img`` (n, 33, 5: x and y in pixels, z,
visibility, presence) and ``wor`` (n, 33, 3). A compact set has ``landmarks16.npz`` instead, which
`estimator.compact` writes.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from estimator.compact import COMPACT, Columns, read_compact

from avatarrig.body.bones import POOLED_BONES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Body:
    """One person.

    Attributes:
        name: Set and body.
        spread: ``natural``, ``broad`` or ``wide``: how unusual proportions are in its set; or
            ``real``, and ``real_opensim`` with trunk, shoulders and hips by another definition.
        lengths: (7,) true bone lengths in metres, in the order of `POOLED_BONES`.
        deviations: (7,) standard deviations of their logarithms: the truth's own error.
        source: Kind of pictures: the name of the folder that the set lies in.
        group: ``male``, ``female``, ``child``; "" if nobody knows.
        build: ``slim``, ``average``, ``heavy``; "" if nobody knows.
        photos: Those that show somebody.
    """

    name: str
    spread: str
    lengths: NDArray[np.float64]
    deviations: NDArray[np.float64]
    source: str
    group: str
    build: str
    photos: Columns


_SLIM, _HEAVY = 0.48, 0.6


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
    columns = columns_of(folder, truth)
    bodies, start = [], 0
    for entry in truth["bodies"]:
        photos = entry["photos"] if "photos" in entry else len(entry["images"])
        rows = np.arange(start, start + photos)
        start += photos
        bodies.append(_body(folder, entry, columns.of(rows[columns.detected[rows]])))
    return bodies


def _body(folder: Path, entry: dict[str, Any], seen: Columns) -> Body:
    spread = entry.get("spread", folder.name if folder.name in {"wide", "broad"} else "natural")
    deviations = entry.get("bones_sd_log") or dict.fromkeys(POOLED_BONES, 0.0)
    return Body(
        name=f"{folder.name}/{entry['id']}",
        spread=str(spread),
        lengths=np.array([entry["bones"][bone] for bone in POOLED_BONES]),
        deviations=np.array([deviations[bone] for bone in POOLED_BONES]),
        source=folder.resolve().parent.name,
        group=entry.get("group", ""),
        build=build_of(entry),
        photos=seen,
    )


def build_of(entry: dict[str, Any]) -> str:
    """How stout the body model made somebody: thirds of its draws."""
    if "phenotypes" not in entry:
        return str(entry.get("build", ""))
    weight = float(entry["phenotypes"]["weight"])
    return "slim" if weight < _SLIM else "heavy" if weight > _HEAVY else "average"


def columns_of(folder: Path, truth: dict[str, Any]) -> Columns:
    """Reads the photos of a set, given its ``truth.json``."""
    if (folder / COMPACT).is_file():
        return read_compact(folder / COMPACT)
    for name in ("landmarks_full.npz", "pose.npz"):
        if (folder / name).is_file():
            with np.load(folder / name) as file:
                return _rendered(truth, file["det"], file["img"], file["wor"])
    raise SystemExit(f"{folder} has a truth.json but no landmarks_full.npz or pose.npz")


def _rendered(
    truth: dict[str, Any],
    detected: NDArray[np.bool_],
    pixels: NDArray[np.floating[Any]],
    world: NDArray[np.floating[Any]],
) -> Columns:
    images = [image for body in truth["bodies"] for image in body["images"]]
    size = np.array([[image["width"], image["height"]] for image in images], float)
    pose = pixels.astype(np.float64)
    pose[..., :2] /= size[:, None]
    pose[..., 2] /= size[:, None, 0]
    session, moment, copy = _occasions(truth["bodies"])
    return Columns(
        detected=detected.astype(bool),
        pose=pose,
        world=world.astype(np.float64),
        size=size,
        session=session,
        moment=moment,
        copy=copy,
        taken=np.array([_seconds(image) for image in images]),
        files=np.array([image.get("file", "") for image in images], object),
        view=np.array([image.get("view", "") for image in images]),
        clothes=np.array([image.get("bottom", "") for image in images]),
    )


def _seconds(image: dict[str, Any]) -> float:
    """When a photo was taken, as its EXIF data say."""
    if not image.get("exif"):
        return math.nan
    taken = dt.datetime.fromisoformat(image["taken"])
    return taken.replace(tzinfo=dt.UTC).timestamp()


def _occasions(
    bodies: list[dict[str, Any]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Session and moment of all photos, and which are copies.

    Frames of a video camera are one session; rendered pictures that tell nothing of sessions
    were made independently of each other.
    """
    sessions, moments, copies = [], [], []
    for body in bodies:
        images = body["images"]
        place = {image["file"]: number for number, image in enumerate(images) if "file" in image}
        for number in range(len(images)):
            first = number
            while images[first].get("copy_of") in place:
                first = place[images[first]["copy_of"]]
            origin, burst = images[first], images[first].get("burst")
            filmed = body.get("spread", "").startswith("real")
            sessions.append(origin.get("session", 0 if filmed else number))
            moments.append(first if burst is None else len(images) + burst)
            copies.append(first != number)
    return np.array(sessions), np.array(moments), np.array(copies)
