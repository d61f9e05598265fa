"""A closer look at one person's photos: year by year, and which of them are doubtful."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from avatarrig.body.evidence.counting import possible
from avatarrig.body.evidence.current_evidence import slim
from avatarrig.views.doubtful import suspects
from avatarrig.views.years import LEAST_PHOTOS, SHOWN, changing, years_of
from avatarrig.wire.reasons import verdict
from avatarrig.wire.standings import AS_SEEN, as_decided

if TYPE_CHECKING:
    from avatarrig.page.thumbnails import Thumbnails
    from avatarrig.views.doubtful import Doubtful
    from avatarrig.views.years import Year
    from avatarrig.wire import Observation

    Observed = Callable[[str], tuple[Sequence[Observation], Mapping[str, str]]]

MOST_PHOTOS: Final = 20_000
"""Of more, the latest are looked at."""

_SUSPECTS: Final = 8
_KEPT: Final = 32


class Closer:
    """Looks at all photos of a person again, when somebody asks; one person at a time.

    Args:
        observed: Reads what was observed of a subject, and how its photos stand.
    """

    def __init__(self, observed: Observed, thumbnails: Thumbnails) -> None:
        self._thumbnails = thumbnails
        self._observed = observed
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, float], bytes] = OrderedDict()

    def look(self, subject: str, estimated_at: float) -> bytes:
        """Returns as JSON what the photos say.

        Args:
            estimated_at: Of the latest estimate: until the next one, nothing changes.

        Raises:
            TransportError: Kafka does not answer.
        """
        with self._lock:
            key = (subject, estimated_at)
            if key not in self._kept:
                self._kept[key] = msgspec.json.encode(self._looked(subject))
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            return self._kept[key]

    def _looked(self, subject: str) -> _Closer:
        seen, standings = self._observed(subject)
        photos = possible(
            [
                slim(as_decided(photo, standings.get(photo.image_id, AS_SEEN)))
                for photo in seen[-MOST_PHOTOS:]
            ]
        )
        years = years_of(photos)
        return _Closer(
            bones=[*SHOWN.values()],
            years=[_year(year) for year in years],
            changing=changing(years),
            least=LEAST_PHOTOS,
            suspects=[self._suspect(photo) for photo in suspects(photos, _SUSPECTS)],
        )

    def _suspect(self, photo: Doubtful) -> _Suspect:
        image_id = photo.observation.image_id
        return _Suspect(
            image=image_id,
            path=photo.observation.path,
            why=", ".join((verdict(photo.excluded), *photo.why)),
            pull=round(photo.pull, 1),
            overlay=self._thumbnails.has(image_id),
        )


class _Suspect(msgspec.Struct, frozen=True):
    """A photo to look at; `pull`: how far it moves the proportions, in percent."""

    image: str
    path: str
    why: str
    pull: float
    overlay: bool


class _Year(msgspec.Struct, frozen=True):
    """A year; `bones`: value and interval of each that is shown."""

    year: str
    used: int
    bones: list[tuple[float, float, float]]


def _year(year: Year) -> _Year:
    bones = [year.bones[key] for key in SHOWN]
    return _Year(year.year, year.used, [(bone.value, bone.low, bone.high) for bone in bones])


class _Closer(msgspec.Struct, frozen=True):
    """What a closer look at a subject shows.

    Attributes:
        changing: Bones that differ from year to year.
        least: Years with fewer photos are not shown.
    """

    bones: list[str]
    years: list[_Year]
    changing: list[str]
    least: int
    suspects: list[_Suspect]
