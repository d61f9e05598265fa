"""The versions of a dataset's photos that were published, and how each shall stand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

import msgspec

from avatarrig.photos.clips.address import clip_and_seconds
from avatarrig.photos.period import ALWAYS, Period
from avatarrig.wire import PhotoReference
from avatarrig.wire.identity import copies, taken_over
from avatarrig.wire.keys import PhotoKey
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AUTOMATIC, COUNTS
from producers.departures.presence import is_plausible, told_apart
from producers.departures.standing import standing_there


class Version(msgspec.Struct, frozen=True):
    """A photo that was published.

    Attributes:
        picture: Digest of its picture, or of its bytes.
        found_at: Unix seconds.
        is_copy: Whether it was published as a copy of another one.
        captured_at: When it was taken, Unix seconds; None where the file does not say.
        file: Digest of the bytes of the file that it is in.
    """

    path: str
    picture: str
    found_at: float
    is_copy: bool
    captured_at: float | None = None
    file: str = ""


class Sight(msgspec.Struct, frozen=True):
    """What detectors observed of a photo, and how it stands.

    Attributes:
        standings: How it stands, in all its observations.
        pixels: What stands for its decoded pixels.
        is_copy: Whether it was observed as a copy.
        is_shared: Whether a run, or another dataset, has it as well.
        is_decided: Whether anything was ever decided about it, by hand or not.
    """

    standings: frozenset[str]
    pixels: frozenset[str] = frozenset()
    is_copy: bool = False
    is_shared: bool = False
    is_decided: bool = False


class Versions:
    """Remembers which photo lies, or lay, at which path.

    Args:
        root: URI of the folder, or store, that is looked at. Photos elsewhere are others', though
            their dataset be called the same.
        subject_of: Whose photos lie at a path; what was once published for others is let be.
        period: When photos that count were taken.
    """

    def __init__(
        self, root: str, subject_of: Callable[[str], str], period: Period = ALWAYS
    ) -> None:
        self._period = period
        self._root = f"{root.rstrip('/')}/"
        self._subject_of = subject_of
        self._all: dict[PhotoKey, Version] = {}
        self._latest: dict[str, tuple[float, PhotoKey]] = {}
        self._files: dict[str, tuple[float, str]] = {}
        """The latest file at a path: a clip that is replaced takes all its frames with it."""

    @property
    def paths(self) -> Collection[str]:
        """Paths at which there was ever a photo."""
        return self._latest.keys()

    def note(self, reference: PhotoReference) -> None:
        """Notes a photo that was published; in any order."""
        if not self._is_own(reference):
            return
        key = (reference.subject, reference.image_id)
        self._all[key] = Version(
            reference.path,
            reference.picture or reference.content_hash,
            reference.found_at,
            reference.duplicate_of is not None,
            reference.captured_at,
            reference.content_hash,
        )
        self._lies(reference.path, reference.found_at, key)

    def _is_own(self, reference: PhotoReference) -> bool:
        is_here = reference.uri.startswith(self._root)
        return is_here and reference.subject == self._subject_of(reference.path)

    def there_again(self, reference: PhotoReference) -> None:
        """Notes that a photo was found at its path which was published before, perhaps long ago."""
        key = (reference.subject, reference.image_id)
        if key in self._all:
            self._lies(reference.path, reference.found_at, key)

    def _lies(self, path: str, since: float, key: PhotoKey) -> None:
        latest = self._latest.get(path)
        if latest is None or latest[0] <= since:
            self._latest[path] = (since, key)
        file = clip_and_seconds(path)[0]
        newest = self._files.get(file)
        if newest is None or newest[0] <= since:
            self._files[file] = (since, self._all[key].file)

    def departed(self, is_gone: Callable[[str], bool]) -> tuple[set[PhotoKey], set[PhotoKey]]:
        """Finds photos that are no longer what lies at their paths.

        Args:
            is_gone: Whether nothing lies at a path.

        Returns:
            As `told_apart`.
        """
        there = {
            key
            for path, (_, key) in self._latest.items()
            if not is_gone(path) and key in self._all and self._is_of_latest_file(key)
        }
        pictures = {self._all[key].picture for key in there}
        away = (
            (key, not is_gone(version.path), version.picture)
            for key, version in self._all.items()
            if key not in there
        )
        return told_apart(away, pictures)

    def _is_of_latest_file(self, key: PhotoKey) -> bool:
        version = self._all[key]
        return self._files[clip_and_seconds(version.path)[0]][1] == version.file

    def wanted(
        self,
        sights: Mapping[PhotoKey, Sight],
        is_gone: Callable[[str], bool],
        *,
        prune: bool,
        is_unsure: Callable[[str], bool] = lambda _: False,
    ) -> tuple[dict[PhotoKey, str], int]:
        """Tells how the dataset's photos shall stand.

        Args:
            sights: What was observed, and how it stands.
            is_gone: Whether nothing lies at a path.
            prune: Whether photos that are gone stop counting, however many they are.
            is_unsure: Whether it is not known yet whether anything lies at a path.

        Returns:
            Photo to standing, of those about which nobody decided by hand; and how many photos
            are gone that go on counting, since they are too many.
        """
        certain, gone = self.departed(is_gone)
        settled = {key for key in gone if _stands(sights, key) == {Exclusion.GONE.value}}
        leaving = {
            key
            for key in gone - settled
            if key in sights and not _is_decided_otherwise(sights[key], away=True)
        }
        others = sum(key in sights for key in self._all.keys() - certain - gone)
        kept: set[PhotoKey] = set()
        if not (prune or is_plausible(len(leaving), others)):
            kept = gone - settled
        away = (certain | gone) - kept
        unsure = {key for key in self._all.keys() - away if is_unsure(self._all[key].path)}
        kept |= unsure
        out = {key for key in unsure if _stands(sights, key) == {Exclusion.GONE.value}}
        same = copies(self._marks(sights, away | out))
        by_picture = self._taken_over(sights, certain | gone | unsure)
        found = {
            key: Exclusion.GONE.value
            if key in away
            else self._standing(key, sights.get(key), by_picture.get(key), is_copy=key in same)
            for key in self._all
            if key not in kept and not _is_decided_otherwise(sights.get(key), away=key in away)
        }
        found |= dict.fromkeys(self._superseded(sights, certain), Exclusion.GONE.value)
        return found, len(leaving - away)

    def _taken_over(
        self, sights: Mapping[PhotoKey, Sight], away: Collection[PhotoKey]
    ) -> dict[PhotoKey, str]:
        by_hand = (
            (self._marked(key, sights[key]), standing)
            for key in away
            if key in sights
            for standing in sights[key].standings - AUTOMATIC
        )
        undecided = (
            (key, self._marked(key, sights.get(key)))
            for key in self._all.keys() - away
            if not ((sight := sights.get(key)) and sight.is_decided)
        )
        return taken_over(by_hand, undecided)

    def _superseded(
        self, sights: Mapping[PhotoKey, Sight], certain: Collection[PhotoKey]
    ) -> Iterator[PhotoKey]:
        """Photos that count since somebody said so, and of which the new file was seen.

        Until then they count on: what was said of them is for the new file as well.
        """
        counting = {key for key in certain if key in sights and COUNTS in sights[key].standings}
        there = [key for key in sights if key in self._all and key not in certain]
        paths = {self._all[key].path for key in there} if counting else set()
        pictures = {self._all[key].picture for key in there} if counting else set()
        for key in counting:
            version = self._all[key]
            is_seen = version.path in paths or version.picture in pictures
            if is_seen and not sights[key].is_shared:
                yield key

    def _standing(
        self, key: PhotoKey, sight: Sight | None, inherited: str | None, *, is_copy: bool
    ) -> str:
        if inherited is not None and not is_copy:
            return inherited
        return standing_there(
            self._all[key].captured_at,
            self._period,
            is_copy=is_copy,
            seen_as_copy=is_copy if sight is None else sight.is_copy,
        )

    def _marks(
        self, sights: Mapping[PhotoKey, Sight], away: set[PhotoKey]
    ) -> Iterator[tuple[PhotoKey, list[tuple[str, str]]]]:
        """What stands for the picture of each photo that is there, the first published first."""
        order = sorted(
            (version.is_copy, version.found_at, key)
            for key, version in self._all.items()
            if key not in away
        )
        for *_, key in order:
            yield key, self._marked(key, sights.get(key))

    def _marked(self, key: PhotoKey, sight: Sight | None) -> list[tuple[str, str]]:
        """What stands for the picture of a photo, of its subject."""
        pixels = () if sight is None else sight.pixels
        return [(key[0], mark) for mark in (self._all[key].picture, *pixels)]


def _stands(sights: Mapping[PhotoKey, Sight], key: PhotoKey) -> frozenset[str]:
    sight = sights.get(key)
    return frozenset() if sight is None else sight.standings


def _is_decided_otherwise(sight: Sight | None, *, away: bool) -> bool:
    """Whether a photo is not this dataset's alone to decide about."""
    if sight is None:
        return False
    is_others = sight.is_shared and (away or Exclusion.OUT_OF_PERIOD.value in sight.standings)
    return is_others or not sight.standings <= AUTOMATIC
