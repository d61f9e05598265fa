"""Whatever evidence there is, its estimate holds together."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.body.evidence import any_evidence
from support.body.standing import (
    ARRIVED,
    BODY,
    DAY,
    as_json,
    photo,
    shown_in,
)

from avatarrig.body.bones import PROTOTYPE_BONES
from avatarrig.body.estimate import EstimateOptions
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Evidence


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    file = resources.files("avatarrig.body") / "schema" / "skeleton_estimate.schema.json"
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    return document


PARTIAL = st.dictionaries(st.sampled_from(sorted(PROTOTYPE_BONES)), st.integers(-180, 20))


ANY_EVIDENCE = st.builds(any_evidence, st.integers(0, 1 << 30), PARTIAL)


@settings(max_examples=12, deadline=None)
@given(evidence=st.lists(ANY_EVIDENCE, min_size=1, max_size=12))
def test_any_evidence_gives_a_document_that_holds_together(
    schema: dict[str, Any], evidence: list[Evidence]
) -> None:
    tally = Tally.empty()
    for number, one in enumerate(evidence):
        tally.add(photo(0, BODY, evidence=one, captured_at=ARRIVED - number * DAY))
    document = as_json(tally, EstimateOptions(height=1.8, window_days=5))
    jsonschema.validate(document, schema)
    for key in document["estimates"]:
        assert shown_in(document, key) >= 3
