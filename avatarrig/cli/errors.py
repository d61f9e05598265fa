"""Errors that a person can act on instead of tracebacks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from avatarrig.cli.screen.printable import say
from avatarrig.errors import AvatarRigError, ExitCode


@contextmanager
def fail_clearly() -> Iterator[None]:
    """Turns errors made for people, and a file system's, into a message and an exit code."""
    try:
        yield
    except AvatarRigError as error:
        _end(str(error), error.exit_code)
    except OSError as error:
        if error.filename is None:
            raise
        _end(f"{os.fsdecode(error.filename)}: {error.strerror}", ExitCode.UNUSABLE)


def _end(message: str, exit_code: ExitCode) -> NoReturn:
    for line in f"avatarrig: {message}".split("\n"):
        say(line, err=True)
    sys.exit(exit_code)
