"""Photos of a standing figure whose proportions a test chooses."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from avatarrig.body.bones import BONE_VECTORS, HELMERT, POOLING
from avatarrig.body.estimate import WINGSPAN, EstimateOptions, estimate
from avatarrig.body.evidence.evidence import evidence_from_landmarks
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Evidence, Observation, PackedArray

ARRIVED = dt.datetime(2026, 11, 22, tzinfo=dt.UTC).timestamp()
DAY = 86_400.0
SIZE = (960, 1280)
LEARNED = load_learned("full")


def average_body() -> dict[str, float]:
    """Lengths between landmarks, m, that photos of an average person show."""
    logs = POOLING @ (HELMERT.T @ LEARNED.population.mean) + LEARNED.network.offset
    lengths = {bone: float(np.exp(x)) for (bone, *_), x in zip(BONE_VECTORS, logs, strict=True)}
    return {bone: 0.48 * length / lengths["torso"] for bone, length in lengths.items()}


BODY = average_body()


def landmarks(
    body: dict[str, float], random: np.random.Generator, *, left_shank: float = 1.0
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A standing figure of known lengths, turned a little, seen from far away: (33, 5), (33, 3)."""
    points = np.zeros((33, 3))
    points[:11] = [0, -0.72, -0.1]
    points[[2, 5, 7, 8, 9, 10], 0] = [0.03, -0.03, 0.07, -0.07, 0.02, -0.02]
    for side, sign in ((0, 1), (1, -1)):
        shoulder = np.array([sign * body["shoulder"] / 2, -body["torso"], 0])
        hip = np.array([sign * body["hip"] / 2, 0, 0])
        swing, spread = random.normal(0, 0.15), random.uniform(0.2, 1.2)
        arm = np.array([sign * np.sin(spread), np.cos(spread), np.sin(swing)])
        leg = np.array([sign * 0.08, 1, 0.5 * np.sin(swing)])
        arm, leg = arm / np.linalg.norm(arm), leg / np.linalg.norm(leg)
        shank = body["shank"] * (left_shank if side == 0 else 1)
        elbow, knee = shoulder + body["uarm"] * arm, hip + body["thigh"] * leg
        wrist, ankle = elbow + body["farm"] * arm, knee + shank * leg
        points[11 + side], points[13 + side], points[15 + side] = shoulder, elbow, wrist
        points[[17 + side, 19 + side, 21 + side]] = wrist + 0.08 * arm
        points[23 + side], points[25 + side], points[27 + side] = hip, knee, ankle
        points[29 + side] = np.add(ankle, [0, 0.05, 0.05])
        points[31 + side] = np.add(ankle, [0, 0.06, -0.14])
    yaw = random.normal(0, 0.25)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    world = points @ turn.T
    pixels = world[:, :2] * 500 + [SIZE[0] / 2, 600] + random.normal(0, 4, (33, 2))
    pose = np.concatenate([pixels / SIZE, world[:, 2:], np.full((33, 2), 0.99)], axis=1)
    return pose.astype(np.float32), world.astype(np.float32)


@functools.cache
def _seen(number: int, body: tuple[tuple[str, float], ...], left_shank: float) -> dict[str, Any]:
    pose, world = landmarks(dict(body), np.random.default_rng(number), left_shank=left_shank)
    return {
        "pose": PackedArray.pack(pose),
        "world": PackedArray.pack(world),
        "evidence": evidence_from_landmarks(pose, world, *SIZE, learned=LEARNED),
    }


def photo(
    number: int,
    body: dict[str, float],
    left_shank: float = 1.0,
    **fields: Any,
) -> Observation:
    """A photo of the figure, six hours before the one with the number before; a number, a pose."""
    usual: dict[str, Any] = {
        "image_id": f"photo-{number}",
        "dataset": "d",
        "path": f"{number}.jpg",
        "subject": "s",
        "content_hash": f"{number:064}",
        "found_at": ARRIVED,
        "captured_at": ARRIVED - number * DAY / 4,
        "observed_at": ARRIVED,
        "fingerprint": "f",
        "width": SIZE[0],
        "height": SIZE[1],
        "people": 1,
        **_seen(number, tuple(body.items()), left_shank),
    }
    return Observation(**usual | fields)


def tally_of(count: int, body: dict[str, float], **fields: Any) -> Tally:
    """That many photos of the figure."""
    tally = Tally.empty()
    for number in range(count):
        tally.add(photo(number, body, **fields))
    return tally


def tally_of_photos(evidence: Iterable[Evidence]) -> Tally:
    """Photos that say given things."""
    tally = Tally.empty()
    for number, said in enumerate(evidence):
        tally.add(photo(number, BODY, evidence=said))
    return tally


def as_json(tally: Tally, options: EstimateOptions | None = None) -> dict[str, Any]:
    """The estimate's document, as it is read back from JSON."""
    document = estimate(tally, subject="s", options=options).to_document()
    read_back: dict[str, Any] = json.loads(json.dumps(document, allow_nan=False))
    assert read_back == document
    return document


def shown_in(document: dict[str, Any], key: str) -> int:
    """Photos that show a bone on either side, which are estimated together."""
    if key == WINGSPAN:
        return min(shown_in(document, f"{bone}_L") for bone in ("upper_arm", "lower_arm"))
    both = (key[:-1] + "L", key[:-1] + "R") if key.endswith(("_L", "_R")) else (key,)
    return max(int(document["stats"][side]["n"]) for side in both)
