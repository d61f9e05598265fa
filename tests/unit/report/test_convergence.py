"""How a run's estimate settled, photo by photo."""

from __future__ import annotations

import msgspec
from support.rendered import rendered

from avatarrig.report.convergence import in_order
from avatarrig.wire import Observation


def photos(count: int) -> list[Observation]:
    return [rendered(number) for number in range(count)]


def test_photos_arrive_by_capture_time_then_by_discovery() -> None:
    first, second, third = photos(3)
    unknown = msgspec.structs.replace(third, captured_at=None)
    assert in_order([unknown, second, first]) == [first, second, unknown]
