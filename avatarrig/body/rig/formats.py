"""The files that an armature can be written as: a new one is a line here."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from avatarrig.body.rig.armature import Armature, to_document
from avatarrig.body.rig.bvh import to_bvh
from avatarrig.body.rig.glb import to_glb
from avatarrig.body.rig.presets import to_android_xr, to_slimevr, to_unity
from avatarrig.body.rig.usd import to_usd


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of file.

    Attributes:
        write: Makes the file.
        content_type: What it is, for browsers.
        suffix: How files end, without the dot, where it is not the format's name.
        in_metres: Whether it has no meaning without the person's height.
        beside: Ending of a file beside it to what makes that: for what the format cannot say.
        module: What must be installed besides.
    """

    write: Callable[[Armature], bytes]
    content_type: str
    suffix: str = ""
    in_metres: bool = False
    beside: Mapping[str, Callable[[Armature], bytes]] = {}
    module: str | None = None

    @property
    def is_available(self) -> bool:
        """Whether what it needs is installed."""
        return self.module is None or importlib.util.find_spec(self.module) is not None


def _json(armature: Armature) -> bytes:
    return msgspec.json.format(msgspec.json.encode(to_document(armature)), indent=2) + b"\n"


def _bvh(armature: Armature) -> bytes:
    return to_bvh(armature).encode()


def _slimevr(armature: Armature) -> bytes:
    return to_slimevr(armature).encode()


FORMATS: Final[Mapping[str, Format]] = {
    "androidxr": Format(
        write=to_android_xr,
        content_type="application/json",
        suffix="androidxr.json",
        in_metres=True,
    ),
    # BVH cannot say which bones are measured; the file beside it does.
    "bvh": Format(
        write=_bvh, content_type="application/octet-stream", beside={".bones.json": _json}
    ),
    "glb": Format(write=to_glb, content_type="model/gltf-binary"),
    "json": Format(write=_json, content_type="application/json"),
    "slimevr": Format(
        write=_slimevr, content_type="application/yaml", suffix="slimevr.yml", in_metres=True
    ),
    "unity": Format(
        write=to_unity, content_type="application/json", suffix="unity.json", in_metres=True
    ),
    "usd": Format(write=to_usd, content_type="model/vnd.usda", suffix="usda", module="pxr"),
}
"""By the name of the format."""
