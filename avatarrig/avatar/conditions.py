"""A VRM's own conditions: who made it, and what its owner lets others do with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What a VRM says of its use.

    Attributes:
        shown: What to show, by name.
        forbids_change: Whether it may not be changed at all.
    """

    shown: tuple[tuple[str, str], ...] = ()
    forbids_change: bool = False


_VRM1 = {
    "name": "name",
    "authors": "authors",
    "copyrightInformation": "copyright",
    "licenseUrl": "licence",
    "otherLicenseUrl": "other licence",
    "modification": "modification",
    "allowRedistribution": "redistribution allowed",
    "avatarPermission": "who may use it",
    "commercialUsage": "commercial use",
    "creditNotation": "credit",
}
_VRM0 = {
    "title": "name",
    "author": "author",
    "licenseName": "licence",
    "otherLicenseUrl": "other licence",
    "otherPermissionUrl": "other permissions",
    "allowedUserName": "who may use it",
    "commercialUssageName": "commercial use",
}
_FREE_OF_CHANGES = {"CC_BY_ND", "CC_BY_NC_ND"}
"""VRM 0.x names licences; these forbid what is derived."""


def read_conditions(document: Mapping[str, Any]) -> Conditions:
    """Reads the conditions of a VRM; a plain GLB has none but its copyright."""
    extensions = document.get("extensions") or {}
    if "VRMC_vrm" in extensions:
        meta = extensions["VRMC_vrm"].get("meta") or {}
        # The specification's default is that nobody may change it.
        modification = meta.get("modification", "prohibited")
        return Conditions(
            shown=_shown({**meta, "modification": modification}, _VRM1),
            forbids_change=modification == "prohibited",
        )
    if "VRM" in extensions:
        meta = extensions["VRM"].get("meta") or {}
        return Conditions(
            shown=_shown(meta, _VRM0), forbids_change=meta.get("licenseName") in _FREE_OF_CHANGES
        )
    asset = document.get("asset") or {}
    return Conditions(shown=_shown(asset, {"copyright": "copyright"}))


def _shown(meta: Mapping[str, Any], names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    rows = []
    for key, label in names.items():
        value = meta.get(key)
        if isinstance(value, bool):
            rows.append((label, "yes" if value else "no"))
        elif value:
            rows.append(
                (label, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
            )
    return tuple(rows)
