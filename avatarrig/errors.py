"""What this program says when it cannot go on, and how its commands end.

AvatarRigError
└── CommandError        a command cannot go on
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command or a child process ends; the large numbers are those of BSD's sysexits.h."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2
    NOTHING_PROCESSED = 3
    DAMAGED = 65
    CANNOT_WRITE = 73
    TRY_AGAIN = 75
    UNUSABLE = 78
    INTERRUPTED = 130


class AvatarRigError(Exception):
    """Something that a person can act on; its message says what is wrong and what to do.

    Attributes:
        exit_code: How a command ends that cannot go on for it.
    """

    exit_code = ExitCode.FAILED


class CommandError(AvatarRigError):
    """A command cannot go on.

    Args:
        message: For a person.
        exit_code: How the command ends.
    """

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
