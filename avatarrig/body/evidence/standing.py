"""How a photo stands that somebody decided about, and which photos are meant by a name. Pure."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import msgspec

from avatarrig.body.evidence.counting import Counted, Excluded, judge
from avatarrig.wire.keys import PhotoKey
from avatarrig.wire.reasons import Exclusion, words_for
from avatarrig.wire.standings import AS_SEEN, COUNTS, ONLY_COPY, as_decided

if TYPE_CHECKING:
    from avatarrig.wire import Observation

ADJUDICABLE: Final = frozenset({Exclusion.UNSURE, Exclusion.SOMEBODY_ELSE, Exclusion.AMBIGUOUS})
"""Reasons that somebody who knows the person can overrule."""

BY_HAND: Final = frozenset(
    {AS_SEEN, COUNTS, ONLY_COPY, Exclusion.ON_REQUEST.value, Exclusion.SOMEBODY_ELSE.value}
)
"""How a person can have a photo stand; `ONLY_COPY` again, where it stood so before."""

Change = Callable[["Observation", str], str]
"""From what was observed and how a photo stands to how it shall stand."""


class KnownPhoto(msgspec.Struct, frozen=True):
    """A photo that was observed."""

    image_id: str
    subject: str
    path: str
    fingerprint: str = ""

    @property
    def key(self) -> PhotoKey:
        """What tells photos apart."""
        return self.subject, self.image_id


def fits(photo: KnownPhoto, name: str, within: str | None = None) -> bool:
    """Tells whether a photo is named: by image_id, path, folder or pattern.

    Args:
        within: The same as a path within the dataset, where it was one from elsewhere.
    """
    names = {name} if within is None else {name, within}
    if photo.image_id == name or photo.path in names:
        return True
    folders = [f"{each.rstrip('/')}/" for each in names]
    return any(photo.path.startswith(folder) for folder in folders) or fnmatchcase(photo.path, name)


def leave_out(_: Observation, __: str) -> str:
    """A photo that shall not count."""
    return Exclusion.ON_REQUEST.value


def bring_back(seen: Observation, standing: str) -> str:
    """A photo that shall count again, or count though the detector was not sure."""
    if standing == Exclusion.ON_REQUEST:
        return AS_SEEN
    verdict = judge(as_decided(seen, standing))
    if isinstance(verdict, Excluded) and verdict.reason in ADJUDICABLE:
        return COUNTS
    return standing


def why_same(seen: Observation, standing: str) -> str:
    """Says in words why nothing changes for a photo."""
    verdict = judge(as_decided(seen, standing))
    if isinstance(verdict, Counted):
        return "it counts already"
    if verdict.reason is Exclusion.ON_REQUEST:
        return "it is left out already"
    return words_for(verdict.reason)
