"""Estimates that say what a test wants, and the records that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from avatarrig.wire import SkeletonRecord
from avatarrig.wire.estimate import (
    PHASE,
    SCALE_BASIS,
    SCHEMA_VERSION,
    BoneEstimate,
    Estimate,
    PhotoCounts,
    Status,
)


def said(
    ratios: Mapping[str, float] | None = None,
    *,
    status: Status = "stable",
    spread: float = 0.05,
    used: int = 30,
    **fields: Any,
) -> Estimate:
    """An estimate with these ratios, all with the same status and relative spread."""
    stats = {
        key: BoneEstimate(
            n=used,
            median=ratio,
            value=ratio,
            interval=(ratio * (1 - spread), ratio * (1 + spread)),
            status=status,
            prior_share=0.2,
        )
        for key, ratio in (ratios or {}).items()
    }
    usual = Estimate(
        schema_version=SCHEMA_VERSION,
        phase=PHASE,
        subject="anna",
        learned=None,
        used_observations=used,
        photos=PhotoCounts(observed=used, with_person=used, used=used, excluded={}),
        scale_basis=SCALE_BASIS,
        estimates={} if status == "insufficient" else dict(ratios or {}),
        stats=stats,
        asymmetry={},
        notes=[],
    )
    return msgspec.structs.replace(usual, **fields)


def skeleton(
    estimate: Estimate | None = None,
    **fields: Any,
) -> SkeletonRecord:
    """The record of an estimate; of one that knows nothing where none is given."""
    usual: dict[str, Any] = {
        "subject": "anna",
        "fingerprint": "f",
        "applied": {},
        "observations": 1,
        "estimate": said() if estimate is None else estimate,
        "estimated_at": 1.76e9,
    }
    return SkeletonRecord(**(usual | fields))
