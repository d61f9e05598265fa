"""Faces as the landmarker gives them, of proportions that a test chooses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIZE = (800, 600)


def face(
    yaw: float = 0.0, jaw: float = 0.8, noise: float = 0.0, seed: int = 0
) -> NDArray[np.float64]:
    """A face 100 pixels wide and 130 high, turned by some degrees."""
    points = np.zeros((478, 3))
    points[10], points[152] = (0, -65, 0), (0, 65, 0)
    points[234], points[454] = (-50, 0, 0), (50, 0, 0)
    points[172], points[397] = (-50 * jaw, 40, 0), (50 * jaw, 40, 0)
    points[468], points[473] = (-22, -10, 0), (22, -10, 0)
    points += np.random.default_rng(seed).normal(0, 100 * noise, points.shape)
    angle = np.radians(yaw)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    places = points @ turn.T + [400, 300, 0]
    shares: NDArray[np.float64] = places / [SIZE[0], SIZE[1], SIZE[0]]
    return shares
