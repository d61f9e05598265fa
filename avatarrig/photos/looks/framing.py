"""How photos and what they look like are told apart in a pipe: each stands behind its length."""

from __future__ import annotations

import struct
from typing import BinaryIO

_LENGTH = struct.Struct("<I")
_MOST = 64 << 20


def write_framed(stream: BinaryIO, data: bytes) -> None:
    """Writes some bytes. Raises OSError: The other side is gone."""
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def read_framed(stream: BinaryIO) -> bytes | None:
    """Reads what was written at once; None where the other side is gone, or writes nonsense."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(header)
    data = stream.read(length) if length <= _MOST else b""
    return data if len(data) == length else None
