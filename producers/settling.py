"""When a file is whole: nobody goes on writing to it. Pure; the clock is an argument."""

from __future__ import annotations

import msgspec

from avatarrig.photos.formats import split_suffix

TEMPORARY = frozenset(
    {".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".filepart"}
)
"""Endings that copying programs use, in lower case; here before a photo's own ending."""

OLD_SECONDS = 60.0
"""A file that was last touched so long ago needs no second look. Generous, since a file server's
clock may differ from this machine's."""


class Stamp(msgspec.Struct, frozen=True):
    """By what a change of a file is noticed.

    Attributes:
        size: Bytes.
        changed_at: When content or name last changed, Unix seconds by the storage's clock.
        version: Whatever else the storage says of the content; 0 or empty where nothing.
    """

    size: int
    changed_at: float
    version: str = ""


class Settling:
    """Tells whole files from those that are still being copied.

    A file is whole when it looks the same at two looks that are `quiet` apart, or, where its
    end is missing, `patience` apart; or when it is old.

    Args:
        quiet: Seconds between two looks at a file that ends as its format does.
        patience: Seconds between two looks at one that does not.
    """

    def __init__(self, quiet: float, patience: float) -> None:
        self._quiet = quiet
        self._patience = patience
        self._seen: dict[str, tuple[Stamp, float]] = {}

    def __len__(self) -> int:
        """How many files are waited for."""
        return len(self._seen)

    @property
    def waiting(self) -> list[str]:
        """Paths of the files that are waited for."""
        return list(self._seen)

    def is_whole(self, path: str, stamp: Stamp, *, has_end: bool, now: float, clock: float) -> bool:
        """Looks at a file.

        Args:
            has_end: Whether it ends as its format does.
            now: Monotonic seconds.
            clock: Unix seconds.

        Returns:
            Whether it may be published; it is then forgotten here.
        """
        known = self._seen.get(path)
        if known is None or known[0] != stamp:
            known = self._seen[path] = (stamp, now)
        is_old = clock - stamp.changed_at >= OLD_SECONDS
        needed = self._quiet if has_end else self._patience
        if is_old or now - known[1] >= needed:
            del self._seen[path]
            return True
        return False

    def forget(self, path: str) -> None:
        """The file is gone."""
        self._seen.pop(path, None)


def is_temporary(name: str) -> bool:
    """Whether a photo's name says that a copy is under way, as ``x.part.jpg`` does."""
    stem, _ = split_suffix(name)
    return split_suffix(stem)[1] in TEMPORARY


def has_end(head: bytes, tail: bytes, size: int) -> bool:
    """Tells whether a photo's last bytes are the end that its format has.

    Args:
        head: Its first 16 bytes or more.
        tail: Its last 16 bytes or more.
        size: Bytes in all.

    Returns:
        False also for formats whose end cannot be told by looking at both ends.
    """
    if head.startswith(b"\xff\xd8\xff"):  # JPEG: end of image
        return tail.endswith(b"\xff\xd9")
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return tail.endswith(b"IEND\xae\x42\x60\x82")
    if head.startswith(b"GIF8"):
        return tail.endswith(b"\x3b")
    if head[:4] == b"RIFF":  # WebP: the header tells the size
        return size >= int.from_bytes(head[4:8], "little") + 8
    if head.startswith(b"BM"):
        return size >= int.from_bytes(head[2:6], "little")
    return False
