"""How well people are found and measured, with and without the second look.

The rendered people are placed whole, and smaller and smaller, in pictures of 1280 x 960, since
people in photos seldom fill them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
from support.pictures import read_picture

from avatarrig.detectors.detector import Detector
from avatarrig.detectors.fetching.models import ModelFiles
from avatarrig.detectors.options import DetectorOptions

JOINTS = (11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
TORSO = (11, 12, 23, 24)
PCK_SHARE = 0.1
CANVAS = (960, 1280)
SCALES = (1.0, 0.5, 0.33, 0.25)


def measure_people(
    folder: Path, options: DetectorOptions, models: ModelFiles, pictures: int
) -> list[dict[str, Any]]:
    """Measures detection rate and PCK@0.1 of the torso.

    Args:
        folder: Rendered people with truth.json beside them.
        options: The detector's options.
        models: The model files.
        pictures: How many pictures are taken, evenly spread.

    Returns:
        One row for each scale and kind of detector.
    """
    truth = json.loads((folder / "truth.json").read_text())
    images = [image for body in truth["bodies"] for image in body["images"]]
    chosen = images[:: max(len(images) // pictures, 1)][:pictures]
    looks = _looks(options, models)
    rows = []
    for scale in SCALES:
        placed = [
            _place(folder / image["file"], scale, number) for number, image in enumerate(chosen)
        ]
        for name, detector in looks.items():
            rows.append({"scale": scale, "detector": name, **_measure(detector, chosen, placed)})
    for detector in looks.values():
        detector.close()
    return rows


def measure_photos(
    photos: dict[str, bytes], options: DetectorOptions, models: ModelFiles
) -> list[dict[str, Any]]:
    """Counts what the second look changes on real photos, of which no joint is known.

    Args:
        photos: Files by name.
        options: The detector's options.
        models: The model files.

    Returns:
        One row for each kind of detector: how many photos have a pose, how many people are
        found in all, how many photos are ambiguous, mean pose_score.
    """
    rows = []
    for name, detector in _looks(options, models).items():
        with detector:
            seen = [detector.detect(data) for data in photos.values()]
        scores = [float(one.meta["pose_score"] or 0) for one in seen]
        rows.append(
            {
                "detector": name,
                "photos": len(seen),
                "found": sum(one.pose is not None for one in seen),
                "people": sum(one.people for one in seen),
                "ambiguous": sum(one.ambiguous for one in seen),
                "mean_score": float(np.mean(scores)),
            }
        )
    return rows


def _looks(options: DetectorOptions, models: ModelFiles) -> dict[str, Detector]:
    first = msgspec.structs.replace(options, pose_crop_from_mask=False)
    return {"first look": Detector(first, models), "with second look": Detector(options, models)}


def _place(path: Path, scale: float, seed: int) -> tuple[bytes, float, np.ndarray]:
    """Gives a picture as PNG with the person at a scale, that scale and where it was put."""
    picture = read_picture(path)
    if scale == 1.0:
        return cv2.imencode(".png", picture)[1].tobytes(), scale, np.zeros(2)
    noise = np.random.default_rng(seed)
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    blobs = noise.integers(60, 200, (24, 32, 3)).astype(np.uint8)
    canvas = cv2.resize(blobs, CANVAS[::-1], interpolation=cv2.INTER_CUBIC)
    top, left = (noise.integers(0, CANVAS[axis] - small.shape[axis]) for axis in (0, 1))
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return cv2.imencode(".png", canvas)[1].tobytes(), scale, np.array([left, top])


def _measure(
    detector: Detector, images: list[dict[str, Any]], placed: list[tuple[bytes, float, np.ndarray]]
) -> dict[str, float]:
    found, hits = 0, []
    for image, (data, scale, offset) in zip(images, placed, strict=True):
        detection = detector.detect(data)
        joints = {j: image["joints"][str(j)] for j in JOINTS if image["joints"][str(j)]["inside"]}
        if detection.pose is None:
            hits += [False] * len(joints)
            continue
        found += 1
        limit = PCK_SHARE * _torso_px(image) * scale
        points = detection.pose[:, :2] * (detection.width, detection.height)
        hits += [
            bool(np.hypot(*(points[j] - (np.array(joint["p"]) * scale + offset))) < limit)
            for j, joint in joints.items()
        ]
    return {"detection_rate": found / len(images), "pck": float(np.mean(hits))}


def _torso_px(image: dict[str, Any]) -> float:
    """Length of the torso in pixels as seen without foreshortening."""
    left, right, left_hip, right_hip = (np.array(image["joints"][str(j)]["c"]) for j in TORSO)
    length = float(np.linalg.norm((left + right - left_hip - right_hip) / 2))
    depth = float(np.mean([left[2], right[2], left_hip[2], right_hip[2]]))
    return length / depth * float(image["K"][0][0])
