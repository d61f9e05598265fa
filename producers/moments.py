"""Which photos of a dataset are near-copies of others: bursts, frames of a clip. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from avatarrig.body.sums.joining import LONGEST_MOMENT, SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from avatarrig.photos.looks.look import Look

Item = TypeVar("Item")

SORTED_TOGETHER: Final = 200
"""Photos among which the sharpest are chosen: a moment's first so many, where it has more."""


class Shot(msgspec.Struct, frozen=True):
    """A photo as it takes part in a moment.

    Attributes:
        path: Within the dataset, POSIX separators.
        taken_at: Unix seconds; None where it does not say.
        is_named: Whether its files say that it shows the subject; None where they say nothing.
    """

    path: str
    subject: str
    look: Look
    taken_at: float | None = None
    is_named: bool | None = None

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """The higher, the sooner it is detected: one that is said to show somebody else, last."""
        return self.is_named is True, self.is_named is None, self.look.sharpness

    @property
    def folder(self) -> str:
        """Where it lies."""
        return self.path.rpartition("/")[0]


class _Moment:
    """Photos that follow each other and look nearly alike.

    Attributes:
        sharpest: Path of the sharpest of those that were chosen first.
    """

    def __init__(self, first: Shot) -> None:
        self._first = self._last = first
        self._chosen: set[str] = set()
        self.sharpest = ""

    def near_copies(self, shots: Sequence[Shot], most: int) -> set[str]:
        """Chooses the sharpest of some of its photos, as far as any are still to be chosen.

        Those that files say to show the subject go before others.
        A file that was chosen and is written anew is chosen again.

        Returns:
            Paths of the others.
        """
        new = [shot for shot in shots if shot.path not in self._chosen]
        ranked = [shot.path for shot in sorted(new, key=lambda shot: shot.rank, reverse=True)]
        left = most - len(self._chosen)
        self.sharpest = self.sharpest or next(iter(ranked), "")
        self._chosen.update(ranked[:left])
        return set(ranked[left:])

    def takes(self, shot: Shot) -> bool:
        """Whether a photo is of the moment too: it is compared with the first, so none drifts."""
        from avatarrig.photos.looks.look import ALIKE, apart  # noqa: PLC0415 - needs OpenCV

        first, last = self._first, self._last
        belongs = (
            (shot.subject, shot.folder) == (first.subject, first.folder)
            and _within(SECONDS, last.taken_at, shot.taken_at)
            and _within(LONGEST_MOMENT, first.taken_at, shot.taken_at)
            and apart(first.look, shot.look) < ALIKE
        )
        if belongs:
            self._last = shot
        return belongs


class Moments:
    """Chooses which photos of each moment are detected.

    Args:
        most: How many of each moment are detected, the sharpest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._latest: _Moment | None = None

    def sorted_out(
        self, photos: Iterable[tuple[Item, Shot | None]]
    ) -> Iterator[tuple[Item, str | None]]:
        """Finds the photos that need not be detected.

        Photos of a moment are held back until it ends. One that began among photos of an earlier
        call takes what these left of its number.

        Args:
            photos: In the dataset's order; those without a shot are always detected.

        Yields:
            Each with the path of a photo that is detected, and of which it is a near-copy; None
            where it is to be detected itself.
        """
        held: list[tuple[Item, Shot | None]] = []
        for item, shot in photos:
            if shot is not None and not self._is_of_latest(shot):
                yield from self._chosen(held)
                held = []
                self._latest = _Moment(shot)
            held.append((item, shot))
            if len(held) >= SORTED_TOGETHER:
                yield from self._chosen(held)
                held = []
        yield from self._chosen(held)

    def _is_of_latest(self, shot: Shot) -> bool:
        return self._latest is not None and self._latest.takes(shot)

    def _chosen(
        self, held: Sequence[tuple[Item, Shot | None]]
    ) -> Iterator[tuple[Item, str | None]]:
        moment = self._latest
        if moment is None:
            yield from ((item, None) for item, _ in held)
            return
        near_copies = moment.near_copies([shot for _, shot in held if shot], self._most)
        for item, shot in held:
            yield item, moment.sharpest if shot and shot.path in near_copies else None


def _within(seconds: float, one: float | None, other: float | None) -> bool:
    """Whether two times are that near; where one is not known, nothing speaks against it."""
    return one is None or other is None or abs(other - one) <= seconds
