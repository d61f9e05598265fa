"""Object stores: names, access, and what goes wrong.

Photos are read by ``s3://bucket/key`` through fsspec's file system for that scheme, never through
its URL chains: whatever a URL says, it names one object of one bucket. Where files are written is
said by whoever starts a command; that may be any store that fsspec knows.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, unquote, urlsplit

import fsspec
from fsspec import AbstractFileSystem

from avatarrig.errors import AvatarRigError, ExitCode

SCHEME: Final = "s3"
_FILE_SCHEME: Final = "file"
_WITH_FOLDERS: Final = {
    "ftp",
    "hdfs",
    "local",
    "sftp",
    "smb",
    "ssh",
    "webdav",
    "webhdfs",
}
"""File systems rather than object stores: folders are made, and a file grows as it is written."""
_LIBRARIES: Final = {
    "adlfs",
    "aiobotocore",
    "aiohttp",
    "azure",
    "botocore",
    "gcsfs",
    "google",
    "ossfs",
    "paramiko",
}
"""Those whose errors are no OSErrors; they are not installed everywhere."""
_REFUSED_FOR_GOOD: Final = {
    *(errno.EINVAL, errno.ENAMETOOLONG, errno.ENOSYS, errno.EMSGSIZE),
    errno.EFBIG,  # by this program
}
_TIMEOUTS: Final = {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 2}}


class StoreUrlError(AvatarRigError, ValueError):
    """A URL names no object of a store, or leads somewhere else."""

    exit_code = ExitCode.WRONG_USAGE


class StoreAwayError(AvatarRigError, RuntimeError):
    """The store does not answer; later it may."""


def is_store_url(text: str) -> bool:
    """Whether a location is a store's, rather than a folder of this machine."""
    return text.startswith(f"{SCHEME}://")


def lies_in_store(text: str) -> bool:
    """Whether a place for files is a URL of a store, rather than a folder or its ``file://``."""
    scheme, mark, _ = text.partition("://")
    return bool(mark) and scheme != _FILE_SCHEME


def has_folders(url: str) -> bool:
    """Whether a URL's store is a file system, whose folders have to be made."""
    return url.partition("://")[0] in _WITH_FOLDERS


def to_store_url(name: str) -> str:
    """Names an object by URL.

    Args:
        name: Bucket and key, as in ``photos/Ann/1.jpg``.
    """
    return f"{SCHEME}://{quote(name, safe='/!$()*+,;=@~-._')}"


def from_store_url(url: str) -> str:
    """Finds the bucket and key that `to_store_url` named.

    Raises:
        StoreUrlError: Another scheme, a part that climbs, or anything beside bucket and key.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise StoreUrlError(f"{url!r} is no URL: {error}") from error
    if parts.scheme != SCHEME or not parts.netloc:
        raise StoreUrlError(f"{url!r} does not begin with {SCHEME}://BUCKET")
    if parts.query or parts.fragment or "@" in parts.netloc or ":" in parts.netloc:
        raise StoreUrlError(f"{url!r} has more than a bucket and a key")
    key = unquote(parts.path, errors="surrogateescape").removeprefix("/")
    if any(part in {".", ".."} for part in key.split("/")) or "\0" in key:
        raise StoreUrlError(f"{url!r} climbs with '..', or has a part that is none")
    return f"{parts.netloc}/{key}" if key else parts.netloc


def open_store() -> AbstractFileSystem:
    """Opens the store; where it is and who asks is in Amazon's own environment variables.

    ``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION`` and
    so on, or a role of the machine.

    Raises:
        StoreAwayError: The library for it is not installed.
    """
    try:
        return fsspec.filesystem(
            SCHEME, skip_instance_cache=True, use_listings_cache=False, config_kwargs=_TIMEOUTS
        )
    except ImportError as error:
        raise StoreAwayError(
            f"{SCHEME}:// needs the library s3fs: pip install 'avatarrig[s3]'"
        ) from error


def open_store_at(url: str) -> tuple[AbstractFileSystem, str]:
    """Opens the store that a URL names, of any scheme that fsspec knows.

    Credentials come from where the scheme's library looks for them, never from the URL, which
    every user of the machine can see.

    Args:
        url: ``s3://bucket/prefix``, ``gs://bucket/prefix`` and so on.

    Returns:
        The file system, and the place's name in it.

    Raises:
        StoreUrlError: It names no store, or holds a password.
        StoreAwayError: The library for it is not installed, or cannot be used.
    """
    if is_store_url(url):
        return open_store(), from_store_url(url).rstrip("/")
    scheme = url.partition("://")[0]
    try:
        has_password = urlsplit(url).password is not None
    except ValueError as error:
        raise StoreUrlError(f"it is no URL: {error}") from error
    if has_password:
        raise StoreUrlError(
            f"a password in a {scheme}:// URL can be seen by everybody: put it where the library "
            "for the store looks for it"
        )
    if "::" in url or scheme not in fsspec.available_protocols():
        raise StoreUrlError(f"{url!r} is neither a folder nor a store that fsspec knows")
    try:
        store, name = fsspec.core.url_to_fs(url, skip_instance_cache=True)
    except ImportError as error:
        raise StoreAwayError(f"{scheme}:// needs another library: {error}") from error
    return store, str(name).rstrip("/")


@contextlib.contextmanager
def reaching(what: str, *, root: tuple[AbstractFileSystem, str] | None = None) -> Iterator[None]:
    """Tells a store that does not answer from an object that is not there, or not to be read.

    Args:
        root: The store and a place in it that answers as long as the store does. With it, an
            object that the store refuses for good is told from a store at fault.

    Raises:
        StoreAwayError: The store does not answer, or is at fault.
        FileNotFoundError: There is no such object.
        PermissionError: It may not be read.
        OSError: The store answers, but never hands over this object; only with `root`.
    """
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except OSError as error:
        # A token that ran out gives the same answer as an object that is beyond reading.
        if root is not None and error.errno in _REFUSED_FOR_GOOD and _answers(*root):
            raise
        raise StoreAwayError(f"{what}: {error}") from error
    except Exception as error:
        if type(error).__module__.split(".")[0] not in _LIBRARIES:
            raise
        raise StoreAwayError(f"{what}: {error}") from error


def _answers(store: AbstractFileSystem, name: str) -> bool:
    try:
        store.info(name)
    except Exception:  # noqa: BLE001 - whatever it is, the store is not well
        return False
    return True
