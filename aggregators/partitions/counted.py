"""A tally at work, and how it lies in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from avatarrig.body.sums.tally import Tally

if TYPE_CHECKING:
    from avatarrig.body.sums.photo import CountedPhoto, ExcludedPhoto


class Tallied(msgspec.Struct, array_like=True):
    """A table value: a tally and the last offset that it contains."""

    offset: int
    tally: bytes


class Counted:
    """A tally at work. It may be ahead of the partition when a save was cut short."""

    __slots__ = ("_packed", "_tally", "offset")

    def __init__(self, tallied: Tallied | None = None) -> None:
        self.offset = -1 if tallied is None else tallied.offset
        self._tally = Tally.empty() if tallied is None else None
        self._packed = None if tallied is None else tallied.tally

    def tally(self) -> Tally:
        """The tally, unpacked when it is first needed: most rest after a restart."""
        if self._tally is None:
            self._tally = Tally.from_bytes(self._packed or b"")
        return self._tally

    def packed(self) -> bytes:
        """The tally's bytes; it is saved and published, and packed once."""
        if self._packed is None:
            self._packed = self.tally().to_bytes()
        return self._packed

    def move_to(self, offset: int, photo: CountedPhoto | ExcludedPhoto | None) -> None:
        """Goes on to an offset, with its photo where it was not seen before."""
        if photo is not None:
            self.tally().count(photo)
            self._packed = None
        self.offset = offset

    def change(self, offset: int, stood: Tally, stand: Tally) -> None:
        """Goes on to an offset at which photos stand otherwise than before.

        Args:
            offset: Where that was said.

        Raises:
            StateRefusedError: They were never counted like that; the tally is as it was.
        """
        self._tally = self.tally() - stood + stand
        self._packed = None
        self.offset = offset
