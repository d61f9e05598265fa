"""Evidence of photos of one standing person, turned and shifted at random."""

from __future__ import annotations

import numpy as np

from avatarrig.body.evidence.evidence import evidence_from_landmarks
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.sums.evidence_sum import EvidenceSum
from avatarrig.wire import Evidence

LEARNED = load_learned("full")

# A person standing in front of the camera, metres, x right, y down, z away.
STANDING = np.zeros((33, 3))
STANDING[[0, 2, 5, 7, 8, 9, 10]] = [
    *([0, -0.62, -0.1], [0.03, -0.65, -0.08], [-0.03, -0.65, -0.08], [0.07, -0.63, 0.0]),
    *([-0.07, -0.63, 0.0], [0.02, -0.58, -0.08], [-0.02, -0.58, -0.08]),
]
STANDING[11:17] = [
    *([0.17, -0.45, 0], [-0.17, -0.45, 0], [0.22, -0.18, 0.02], [-0.22, -0.18, 0.02]),
    *([0.24, 0.06, -0.05], [-0.24, 0.06, -0.05]),
]
STANDING[19:21] = [[0.25, 0.14, -0.06], [-0.25, 0.14, -0.06]]
STANDING[23:33] = [
    *([0.1, 0, 0], [-0.1, 0, 0], [0.11, 0.4, -0.01], [-0.11, 0.4, -0.01]),
    *([0.11, 0.78, 0.04], [-0.11, 0.78, 0.04], [0.11, 0.82, 0.08], [-0.11, 0.82, 0.08]),
    *([0.12, 0.84, -0.1], [-0.12, 0.84, -0.1]),
]
WIDTH, HEIGHT = 640, 960


def seen(seed: int, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks of a photo of the standing person, turned and shifted at random."""
    generator = np.random.default_rng(seed)
    turn = generator.uniform(-0.9, 0.9)
    rotation = np.array(
        [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
    )
    world = STANDING @ rotation.T + generator.normal(0, noise, (33, 3))
    pose = np.ones((33, 5))
    pixels = world[:, :2] * 480 + [WIDTH / 2, HEIGHT / 2 - 40]
    pose[:, :2] = (pixels + generator.normal(0, 3, (33, 2))) / [WIDTH, HEIGHT]
    pose[:, 2] = world[:, 2]
    pose[:, 3] = generator.uniform(0.6, 1.0, 33)
    return pose, world


def told(seed: int, noise: float = 0.02) -> Evidence:
    """What such a photo says."""
    evidence = evidence_from_landmarks(*seen(seed, noise), WIDTH, HEIGHT, learned=LEARNED)
    assert evidence is not None
    return evidence


PHOTOS = [told(seed) for seed in range(12)]


def total(photos: list[Evidence]) -> EvidenceSum:
    """What photos say together."""
    result = EvidenceSum()
    for photo in photos:
        result.add(photo)
    return result
