"""The parts of an estimate that are shown, checked: whoever can write to a topic wrote it."""

from __future__ import annotations

import msgspec

from avatarrig.wire import RecordRefusedError, SkeletonRecord, shortened
from avatarrig.wire.kinds import Code, Count, Finite, Prose


class _Bone(msgspec.Struct):
    value: Finite
    interval: tuple[Finite, Finite]
    n: Count
    status: Code
    moments: Count = 0


class _Asymmetry(msgspec.Struct):
    left_over_right: Finite
    interval: tuple[Finite, Finite]
    n: Count
    significant: bool


class _WindowBone(msgspec.Struct):
    value: Finite
    interval: tuple[Finite, Finite]
    n: Count


class _Window(msgspec.Struct):
    days: Count
    first: Code
    last: Code
    used_observations: Count
    stats: dict[Code, _WindowBone] = {}
    drift: bool = False


class _Photos(msgspec.Struct, frozen=True):
    moments: Count | None = None


class _Shape(msgspec.Struct):
    learned: Code | None = None
    used_observations: Count = 0
    estimates: dict[Code, Finite] = {}
    stats: dict[Code, _Bone] = {}
    asymmetry: dict[Code, _Asymmetry] = {}
    notes: list[Prose] = []
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
        why = shortened(str(error), 500)
        raise RecordRefusedError(f"the estimate cannot be shown: {why}") from error
