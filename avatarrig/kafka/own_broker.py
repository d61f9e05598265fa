"""The secrets of this user's embedded brokers, found by whoever connects to one of them.

Every local user may connect to a port of loopback. A broker of a run therefore asks for a secret,
which lies in a file that its user alone may read; each command of that user finds it by the port.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path
from typing import Final

import msgspec
import platformdirs
import psutil

from avatarrig.files import make_way, read_file
from avatarrig.wire import decode_json

USERNAME: Final = "avatarrig"
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_SECRET_BYTES: Final = 32
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{32,256}")
"""What is damaged would be no password that settings can quote."""


class OwnBroker(msgspec.Struct, frozen=True):
    """An embedded broker of this user. `lock`: File that names the process which it ends with."""

    secret: str
    lock: str


def secret_in(file: Path) -> str:
    """Reads a broker's secret, or makes one.

    Args:
        file: Where it lies, in the broker's own folder.

    Raises:
        OSError: It can neither be read nor written.
    """
    with contextlib.suppress(FileNotFoundError, IsADirectoryError):
        secret = read_file(file).decode("ascii", "replace").strip()
        if _SECRET.fullmatch(secret):
            return secret
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    write_private(file, secret.encode())
    return secret


def register(port: int, broker: OwnBroker) -> None:
    """Lets this user's other commands find a broker's secret.

    Raises:
        OSError: It cannot be written.
    """
    folder = _folder()
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    write_private(folder / f"{port}.json", msgspec.json.encode(broker))


def own_broker_at(port: int) -> OwnBroker | None:
    """Finds this user's embedded broker that lives at a port of loopback; None where none does."""
    try:
        broker = decode_json(read_file(_folder() / f"{port}.json"), OwnBroker)
    except (OSError, msgspec.MsgspecError):
        return None
    return broker if _is_owned(Path(broker.lock)) else None


def _is_owned(lock: Path) -> bool:
    """Whether the process lives that a broker's lock names; the lock itself is left alone."""
    try:
        return is_process(int(read_file(lock)))
    except (OSError, ValueError):
        return False


def is_process(number: int) -> bool:
    """Whether a process has a number that was read from a file; none has one that is too large."""
    try:
        return bool(psutil.pid_exists(number))
    except OverflowError:
        return False


def write_private(file: Path, data: bytes) -> None:
    """Writes a file that its user alone may read, whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        make_way(file)
        temporary.replace(file)
    except OSError as error:
        temporary.unlink()
        raise OSError(error.errno, error.strerror, str(file)) from error


def _folder() -> Path:
    return platformdirs.user_state_path("avatarrig", appauthor=False) / "brokers"
