"""The JSON Schema of ``skeleton_estimate.json``, made from the class that writes it.

``python -m avatarrig.wire.estimate_schema`` prints it; the file beside the product is that.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from avatarrig.wire.estimate import Estimate

TITLE = "AvatarRig skeleton estimate"


def estimate_schema() -> dict[str, Any]:
    """Returns the schema of what this program writes: no key that it does not, none missing."""
    made = _without_largest(msgspec.json.schema(Estimate))
    definitions: dict[str, Any] = made["$defs"]
    whole = definitions.pop(Estimate.__name__)
    for node in (whole, *definitions.values()):
        _close(node)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "title": TITLE,
        "dependentRequired": {"metres": ["height"], "height": ["metres"]},
        "$defs": definitions,
    }


def _close(node: dict[str, Any]) -> None:
    """Has an object hold its own keys alone, and those that may be missing never be null."""
    node["description"] = " ".join(node["description"].split())
    node["additionalProperties"] = False
    for name, child in node["properties"].items():
        if "default" in child:
            there, _ = child.pop("anyOf")
            del child["default"]
            node["properties"][name] = there | child


def _without_largest(node: object) -> Any:  # noqa: ANN401 - JSON
    """Leaves out the largest number there is, which no JSON exceeds."""
    if isinstance(node, dict):
        kept = {key: value for key, value in node.items() if value != sys.float_info.max}
        return {key: _without_largest(value) for key, value in kept.items()}
    return [_without_largest(each) for each in node] if isinstance(node, list) else node


if __name__ == "__main__":
    print(json.dumps(estimate_schema(), indent=2, ensure_ascii=False))  # noqa: T201 - its purpose
