"""What was set aside and still is: a fold over the rejects and observations topics. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec

from avatarrig.wire import Observation, PhotoReference, Reject
from avatarrig.wire.keys import PhotoKey, about


class SetAsidePhoto(msgspec.Struct, frozen=True):
    """A photo, or a message, that is set aside.

    Attributes:
        latest: Its latest reject.
        times: How often it was rejected; more than once after replays.
    """

    latest: Reject
    times: int = 1

    @property
    def name(self) -> str:
        """The photo's path within its dataset, or the message's origin."""
        reference = self.latest.reference
        return self.latest.origin if reference is None else reference.path


class RejectsView:
    """Keeps the rejects that stand. Records of a photo may come in any order of topics.

    A photo leaves the list when an observation of it is younger than its latest reject.
    """

    def __init__(self) -> None:
        self._rejects: dict[PhotoKey, SetAsidePhoto] = {}
        self._observed_at: dict[PhotoKey, float] = {}

    def reject(self, record: Reject) -> None:
        """Notes a record of the rejects topic."""
        key = about(record)
        known = self._rejects.get(key)
        if known is None:
            self._rejects[key] = SetAsidePhoto(record)
            return
        latest = max(known.latest, record, key=lambda reject: reject.rejected_at)
        self._rejects[key] = SetAsidePhoto(latest, known.times + 1)

    def observation(self, record: Observation) -> None:
        """Notes a record of the observations topic."""
        key = (record.subject, record.image_id)
        self._observed_at[key] = max(record.observed_at, self._observed_at.get(key, 0.0))

    def standing(
        self, *, reason: str | None = None, since: float = 0.0, run: str | None = None
    ) -> list[SetAsidePhoto]:
        """Lists what is set aside, the latest first.

        Args:
            reason: Only rejects with this code.
            since: Only rejects from this time on, Unix seconds.
            run: Only rejects of this run.
        """
        chosen: list[Callable[[Reject], bool]] = [lambda reject: reject.rejected_at >= since]
        if reason is not None:
            chosen.append(lambda reject: reject.reason == reason)
        if run is not None:
            chosen.append(lambda reject: reject.run == run)
        listed = [
            photo
            for key, photo in self._rejects.items()
            if not self._was_observed_after(key, photo.latest)
            and all(fits(photo.latest) for fits in chosen)
        ]
        return sorted(listed, key=lambda photo: (-photo.latest.rejected_at, photo.name))

    def find(self, text: str) -> list[SetAsidePhoto]:
        """Finds what is set aside by image_id, path or origin; a part of it is enough."""
        return [
            photo
            for photo in self.standing()
            if text in photo.name or text in about(photo.latest)[1]
        ]

    @property
    def reasons(self) -> Counter[str]:
        """How much is set aside, by reason."""
        return Counter(photo.latest.reason for photo in self.standing())

    def _was_observed_after(self, key: PhotoKey, reject: Reject) -> bool:
        return self._observed_at.get(key, -1.0) >= reject.rejected_at


def replayable(photos: list[SetAsidePhoto], *, run: str, now: float) -> list[PhotoReference]:
    """Makes the references by which set-aside photos are tried again.

    Args:
        photos: As `RejectsView` lists them.
        run: Identifier of the run that asks; empty for a service.
        now: Unix seconds.

    Returns:
        References; messages that were no photos, and photos whose bytes could never be read
        and so have no hash, have none: running the dataset's command again finds those.
    """
    references = (photo.latest.reference for photo in photos)
    return [
        msgspec.structs.replace(reference, run=run, found_at=now)
        for reference in references
        if reference is not None and reference.content_hash
    ]
