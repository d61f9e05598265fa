"""What a file of a dataset holds: a photo, or a clip with frames that are worth a look."""

from __future__ import annotations

import subprocess
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from avatarrig.photos.capture import read_capture_time
from avatarrig.photos.clips.address import is_clip_name
from avatarrig.photos.clips.began import clip_began, ends_of
from avatarrig.photos.formats import PHOTO_SUFFIXES
from avatarrig.photos.passed_over import VIDEO_SUFFIXES
from avatarrig.photos.sizes import LARGEST_FILE
from avatarrig.process.isolated import run_module
from avatarrig.wire import decode_json
from producers.hashing import PhotoContent, read_content

if TYPE_CHECKING:
    from pathlib import Path

    from producers.hashing import Looks
    from producers.scan import FoundPhoto

_SECONDS: Final = 300.0
"""A clip whose frames are not chosen by then is taken for one that cannot be read."""

_log = structlog.get_logger(__name__)


def wanted_suffixes(*, clips: bool) -> frozenset[str]:
    """How names of what is published end, in lower case."""
    return PHOTO_SUFFIXES | VIDEO_SUFFIXES if clips else PHOTO_SUFFIXES


def read_found(photo: FoundPhoto, looks: Looks | None = None) -> PhotoContent:
    """Reads hash, size and capture time; of a clip also which frames to look at.

    Args:
        looks: Looks at a photo, where that is asked for.

    Raises:
        OSError: It cannot be read.
    """
    if not is_clip_name(photo.file.name):
        # Detectors refuse what is larger, and hashing a terabyte takes an hour.
        return read_content(
            photo.file, partial(read_capture_time, name=photo.path), looks, most=LARGEST_FILE
        )
    content = read_content(photo.file, lambda *_: None)
    began = clip_began(*ends_of(photo.file), name=photo.path)
    # Of a clip that nothing is chosen of, the first frame is: detectors say what is wrong with it.
    frames = chosen_frames(photo.file) or (0.0,)
    return msgspec.structs.replace(content, captured_at=began, frames=frames)


def chosen_frames(clip: Path) -> tuple[float, ...]:
    """Has a process of its own choose frames, without credentials: native code decodes there.

    Returns:
        Seconds from the clip's beginning; nothing where it cannot be decoded.
    """
    try:
        done = run_module("avatarrig.photos.clips", str(clip), seconds=_SECONDS)
        done.check_returncode()
        return decode_json(done.stdout, tuple[float, ...])
    except (subprocess.SubprocessError, msgspec.MsgspecError, OSError) as error:
        _log.warning("no frames could be chosen", clip=str(clip), why=str(error)[:200])
        return ()
