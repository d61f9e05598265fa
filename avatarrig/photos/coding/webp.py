"""The chunks of a WebP file (RIFF)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_LENGTH: Final = slice(4, 8)
_FIRST_CHUNK: Final = 12
_HEAD: Final = 8
_LOSSLESS: Final = b"VP8L"
_PIXELS: Final = frozenset({b"VP8 ", _LOSSLESS, b"ALPH", b"ANMF"})


def chunks_of(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Walks over the chunks of a WebP: kind, start and end of the content, which may be cut off."""
    at = _FIRST_CHUNK
    while at + _HEAD <= len(data):
        size = int.from_bytes(data[at + 4 : at + _HEAD], "little")
        yield data[at : at + 4], at + _HEAD, at + _HEAD + size
        at += _HEAD + size + size % 2


def pixels_of(data: bytes) -> Iterator[bytes]:
    """Gives the coded pictures of a WebP."""
    return (data[start:end] for kind, start, end in chunks_of(data) if kind in _PIXELS)


def is_lossless(data: bytes) -> bool:
    """Whether a WebP's picture is coded without a loss."""
    return any(kind == _LOSSLESS for kind, _, _ in chunks_of(data))


def with_length(data: bytes) -> bytes:
    """Has a WebP whose chunks are whole say how long it is, for which decoders refuse it else."""
    ends = [end + (end - start) % 2 for _, start, end in chunks_of(data) if end <= len(data)]
    if not ends:
        return data
    length = (ends[-1] - _HEAD).to_bytes(4, "little")
    if data[_LENGTH] == length and len(data) >= ends[-1]:
        return data
    return (data[:4] + length + data[_HEAD : ends[-1]]).ljust(ends[-1], b"\0")
