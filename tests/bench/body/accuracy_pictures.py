"""Landmarks of the bench's pictures by the product's own detector."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from estimator.people import Body, find_sets, read_set

from avatarrig.detectors.detector import Detector
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.options import DetectorOptions, PoseModel
from avatarrig.photos.refused import PhotoRefusedError


def look_again(folders: list[Path], pose_model: PoseModel) -> list[Body]:
    """Detects every picture of the sets anew.

    Args:
        folders: Sets, or folders of sets; bodies without pictures are left out.
        pose_model: Which to detect with.

    Raises:
        SystemExit: No set has pictures.
    """
    options = DetectorOptions(pose_model=pose_model)
    with Detector(options, locate_models(options, None)) as detector:
        bodies = [
            _seen_by(detector, folder, body)
            for folder in find_sets(folders)
            for body in read_set(folder)
            if (folder / body.photos.files[0]).is_file()
        ]
    if not bodies:
        names = ", ".join(map(str, folders))
        raise SystemExit(f"no set in {names} has pictures: name one that has, or use landmarks")
    return bodies


def _seen_by(detector: Detector, folder: Path, body: Body) -> Body:
    pose, world, size, rows = [], [], [], []
    for row, name in enumerate(body.photos.files):
        try:
            seen = detector.detect((folder / name).read_bytes())
        except PhotoRefusedError as error:
            raise SystemExit(f"{folder / name}: {error}") from error
        if seen.pose is not None and seen.world is not None:
            pose.append(seen.pose)
            world.append(seen.world)
            size.append((seen.width, seen.height))
            rows.append(row)
    photos = dataclasses.replace(
        body.photos.of(np.array(rows, int)),
        pose=np.array(pose, float),
        world=np.array(world, float),
        size=np.array(size, float),
    )
    return dataclasses.replace(body, photos=photos)
