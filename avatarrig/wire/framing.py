"""How messages are told apart in a pipe between two processes: each stands behind its length."""

from __future__ import annotations

import struct
from typing import BinaryIO

from avatarrig.errors import AvatarRigError

_LENGTH = struct.Struct("<I")


class GarbledError(AvatarRigError, ValueError):
    """The other side wrote something that is no message."""


def write_framed(stream: BinaryIO, data: bytes) -> None:
    """Writes a message. Raises OSError: The other side is gone."""
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def read_framed(stream: BinaryIO, longest: int) -> bytes | None:
    """Reads what was written at once.

    Args:
        longest: As many bytes may a message have.

    Returns:
        The bytes, or None where the other side is gone.

    Raises:
        GarbledError: A length that no message has.
    """
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(header)
    if length > longest:
        raise GarbledError(f"a message of {length} bytes")
    data = stream.read(length)
    return data if len(data) == length else None
