"""Frames of clips by name: a clip's path or URI, then ``#t=`` and seconds (W3C Media Fragments)."""

from __future__ import annotations

import re
from typing import Final

from avatarrig.photos.formats import split_suffix
from avatarrig.photos.passed_over import VIDEO_SUFFIXES

_FRAME: Final = re.compile(r"(?s)(.*)#t=(\d{1,6}(?:\.\d{1,3})?)")


def is_clip_name(name: str) -> bool:
    """Whether a file name ends like a clip's."""
    return split_suffix(name)[1] in VIDEO_SUFFIXES


def frame_of(clip: str, seconds: float) -> str:
    """Names a frame of a clip.

    Args:
        clip: The clip's path or URI.
        seconds: From the clip's beginning.
    """
    return f"{clip}#t={round(seconds, 3):.3f}".rstrip("0").rstrip(".")


def clip_and_seconds(name: str) -> tuple[str, float | None]:
    """Takes a frame's name apart.

    Returns:
        The clip's path or URI, and seconds; what names no frame is given back, with None.
    """
    found = _FRAME.fullmatch(name)
    if found is None or not is_clip_name(found[1]):
        return name, None
    return found[1], float(found[2])
