"""Triangles that a fit tears are drawn together, slivers among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avatarrig.avatar.gltf.storing import Store
from avatarrig.avatar.relaxing import Bounds, relax
from avatarrig.avatar.surfaces import Surface

COLUMNS = 24
ROWS = np.cumsum([0, *[0.02] * 6, *[0.003] * 3, *[0.02] * 6])
"""Heights of a sheet's vertices; those in the middle are near one another, as at a seam."""


def sheet() -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles."""
    points = np.array([(0.02 * column, row, 0.0) for row in ROWS for column in range(COLUMNS)])
    corner = np.arange((len(ROWS) - 1) * COLUMNS).reshape(-1, COLUMNS)[:, :-1].reshape(-1)
    lower = np.stack([corner, corner + 1, corner + COLUMNS], axis=1)
    upper = np.stack([corner + 1, corner + COLUMNS + 1, corner + COLUMNS], axis=1)
    return points, np.concatenate([lower, upper])


def stored(points: np.ndarray, triangles: np.ndarray) -> tuple[dict[str, Any], bytes]:
    primitive = {"attributes": {"POSITION": 0}, "indices": 1}
    document: dict[str, Any] = {"meshes": [{"primitives": [primitive]}], "accessors": []}
    document |= {"bufferViews": [], "buffers": [{"byteLength": 0}]}
    store = Store(document, bytearray())
    store.add(points, "VEC3")
    store.add(triangles.reshape(-1, 1).astype(float), "SCALAR")
    return document, bytes(store.binary)


def held(points: np.ndarray, **shares: np.ndarray) -> Surface:
    """Vertices that parts hold with these weights."""
    count = len(points)
    return Surface(
        uses=((0, 0, 0),),
        position=0,
        skin=None,
        joints=np.zeros((count, 1), np.int64),
        weights=np.ones((count, 1)),
        into_bind=np.eye(4),
        points=points,
        shares={part: (np.arange(count), weights) for part, weights in shares.items()},
    )


@pytest.mark.parametrize(("opened", "left"), [(5e-4, 0.0), (5e-3, 5e-3)])
def test_a_seam_that_hardly_opens_is_closed_and_what_is_rigid_stays(
    opened: float, left: float
) -> None:
    points, triangles = sheet()
    doubled, both = np.tile(points, (2, 1)), np.concatenate([triangles, triangles + len(points)])
    second = np.arange(len(doubled)) >= len(points)
    moved = doubled + np.outer(second, [0, 0, opened])
    surface = held(doubled, head=second * 1.0, trunk=~second * 1.0)
    bounds = Bounds(low=0.9, high=1.1, size=1.0)
    (relaxed,) = relax(stored(doubled, both), [surface], [moved], bounds)
    assert np.array_equal(relaxed[second], moved[second])
    gap = np.linalg.norm(relaxed[second] - relaxed[~second], axis=1)
    assert gap == pytest.approx(np.full(len(points), left))


@pytest.mark.parametrize("seed", [0, 4, 8, 12])
def test_slivers_are_drawn_together_though_their_neighbours_are_slivers(seed: int) -> None:
    points, triangles = sheet()
    count = len(points)
    surface = held(points, trunk=np.ones(count))
    noise = np.random.default_rng(seed).normal(0, 0.08, count)
    share = np.clip((points[:, 1] - 0.06) / 0.1, 0, 1) + noise
    moved = points + np.outer(share, [0, 0.01, 0])
    bounds = Bounds(low=0.9, high=1.1, size=1.8)
    (relaxed,) = relax(stored(points, triangles), [surface], [moved], bounds)
    assert np.linalg.norm(relaxed - moved, axis=1).max() < 0.02 * bounds.size
    rows = [shown.reshape(len(ROWS), COLUMNS, 3) for shown in (points, moved, relaxed)]
    before, torn, after = (np.linalg.norm(np.diff(row, axis=0), axis=2) for row in rows)
    assert (torn / before).min() < bounds.low / 3
    assert (after / before).min() > bounds.low / 2.1
    assert (after / before).max() < bounds.high * 2.1
