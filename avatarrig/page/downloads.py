"""The files that a subject's skeleton can be downloaded as."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from avatarrig.body.height import HeightError, parse_height
from avatarrig.body.rig.armature import METRE, build_armature
from avatarrig.body.rig.formats import FORMATS
from avatarrig.body.rig.lengths import EstimateRefusedError
from avatarrig.body.rig.names import NAMINGS
from avatarrig.errors import AvatarRigError
from avatarrig.pictures.preview import draw_preview
from avatarrig.wire.estimate import Estimate

_LONGEST_NAME: Final = 60


class DownloadRefusedError(AvatarRigError, ValueError):
    """The file that was asked for cannot be made; the message says why."""


class Download(msgspec.Struct, frozen=True):
    """A file."""

    data: bytes
    content_type: str
    disposition: str


def download(kind: str, name: str, estimate: Estimate, asked: Mapping[str, str]) -> Download:
    """Makes a file of an estimate.

    Args:
        kind: json for the estimate itself, png for its picture, or an armature: another of
            `avatarrig.body.rig.formats.FORMATS`.
        asked: ``height``, as people write it, and ``names``, for armatures.

    Raises:
        DownloadRefusedError: There is too little to make one, or nobody is that tall.
    """
    if kind == "json":
        text = msgspec.json.format(msgspec.json.encode(estimate), indent=2) + b"\n"
        return Download(text, "application/json", disposition(name, kind))
    if kind == "png":
        return Download(draw_preview(estimate, title=name), "image/png", disposition(name, kind))
    naming = asked.get("names", "vrm")
    if naming not in NAMINGS:
        raise DownloadRefusedError(f"names must be one of {', '.join(NAMINGS)}")
    try:
        armature = build_armature(estimate, naming=naming, height=_height(asked.get("height")))
    except EstimateRefusedError as error:
        raise DownloadRefusedError(str(error)) from error
    chosen = FORMATS[kind]
    if chosen.in_metres and armature.unit != METRE:
        raise DownloadRefusedError(f"{kind} is in metres: give the height")
    ending = chosen.suffix or kind
    return Download(chosen.write(armature), chosen.content_type, disposition(name, ending))


def _height(text: str | None) -> float | None:
    if not text:
        return None
    try:
        return parse_height(text)
    except HeightError as error:
        raise DownloadRefusedError(str(error)) from error


def disposition(name: str, kind: str) -> str:
    """Names the file after the subject: in ASCII, and in full for browsers that know how."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:_LONGEST_NAME] or "skeleton"
    full = quote(f"{name[:_LONGEST_NAME]}.{kind}".replace("/", "-").replace("\\", "-"), safe="")
    return f"attachment; filename=\"{plain}.{kind}\"; filename*=UTF-8''{full}"
