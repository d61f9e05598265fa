"""Evidence, traces and observations of arbitrary content, for property tests."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st
from support.body.evidence import any_evidence
from support.body.standing import ARRIVED, BODY, DAY, photo

from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.likeness import LOOK_LENGTH, MOST, POSE_LENGTH
from avatarrig.body.ratios import SHOWN_KEYS
from avatarrig.body.sums.capture_days import UNDATED
from avatarrig.body.sums.histogram import HIGHEST_BIN, LOWEST_BIN
from avatarrig.body.sums.moments import Trace
from avatarrig.wire import Evidence, Observation

VERSION = load_learned("full").version
GOOD = {"pose_inmask_ratio": 1.0, "pose_oob_ratio": 0.0, "pose_supported_bones": 10}


def observation(**fields: Any) -> Observation:
    """A photo that counts, unless the fields say otherwise."""
    return photo(0, BODY, **{"meta": GOOD} | fields)


def evidence_of(seed: int) -> Evidence:
    """Evidence of arbitrary lengths; a seed is drawn faster than they are."""
    random = Random(seed)
    keys = random.sample(SHOWN_KEYS, random.randint(0, len(SHOWN_KEYS)))
    return any_evidence(seed, {key: random.randint(LOWEST_BIN, HIGHEST_BIN) for key in keys})


def trace_from(seed: int) -> Trace:
    """When a photo was taken and what it looks like, each known or not."""
    random = Random(seed)
    looks = random.random() < 0.5
    return Trace(
        pose=tuple(random.randint(0, MOST) for _ in range(POSE_LENGTH)),
        look=tuple(random.randint(0, MOST) for _ in range(LOOK_LENGTH)) if looks else (),
        taken_at=random.randint(0, 1 << 31) if random.random() < 0.5 else None,
    )


SEEDS = st.integers(0, 1 << 30)
EVIDENCE = SEEDS.map(evidence_of)
TRACES = SEEDS.map(trace_from)
DAYS = st.sampled_from(
    ["2026-11-22", "2026-11-02", "2026-08-31", "2025-02-03", "2011-01-01", UNDATED]
)
OBSERVATIONS = st.builds(
    lambda evidence, trace, age, ambiguous, excluded: observation(
        evidence=evidence,
        look=trace.look,
        captured_at=None if age is None else ARRIVED - age * DAY,
        ambiguous=ambiguous,
        excluded=excluded,
    ),
    st.none() | EVIDENCE,
    TRACES,
    st.none() | st.integers(0, 6000),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([None, None, None, "duplicate of b", "wrong person"]),
)
