"""Gets Apache Kafka's jars: in parallel, resumable, checked, atomically placed."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

from filelock import FileLock

from avatarrig.errors import AvatarRigError
from avatarrig.files import make_way, opened
from avatarrig.kafka.embedded.errors import BrokerUnavailableError
from avatarrig.kafka.embedded.jars import Jar, jar_folder

MAVEN_CENTRAL = "https://repo1.maven.org/maven2"
"""Where Apache Kafka publishes its jars. ``AVATARRIG_MAVEN_BASE`` names a mirror instead."""

CHUNK_BYTES = 1 << 16
CONNECTIONS = 6
ATTEMPTS = 3
TIMEOUT_S = 30.0

ByteCount = Callable[[int, int], None]
"""Told how many bytes are there and how many there will be; called from several threads."""


class ChecksumError(AvatarRigError):
    """A downloaded file is not the file that was committed to."""


_WORTH_ANOTHER_TRY = (
    ChecksumError,
    urllib.error.URLError,
    http.client.HTTPException,
    ssl.SSLError,
    ConnectionError,
    TimeoutError,
)
"""Any other OSError is about the disk."""


def maven_base() -> str:
    """Returns the base URL of the Maven repository to download from."""
    return os.environ.get("AVATARRIG_MAVEN_BASE", MAVEN_CENTRAL).rstrip("/")


def missing_jars(cache_folder: Path, jars: Iterable[Jar]) -> list[Jar]:
    """Lists the jars that are absent or have a wrong size.

    Files get their final names only after their checksums matched, so a start does not
    hash 45 MB again; `fetch_jars` with ``verify`` does.
    """
    folder = jar_folder(cache_folder)
    return [jar for jar in jars if _size(folder / jar.name) != jar.size]


def fetch_jars(
    cache_folder: Path,
    jars: tuple[Jar, ...],
    *,
    on_bytes: ByteCount | None = None,
    verify: bool = False,
) -> None:
    """Downloads what is missing; several processes may do so at once.

    Args:
        cache_folder: Per-user cache; made if need be.
        verify: Whether to hash what is there already, and to get again what differs.

    Raises:
        BrokerUnavailableError: A jar cannot be had, or is not the one committed to.
    """
    folder = jar_folder(cache_folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "download.lock"):
            if verify:
                _remove_altered(folder, jars)
            missing = missing_jars(cache_folder, jars)
            if missing:
                _check_space(folder, sum(jar.size for jar in missing))
            _download_all(missing, folder, _Progress(jars, on_bytes))
    except OSError as error:
        raise BrokerUnavailableError(f"{folder} cannot be written: {error}") from error


class _Progress:
    """Adds up what several threads have of each jar."""

    def __init__(self, jars: Iterable[Jar], on_bytes: ByteCount | None) -> None:
        self._have = {jar.name: jar.size for jar in jars}
        self._total = sum(self._have.values())
        self._on_bytes = on_bytes
        self._lock = threading.Lock()

    def has(self, jar: Jar, size: int) -> None:
        with self._lock:
            self._have[jar.name] = size
            if self._on_bytes is not None:
                self._on_bytes(sum(self._have.values()), self._total)


def _download_all(missing: list[Jar], folder: Path, progress: _Progress) -> None:
    with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="jar") as pool:
        # Large files first, so that the connections finish together.
        ordered = sorted(missing, key=lambda jar: -jar.size)
        for jar in ordered:
            progress.has(jar, 0)
        jobs = [pool.submit(_download, jar, folder, progress) for jar in ordered]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _download(jar: Jar, folder: Path, progress: _Progress) -> None:
    partial = folder / f"{jar.name}.part"
    url = f"{maven_base()}/{jar.path}"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _resume(url, jar, partial, progress)
            _check(jar, partial)
        except _WORTH_ANOTHER_TRY as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            if isinstance(error, ChecksumError):
                partial.unlink(missing_ok=True)
            if attempt == ATTEMPTS:
                raise BrokerUnavailableError(f"{url}: {_reason(error)}") from error
            time.sleep(attempt)
        else:
            partial.replace(folder / jar.name)
            return


def _resume(url: str, jar: Jar, partial: Path, progress: _Progress) -> None:
    have = _size(partial) or 0
    if have >= jar.size:
        have = 0
    request = urllib.request.Request(url)  # noqa: S310 - the user's mirror; a checksum decides
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
        if answer.status != HTTPStatus.PARTIAL_CONTENT:
            have = 0
        with partial.open("ab" if have else "wb") as file:
            while have <= jar.size and (chunk := answer.read(CHUNK_BYTES)):
                file.write(chunk)
                have += len(chunk)
                progress.has(jar, have)
    if have < jar.size:
        raise ConnectionError(f"the connection ended after {have} of {jar.size} bytes")


def _check(jar: Jar, path: Path) -> None:
    found = _sha256(path)
    if found != jar.sha256:
        raise ChecksumError(f"its SHA-256 is {found}, expected {jar.sha256}; it was refused")


def _remove_altered(folder: Path, jars: Iterable[Jar]) -> None:
    for jar in jars:
        path = folder / jar.name
        make_way(path)
        if path.exists() and _sha256(path) != jar.sha256:
            path.unlink()


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BrokerUnavailableError(
            f"{folder} needs {needed >> 20} MB more and has {free >> 20} MB left"
        )


def _sha256(path: Path) -> str:
    with opened(path) as (file, _):
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"cannot be reached ({error.reason})"
    return str(error)
