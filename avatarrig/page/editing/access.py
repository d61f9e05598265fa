"""Who may change something from the page: whoever knows its token, or has a link nobody used yet.

Token and links lie in a folder that this user alone may read. The command that serves the page
makes them anew; they outlive the process of the page, which may be started again, and a link is
used once by deleting its file, which succeeds once.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final, Self

import platformdirs

_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_TOKEN_BYTES: Final = 32
_CODE_BYTES: Final = 16
_MOST_LINKS: Final = 20
_LONGEST: Final = 200
"""Characters of a token or code; whatever is longer is none."""


def access_folder(port: int) -> Path:
    """Where token and links of the page at a port of this machine lie."""
    return platformdirs.user_state_path("avatarrig", appauthor=False) / "page" / str(port)


class Access:
    """Lets those change something who may.

    Args:
        folder: Where token and links lie.
    """

    def __init__(self, folder: Path) -> None:
        self._token = folder / "token"
        self._links = folder / "links"

    @classmethod
    def begin(cls, folder: Path) -> Self:
        """Makes a new token; those of before, and links, are worth nothing any more.

        Raises:
            OSError: The folder cannot be written.
        """
        access = cls(folder)
        access._links.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        for private in (folder, access._links):
            private.chmod(_FOLDER_MODE)
        for link in access._links.iterdir():
            link.unlink()
        access._token.unlink(missing_ok=True)
        _write(access._token, secrets.token_urlsafe(_TOKEN_BYTES))
        return access

    @property
    def token_file(self) -> Path:
        """Where the token lies."""
        return self._token

    def allows(self, token: str) -> bool:
        """Tells whether a text is the token."""
        known = self._known()
        if not known or not token.isascii() or len(token) > _LONGEST:
            return False
        return hmac.compare_digest(known, token)

    def invite(self) -> str:
        """Makes a code that admits whoever has it, once.

        Raises:
            OSError: It cannot be written.
        """
        links = sorted(self._links.iterdir(), key=lambda link: link.stat().st_mtime_ns)
        for link in links[: max(0, len(links) - _MOST_LINKS + 1)]:
            link.unlink(missing_ok=True)
        code = secrets.token_urlsafe(_CODE_BYTES)
        _write(self._links / _digest(code), "")
        return code

    def admit(self, code: str) -> str | None:
        """Gives the token for a code, which is worth nothing afterwards.

        Returns:
            The token; None where there is no such code, or it was used.
        """
        if not code or not code.isascii() or len(code) > _LONGEST:
            return None
        with contextlib.suppress(OSError):
            (self._links / _digest(code)).unlink()
            return self._known() or None
        return None

    def _known(self) -> str:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return self._token.read_text("ascii").strip()
        return ""


def _digest(code: str) -> str:
    """Whoever sees the folder's names learns no code."""
    return hashlib.sha256(code.encode()).hexdigest()


def _write(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(text)
