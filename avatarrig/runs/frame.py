"""Observations as data frames, for notebooks. Needs polars, the extra ``frame``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from avatarrig.body.evidence.counting import Counted, Excluded, judge
from avatarrig.body.landmarks import POSE_LANDMARK_NAMES
from avatarrig.body.ratios import RATIO_KEYS
from avatarrig.body.sums.histogram import value_of
from avatarrig.errors import MissingExtraError

if TYPE_CHECKING:
    import polars as pl

    from avatarrig.wire import Observation

_AXES: Final = ("x", "y", "z", "visibility", "presence")
_WORLD_AXES: Final = ("world_x", "world_y", "world_z")


def photo_frame(observations: Iterable[Observation]) -> pl.DataFrame:
    """Lays observations out with one row a photo.

    The columns are ``image_id``, ``path``, ``subject``, ``dataset``, ``captured_at`` and
    ``found_at`` (UTC), ``width`` and ``height`` (pixels), ``people``, ``ambiguous``,
    ``subject_confidence`` (0..1), ``person`` (whether a pose was found), ``counts`` (whether
    the photo counts in the estimate) and ``left_out`` (why not); then ``length_…`` for each
    bone that lies well in the picture, in units of a metre of an average body; then the
    quality metrics by their documented names.

    Args:
        observations: In any order; rows keep it.

    Raises:
        MissingExtraError: Polars is not installed.
    """
    frames = _polars()
    rows = [_photo(observation) for observation in observations]
    known = {
        "captured_at": frames.Datetime("us", "UTC"),
        "found_at": frames.Datetime("us", "UTC"),
        "left_out": frames.String,
        **{f"length_{key}": frames.Float64 for key in RATIO_KEYS},
    }
    frame: pl.DataFrame = frames.DataFrame(rows, schema_overrides=known, infer_schema_length=None)
    return frame


def landmark_frame(observations: Iterable[Observation]) -> pl.DataFrame:
    """Lays poses out with one row a landmark: 33 rows for each photo that shows somebody.

    The columns are ``image_id``, ``landmark`` (MediaPipe's name), ``x`` and ``y`` (shares of the
    photo's width and height), ``z``, ``visibility``, ``presence``, and ``world_x``, ``world_y``
    and ``world_z`` (metres from the middle of the hips).

    Args:
        observations: In any order; rows keep it.

    Raises:
        MissingExtraError: Polars is not installed.
    """
    frames = _polars()
    columns: dict[str, list[Any]] = {
        name: [] for name in ("image_id", "landmark", *_AXES, *_WORLD_AXES)
    }
    for seen in observations:
        if seen.pose is None or seen.world is None:
            continue
        columns["image_id"] += [seen.image_id] * len(POSE_LANDMARK_NAMES)
        columns["landmark"] += POSE_LANDMARK_NAMES
        for names, array in ((_AXES, seen.pose.unpack()), (_WORLD_AXES, seen.world.unpack())):
            for name, values in zip(names, array.T.tolist(), strict=True):
                columns[name] += values
    texts = dict.fromkeys(("image_id", "landmark"), frames.String)
    numbers = dict.fromkeys((*_AXES, *_WORLD_AXES), frames.Float32)
    frame: pl.DataFrame = frames.DataFrame(columns, schema=texts | numbers)
    return frame


def _photo(seen: Observation) -> dict[str, Any]:
    match judge(seen):
        case Counted(evidence):
            bins, left_out = evidence.ratios, None
        case Excluded(reason):
            bins, left_out = {}, reason.value
    return {
        "image_id": seen.image_id,
        "path": seen.path,
        "subject": seen.subject,
        "dataset": seen.dataset,
        "captured_at": None if seen.captured_at is None else _moment(seen.captured_at),
        "found_at": _moment(seen.found_at),
        "width": seen.width,
        "height": seen.height,
        "people": seen.people,
        "ambiguous": seen.ambiguous,
        "subject_confidence": seen.subject_confidence,
        "person": seen.pose is not None,
        "counts": left_out is None,
        "left_out": left_out,
        **{f"length_{key}": value_of(bins[key]) if key in bins else None for key in RATIO_KEYS},
        **seen.meta,
    }


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _polars() -> ModuleType:
    try:
        import polars as pl  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError(
            "a data frame needs polars, which is not installed: pip install 'avatarrig[frame]', "
            "or pip install polars"
        ) from error
    return pl
