"""Reading a photo's bytes: only from where photos may lie, and only what was meant."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from avatarrig.errors import AvatarRigError
from avatarrig.files import NO_FILE, opened
from avatarrig.photos.clips.address import clip_and_seconds
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.photos.uri import FileUriError, from_file_uri
from avatarrig.wire import PhotoReference
from avatarrig.wire.reasons import RejectReason

_TRANSIENT = frozenset(
    {
        errno.EAGAIN,
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EIO,
        errno.EMFILE,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENFILE,
        errno.ENODEV,
        errno.ENOMEM,
        errno.ENOTCONN,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)
"""The storage or this machine is at fault, not the photo."""


class StorageUnreachableError(AvatarRigError, RuntimeError):
    """The photo's storage does not answer; the photo itself may be fine."""


class PhotoSource:
    """Opens photos by URI.

    Args:
        roots: Folders; photos elsewhere are refused, also where a link or ``..`` leads there.
        max_bytes: Larger files are refused unread.
    """

    def __init__(self, roots: Sequence[Path], max_bytes: int) -> None:
        self._roots = tuple(roots)
        self._max_bytes = max_bytes
        self._hashed: tuple[tuple[str, int, int, int], str] | None = None
        """The last clip that was looked at, as it lay there, and its SHA-256."""

    def read(self, reference: PhotoReference) -> bytes:
        """Reads the photo that a reference means.

        Returns:
            The file's bytes; their SHA-256 is the reference's.

        Raises:
            PhotoRefusedError: It can never be read: outside the roots, missing, changed, …
            StorageUnreachableError: The storage does not answer; try again later.
        """
        try:
            file = from_file_uri(reference.uri)
        except FileUriError as error:
            raise PhotoRefusedError(RejectReason.UNSUPPORTED, str(error)) from error
        data = self.read_file(file)
        check_content(hashlib.sha256(data).hexdigest(), reference)
        return data

    def clip(self, reference: PhotoReference) -> tuple[Path, float] | None:
        """Finds the clip that a reference means a frame of; None where it means a photo.

        Returns:
            The file, whose SHA-256 is the reference's, and seconds from its beginning.

        Raises:
            PhotoRefusedError: It can never be read: outside the roots, missing, changed, …
            StorageUnreachableError: The storage does not answer; try again later.
        """
        uri, seconds = clip_and_seconds(reference.uri)
        if seconds is None:
            return None
        try:
            file = from_file_uri(uri)
        except FileUriError as error:
            raise PhotoRefusedError(RejectReason.UNSUPPORTED, str(error)) from error
        try:
            found = self._within_roots(file)
            self._check_clip(found, reference)
        except OSError as error:
            self._refuse(file, error)
        return found, seconds

    def _check_clip(self, file: Path, reference: PhotoReference) -> None:
        """Hashes a clip, in bounded memory, and once for all its frames."""
        with opened(file, follow=False) as (stream, status):
            known = (str(file), status.st_ino, status.st_size, status.st_mtime_ns)
            if self._hashed is None or self._hashed[0] != known:
                self._hashed = (known, hashlib.file_digest(stream, "sha256").hexdigest())
        check_content(self._hashed[1], reference)

    def read_file(self, file: Path) -> bytes:
        """Reads a file within the roots.

        Raises:
            PhotoRefusedError: It can never be read: outside the roots, missing, …
            StorageUnreachableError: The storage does not answer; try again later.
        """
        try:
            return self._read_file(self._within_roots(file))
        except OSError as error:
            self._refuse(file, error)

    def _within_roots(self, file: Path) -> Path:
        if ".." in file.parts:
            raise PhotoRefusedError(
                RejectReason.OUTSIDE_ROOTS, f"the URI climbs with '..': {str(file)!a}"
            )
        try:
            resolved = file.resolve(strict=True)
        except RuntimeError as error:  # Python 3.11 and 3.12 on links that go round in circles
            raise PhotoRefusedError(RejectReason.MISSING, "the link leads to itself") from error
        if not any(resolved.is_relative_to(root.resolve()) for root in self._roots):
            allowed = ", ".join(str(root) for root in self._roots)
            raise PhotoRefusedError(
                RejectReason.OUTSIDE_ROOTS,
                f"{str(resolved)!a} lies outside of the photo folders: {allowed}",
            )
        return resolved

    def _read_file(self, file: Path) -> bytes:
        with opened(file, follow=False) as (stream, status):
            data = b"" if status.st_size > self._max_bytes else stream.read(self._max_bytes + 1)
        refuse_size(max(status.st_size, len(data)), self._max_bytes)
        return data

    def _refuse(self, file: Path, error: OSError) -> NoReturn:
        if error.errno in _TRANSIENT:
            raise StorageUnreachableError(f"{str(file)!a}: {error.strerror}") from error
        if isinstance(error, PermissionError):
            raise PhotoRefusedError(
                RejectReason.PERMISSION, "the file may not be read: change its permissions"
            ) from error
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            self._check_roots(file)
            raise PhotoRefusedError(
                RejectReason.MISSING, "the file is gone since it was found"
            ) from error
        if isinstance(error, IsADirectoryError):
            raise PhotoRefusedError(RejectReason.NOT_A_FILE, NO_FILE) from error
        raise PhotoRefusedError(
            RejectReason.UNREADABLE, f"the file cannot be read: {error.strerror}"
        )

    def _check_roots(self, file: Path) -> None:
        """Tells a missing photo from a missing mount: that leaves no folder, or an empty one."""
        for root in self._roots:
            holds_it = file.is_relative_to(root) or file.is_relative_to(root.resolve())
            if holds_it and not _has_content(root):
                raise StorageUnreachableError(f"{root} is missing or empty: is it mounted?")


def refuse_size(size: int, most: int) -> None:
    """Refuses a photo that is too large.

    Args:
        size: Bytes.
        most: Bytes that are allowed.

    Raises:
        PhotoRefusedError: It is larger.
    """
    if size > most:
        raise PhotoRefusedError(RejectReason.TOO_LARGE, too_large(size, most))


def too_large(size: int, most: int) -> str:
    """Says that a photo has too many bytes."""
    return f"{size} bytes are more than {most}: save it smaller"


def check_content(found: str, reference: PhotoReference) -> None:
    """Refuses bytes that are not those which the reference means.

    Args:
        found: Their SHA-256, hexadecimal.

    Raises:
        PhotoRefusedError: They are others.
    """
    if found != reference.content_hash:
        raise PhotoRefusedError(
            RejectReason.CHANGED,
            "the file changed after it was found: a watched folder is looked at again by itself; "
            "for a run, give the same command again",
        )


def _has_content(folder: Path) -> bool:
    try:
        return next(folder.iterdir(), None) is not None
    except OSError:
        return False
