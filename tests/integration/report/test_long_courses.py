"""How the estimates of long runs settled."""

from __future__ import annotations

from support.rendered import PHOTOS, rendered

from avatarrig.report.convergence import replay
from avatarrig.wire import Observation


def photos(count: int) -> list[Observation]:
    return [rendered(number) for number in range(count)]


def test_a_course_ends_at_the_estimate_and_narrows() -> None:
    course = replay(photos(PHOTOS))
    for curve in course.curves:
        bone = course.estimate.bones[curve.key]
        last, first = curve.points[-1], curve.points[0]
        assert (last.value, last.low, last.high) == (bone.value, bone.low, bone.high)
        assert (first.photos, last.photos) == (1, PHOTOS)
        assert last.high / last.low < first.high / first.low


def test_a_course_of_many_photos_stays_short() -> None:
    course = replay([rendered(number) for number in range(400)])
    counts = [point.photos for point in course.curves[0].points]
    assert counts == sorted(set(counts))
    assert len(counts) <= 61
    assert counts[-1] == 400
