"""The parts of an estimate that are shown, checked: whoever can write to a topic wrote it."""

from __future__ import annotations

import msgspec

from avatarrig.wire import RecordRefusedError, SkeletonRecord


class _Bone(msgspec.Struct):
    value: float
    interval: tuple[float, float]
    n: int
    status: str


class _Asymmetry(msgspec.Struct):
    left_over_right: float
    interval: tuple[float, float]
    n: int
    significant: bool


class _WindowBone(msgspec.Struct):
    value: float
    interval: tuple[float, float]
    n: int


class _Window(msgspec.Struct):
    days: int
    first: str
    last: str
    used_observations: int
    stats: dict[str, _WindowBone] = {}
    drift: bool = False


class _Photos(msgspec.Struct, frozen=True):
    moments: int | None = None


class _Shape(msgspec.Struct):
    used_observations: int = 0
    estimates: dict[str, float] = {}
    stats: dict[str, _Bone] = {}
    asymmetry: dict[str, _Asymmetry] = {}
    notes: list[str] = []
    window: _Window | None = None
    photos: _Photos = _Photos()


def check_estimate(record: SkeletonRecord) -> None:
    """Checks that what is shown of an estimate is there in the form that is expected.

    Raises:
        RecordRefusedError: Naming what does not fit.
    """
    try:
        msgspec.convert(record.estimate, _Shape)
    except msgspec.ValidationError as error:
        raise RecordRefusedError(f"the estimate cannot be shown: {error}") from error
