"""Which photos of a dataset are there, and which a look at all of it does not find any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from avatarrig.photos.clips.address import clip_and_seconds
from avatarrig.wire.keys import PhotoKey

DATASET: Final = "."
"""Path of the dataset's own folder within it."""

MOST_GONE: Final = 0.1
"""A larger share of the photos that is gone at once is rather a disk that is away."""


def is_plausible(leaving: int, others: int) -> bool:
    """Whether so many photos may have been taken away on purpose.

    Args:
        leaving: Photos that are gone and count by now.
    """
    return leaving <= MOST_GONE * (others + leaving)


def told_apart(
    away: Iterable[tuple[PhotoKey, bool, str]], pictures: Collection[str]
) -> tuple[set[PhotoKey], set[PhotoKey]]:
    """Parts photos that do not lie where they did: where to is certain, or they are just gone.

    A file that was replaced, or moved to another folder, leaves no doubt, however many there are:
    a rating written into every photo replaces them all.

    Args:
        away: Each photo, whether something else lies at its path, and what stands for its picture.
        pictures: The same of those that are there.
    """
    certain: set[PhotoKey] = set()
    gone: set[PhotoKey] = set()
    for key, is_replaced, picture in away:
        (certain if is_replaced or (picture and picture in pictures) else gone).add(key)
    return certain, gone


class Presence:
    """Remembers what looks at a whole dataset did not find.

    Args:
        looks: A photo is gone that so many looks in a row did not find: programs that write a
            photo anew take it away for a moment.
    """

    def __init__(self, looks: int = 2) -> None:
        self._needed = looks
        self._missed: dict[str, int] = {}
        self.is_known = False

    def looked(self, known: Iterable[str], found: set[str], unlisted: Collection[str] = ()) -> None:
        """Notes a look at the whole dataset.

        A look that found nothing at all, or that could not list the dataset's own folder, says
        nothing: a disk that is away looks like that.

        Args:
            unlisted: Folders that could not be listed; of what lies below nothing is known.
        """
        if not found or DATASET in unlisted:
            return
        away = tuple(f"{folder.rstrip('/')}/" for folder in unlisted)
        self._missed = {
            path: self._missed.get(path, 0) + (not (away and path.startswith(away)))
            for path in known
            if clip_and_seconds(path)[0] not in found
        }
        self.is_known = True

    def is_gone(self, path: str) -> bool:
        """Whether a path is gone."""
        return self._missed.get(path, 0) >= self._needed

    def is_unsure(self, path: str) -> bool:
        """Whether a path was not found, but not often enough yet to be gone."""
        return 0 < self._missed.get(path, 0) < self._needed

    @property
    def is_sure(self) -> bool:
        """Whether of no path it is unsure."""
        return not any(map(self.is_unsure, self._missed))
