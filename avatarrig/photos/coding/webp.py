"""The chunks of a WebP file (RIFF)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_LENGTH: Final = slice(4, 8)
_FIRST_CHUNK: Final = 12
_HEAD: Final = 8
_LOSSY: Final = b"VP8 "
_LOSSLESS: Final = b"VP8L"
_FRAME: Final = b"ANMF"
_FRAME_HEAD: Final = 16
"""Bytes: a frame's place, size and time, before its chunks."""
_PIXELS: Final = frozenset({_LOSSY, _LOSSLESS, b"ALPH", _FRAME})


def chunks_of(data: bytes, at: int = _FIRST_CHUNK) -> Iterator[tuple[bytes, int, int]]:
    """Walks over the chunks of a WebP: kind, start and end of the content, which may be cut off."""
    while at + _HEAD <= len(data):
        size = int.from_bytes(data[at + 4 : at + _HEAD], "little")
        yield data[at : at + 4], at + _HEAD, at + _HEAD + size
        at += _HEAD + size + size % 2


def pixels_of(data: bytes) -> Iterator[bytes]:
    """Gives the coded pictures of a WebP."""
    return (data[start:end] for kind, start, end in chunks_of(data) if kind in _PIXELS)


def colours_of(data: bytes, at: int = _FIRST_CHUNK) -> Iterator[tuple[bytes, bool]]:
    """Gives the coded colours of a WebP and of its frames, and whether it was without a loss.

    How transparent it is, is left out: that may lie there as it is, a byte for each pixel.
    """
    for kind, start, end in chunks_of(data, at):
        if kind == _FRAME:
            yield from colours_of(data[start:end], _FRAME_HEAD)
        elif kind in {_LOSSY, _LOSSLESS}:
            yield data[start:end], kind == _LOSSLESS


def with_length(data: bytes) -> bytes:
    """Has a WebP whose chunks are whole say how long it is, for which decoders refuse it else."""
    ends = [end + (end - start) % 2 for _, start, end in chunks_of(data) if end <= len(data)]
    if not ends:
        return data
    length = (ends[-1] - _HEAD).to_bytes(4, "little")
    if data[_LENGTH] == length and len(data) >= ends[-1]:
        return data
    return (data[:4] + length + data[_HEAD : ends[-1]]).ljust(ends[-1], b"\0")
