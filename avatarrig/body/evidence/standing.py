"""How a photo stands that somebody decided about, and which photos are meant by a name. Pure."""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

import msgspec

from avatarrig.body.evidence.counting import Counted, Excluded, judge
from avatarrig.wire.keys import PhotoKey
from avatarrig.wire.reasons import Exclusion, words_for
from avatarrig.wire.standings import AS_SEEN, AUTOMATIC, COUNTS, ONLY_COPY, as_decided

if TYPE_CHECKING:
    from avatarrig.wire import Observation

ADJUDICABLE: Final = frozenset({Exclusion.UNSURE, Exclusion.SOMEBODY_ELSE, Exclusion.AMBIGUOUS})
"""Reasons that somebody who knows the person can overrule."""

BY_HAND: Final = frozenset(
    {AS_SEEN, COUNTS, ONLY_COPY, Exclusion.ON_REQUEST.value, Exclusion.SOMEBODY_ELSE.value}
)
"""How a person can have a photo stand; `ONLY_COPY` again, where it stood so before."""

_BROUGHT_BACK: Final = AUTOMATIC | {COUNTS}
"""How a photo can have stood, and stands again, that is left out no more."""

_WHOLE: Final = "."
"""The dataset itself, as a path within it."""

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
    """Tells whether a photo is named: by itself, by a folder that it is in, or by a pattern.

    Args:
        within: The same as a path within the dataset, where it was one from elsewhere.
    """
    if not name.strip():
        return False
    path = unicodedata.normalize("NFC", photo.path)
    return (
        within == _WHOLE
        or is_itself(photo, name, within)
        or any(
            path.startswith(f"{way.rstrip('/')}/") or fnmatchcase(path, way)
            for way in _ways(name) | _ways(within or name)
        )
    )


def is_itself(photo: KnownPhoto, name: str, within: str | None = None) -> bool:
    """Tells whether a photo is named alone: by image_id, one of its files, or path; see `fits`."""
    if photo.image_id in {name, _stem_of_file(name)}:
        return True
    ways = _ways(name) | _ways(within or name)
    return not ways.isdisjoint({photo.path, unicodedata.normalize("NFC", photo.path)})


@lru_cache(4096)
def _ways(name: str) -> frozenset[str]:
    """How else a path or pattern may be written: with the dots, strokes and accents of others."""
    ways = {unicodedata.normalize("NFC", name)}
    ways |= {way.replace("\\", "/") for way in ways}
    return frozenset(ways | {posixpath.normpath(way) for way in ways})


@lru_cache(4096)
def _stem_of_file(name: str) -> str:
    """The image_id that names one of a run's own files: an observation, an overlay, a mask."""
    path = PurePosixPath(name)
    return path.stem.removesuffix("_raw") if path.suffix in {".json", ".png"} else name


def alike(photos: Iterable[KnownPhoto], name: str) -> str:
    """Says which path may be meant by a name that fits nothing; empty where none is like it."""
    paths = {photo.path: PurePosixPath(photo.path).name.casefold() for photo in photos}
    wanted = PurePosixPath(name).name.casefold()
    found = next((path for path in sorted(paths) if paths[path] == wanted), "")
    return found or next(iter(get_close_matches(name, sorted(paths), 1)), "")


def did_you_mean(photos: Iterable[KnownPhoto], name: str) -> str:
    """Asks so behind a message that a name fits nothing; empty where no path is like it."""
    meant = alike(photos, name)
    return f". Did you mean {meant!r}?" if meant else ""


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


def bringing_back(standings: Iterable[str]) -> Change:
    """Chooses how photos are brought back that a pattern or folder names together.

    Those that were left out are brought back first, alone: the estimate is that of before. Where
    none was, photos count of which nobody was sure.

    Args:
        standings: How they stand.
    """
    return _undo if Exclusion.ON_REQUEST in standings else bring_back


def _undo(_: Observation, standing: str) -> str:
    return AS_SEEN if standing == Exclusion.ON_REQUEST else standing


class Asked(msgspec.Struct, frozen=True):
    """How photos shall stand that somebody names.

    Attributes:
        names: Each as it was given, and as a path within the dataset where it leads into it.
        alone: How one stands that is named by itself.
        together: How one stands that a folder or a pattern names among others.
    """

    names: Sequence[tuple[str, str]]
    alone: Change
    together: Change

    def standing(self, photo: KnownPhoto, seen: Observation, standing: str, before: str) -> str:
        """Tells how a photo shall stand.

        Args:
            standing: How it stands.
            before: How it stood before it was left out, by hand or by what the dataset has.
        """
        is_alone = any(is_itself(photo, name, within) for name, within in self.names)
        to = (self.alone if is_alone else self.together)(seen, standing)
        is_undone = (standing, to) == (Exclusion.ON_REQUEST, AS_SEEN)
        return before if is_undone and before in _BROUGHT_BACK else to


def leaving_out(names: Sequence[tuple[str, str]]) -> Asked:
    """Has photos not count that are named."""
    return Asked(names, leave_out, leave_out)


def including(names: Sequence[tuple[str, str]], standings: Iterable[str]) -> Asked:
    """Has photos count that are named.

    Args:
        standings: How they stand.
    """
    return Asked(names, bring_back, bringing_back(standings))


def why_same(seen: Observation, standing: str) -> str:
    """Says in words why nothing changes for a photo."""
    verdict = judge(as_decided(seen, standing))
    if isinstance(verdict, Counted):
        return "it counts already"
    if verdict.reason is Exclusion.ON_REQUEST:
        return "it is left out already"
    words = words_for(verdict.reason)
    return (
        f"{words}; include it once more and it counts" if verdict.reason in ADJUDICABLE else words
    )
