"""The JSON Schema of ``skeleton_estimate.json``, made from the class that writes it.

``python -m avatarrig.wire.estimate_schema`` prints it; the file beside the product is that.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import msgspec

from avatarrig.wire.estimate import Estimate

TITLE = "AvatarRig skeleton estimate"


def estimate_schema() -> dict[str, Any]:
    """Returns the schema of what this program writes: no key that it does not, none missing."""
    made = msgspec.json.schema(Estimate)
    definitions = {name: _without_bounds(node) for name, node in made["$defs"].items()}
    whole = definitions.pop(Estimate.__name__)
    for node in (whole, *definitions.values()):
        _close(node)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "title": TITLE,
        "dependentRequired": {"height": ["metres"]},
        "$defs": definitions,
    }


def _close(node: dict[str, Any]) -> None:
    """Has an object hold its own keys alone, and those that may be missing never be null."""
    node["description"] = " ".join(node["description"].split())
    node["additionalProperties"] = False
    for name, child in node["properties"].items():
        if "default" in child:
            del child["default"]
            there, *_ = child.pop("anyOf", [{}])
            node["properties"][name] = there | child
    for child in node["properties"].values():
        child.pop("propertyNames", None)
        if "keys" in child:
            child["propertyNames"] = {"enum": child.pop("keys")}


_BOUNDS: Final = {"maxLength", "maxProperties"}
_LARGEST: Final = {"maximum": 1, "maxItems": 2}
"""Of what is promised; larger ones are bounds of what is read from anybody."""


def _without_bounds(node: dict[str, Any]) -> dict[str, Any]:
    """Leaves out how long texts and how large numbers may be."""
    return {
        key: _each_without_bounds(value)
        for key, value in node.items()
        if key not in _BOUNDS and not (key in _LARGEST and value > _LARGEST[key])
    }


def _each_without_bounds(value: object) -> object:
    if isinstance(value, list):
        return [_each_without_bounds(each) for each in value]
    return _without_bounds(value) if isinstance(value, dict) else value


if __name__ == "__main__":
    sys.stdout.write(json.dumps(estimate_schema(), indent=2, ensure_ascii=False) + "\n")
