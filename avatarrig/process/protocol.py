"""What a parent and its child processes say to each other.

A child is one of our own modules. It reads its settings as one line of JSON from standard input,
which stays open: when it closes, the parent is gone. It writes a `Status` a line to standard
output and ends with an `ExitCode`. `avatarrig.process.supervision` is the parent's half,
`avatarrig.process.child` the child's.
"""

from __future__ import annotations

import msgspec

from avatarrig.errors import ExitCode

HOPELESS = frozenset({ExitCode.DAMAGED, ExitCode.CANNOT_WRITE, ExitCode.UNUSABLE})
"""Ends of a child that a restart cannot mend: a person has to do something first."""


class Status(msgspec.Struct, frozen=True):
    """A line that a child writes to its standard output.

    Attributes:
        state: ``starting``, ``working``, ``waiting`` (for storage or the broker), ``stopped``
            or ``failed``.
        message: For a person; empty where there is nothing to say.
    """

    state: str
    message: str = ""
