"""Files as ``file://`` URIs and back, for every name that a file system can hold."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit
from urllib.request import url2pathname

from avatarrig.errors import AvatarRigError, ExitCode

_LOCAL_HOSTS = {"", "localhost"}


class FileUriError(AvatarRigError, ValueError):
    """A URI does not name a file of this machine."""

    exit_code = ExitCode.WRONG_USAGE


def to_file_uri(path: Path) -> str:
    """Names a file by URI; bytes that are no UTF-8 are percent-encoded as they are."""
    return path.absolute().as_uri()


def from_file_uri(uri: str) -> Path:
    """Finds the path that `to_file_uri` named.

    Args:
        uri: For example ``file:///data/Ann/IMG%200042.jpg``.

    Returns:
        The absolute path.

    Raises:
        FileUriError: Another scheme, another host, no absolute path, or a NUL inside.
    """
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise FileUriError(f"{uri!r} is no URI: {error}") from error
    if parts.scheme != "file":
        raise FileUriError(f"{uri!r} does not begin with file://; only files can be opened")
    if parts.netloc.lower() not in _LOCAL_HOSTS:
        raise FileUriError(f"{uri!r} names the host {parts.netloc!r}; mount its folder instead")
    if parts.query or parts.fragment:
        raise FileUriError(f"{uri!r} has ? or # unescaped; in a file name they are %3F and %23")
    path = Path(_local_path(parts.path))
    if not path.is_absolute() or "\0" in str(path):
        raise FileUriError(f"{uri!r} does not name a file by its absolute path")
    return path


def _local_path(encoded: str) -> str:
    if os.name == "nt":
        return url2pathname(encoded)
    return os.fsdecode(unquote_to_bytes(encoded))
