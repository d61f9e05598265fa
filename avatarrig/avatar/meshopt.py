"""Decoding of EXT_meshopt_compression: vertices, triangles, index sequences and their filters.

Written from the extension's published bit stream, appendices A and B, since no library of it has
wheels for all platforms: https://github.com/KhronosGroup/glTF/tree/main/extensions/2.0/Vendor/
EXT_meshopt_compression
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avatarrig.avatar.errors import AvatarFileError

_VERTEX_HEADER, _TRIANGLE_HEADER, _SEQUENCE_HEADER = 0xA0, 0xE1, 0xD1
_BLOCK_BYTES, _BLOCK_MOST, _GROUP = 8192, 256, 16
_TAIL_LEAST: Final = 32
_BITS: Final = (0, 2, 4, 8)
_RECENT: Final = 16
_WORDS: Final = {4: 2, 8: 4}
Bytes = NDArray[np.uint8]


def decode_view(data: bytes, extension: Mapping[str, Any]) -> bytes:
    """Decodes a buffer view.

    Args:
        data: The compressed bytes.
        extension: The content of ``EXT_meshopt_compression``: count, byteStride, mode, filter.

    Raises:
        AvatarFileError: The bytes are not what the extension says.
    """
    count, stride = int(extension["count"]), int(extension["byteStride"])
    source = np.frombuffer(data, np.uint8)
    try:
        if extension["mode"] == "ATTRIBUTES":
            values = _filtered(_vertices(source, count, stride), extension.get("filter", "NONE"))
            return values.tobytes()
        decode = {"TRIANGLES": _triangles, "INDICES": _sequence}[extension["mode"]]
        kind = {2: "<u2", 4: "<u4"}[stride]
        return np.array(decode(data, count), np.int64).astype(kind).tobytes()
    except (IndexError, KeyError, ValueError) as error:
        raise AvatarFileError(f"meshopt data cannot be decoded: {error!r}") from error


def _vertices(source: Bytes, count: int, stride: int) -> Bytes:
    """Decodes vertex attributes: (count, stride) bytes."""
    if source[0] != _VERTEX_HEADER:
        raise ValueError("an unknown version of the vertex codec")
    last = source[len(source) - stride :].copy()
    most = min(_BLOCK_MOST, (_BLOCK_BYTES // stride) & ~(_GROUP - 1))
    out = np.empty((count, stride), np.uint8)
    place = 1
    for first in range(0, count, most):
        size = min(most, count - first)
        for channel in range(stride):
            deltas, place = _deltas(source, place, size)
            column = np.cumsum(_unzigzag(deltas), dtype=np.uint8) + last[channel]
            out[first : first + size, channel] = column
            last[channel] = column[-1]
    return out


def _unzigzag(values: Bytes) -> Bytes:
    return (values >> 1) ^ (np.uint8(0) - (values & 1))


def _deltas(source: Bytes, place: int, size: int) -> tuple[Bytes, int]:
    """Decodes the differences of one byte of a block's vertices."""
    groups = -(-size // _GROUP)
    headers = source[place : place + -(-groups // 4)]
    place += len(headers)
    out = np.empty(groups * _GROUP, np.uint8)
    for group in range(groups):
        bits = _BITS[int(headers[group // 4]) >> (2 * (group % 4)) & 3]
        values, place = _group(source, place, bits)
        out[group * _GROUP : (group + 1) * _GROUP] = values
    return out[:size], place


def _group(source: Bytes, place: int, bits: int) -> tuple[Bytes, int]:
    packed = source[place : place + bits * _GROUP // 8]
    place += len(packed)
    if bits == 0:
        return np.zeros(_GROUP, np.uint8), place
    if bits == 8:  # noqa: PLR2004 - whole bytes
        return packed, place
    per_byte = 8 // bits
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    values = ((packed[:, None] >> shifts[None, :per_byte]) & ((1 << bits) - 1)).ravel()
    escaped = np.flatnonzero(values == (1 << bits) - 1)
    values[escaped] = source[place : place + len(escaped)]
    return values, place + len(escaped)


class _Bytes:
    """Reads numbers of seven bits a byte, and differences from the last one read."""

    def __init__(self, data: bytes, place: int) -> None:
        self.data, self.place, self.last = data, place, 0

    def byte(self) -> int:
        self.place += 1
        return self.data[self.place - 1]

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:  # noqa: PLR2004 - the last one's top bit is clear
                return value

    def index(self) -> int:
        self.last = (self.last + _signed(self.number())) & 0xFFFFFFFF
        return self.last


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


class _Recent:
    """The last sixteen things, the newest first."""

    def __init__(self, empty: Any) -> None:  # noqa: ANN401 - indices or edges
        self.ring, self.place = [empty] * _RECENT, 0

    def push(self, value: Any) -> None:  # noqa: ANN401
        self.ring[self.place] = value
        self.place = (self.place + 1) % _RECENT

    def __getitem__(self, back: int) -> Any:  # noqa: ANN401
        return self.ring[(self.place - 1 - back) % _RECENT]


def _triangles(data: bytes, count: int) -> list[int]:  # noqa: PLR0915 - one step of a codec
    """Decodes a list of triangles, appendix A, mode 1."""
    if data[0] != _TRIANGLE_HEADER:
        raise ValueError("an unknown version of the triangle codec")
    codes, table = data[1 : 1 + count // 3], data[len(data) - _RECENT :]
    reader = _Bytes(data, 1 + count // 3)
    edges, vertices = _Recent((0, 0)), _Recent(0)
    out: list[int] = []
    upcoming = 0

    def new() -> int:
        nonlocal upcoming
        upcoming += 1
        return upcoming - 1

    def push_edges(*pairs: tuple[int, int]) -> None:
        for pair in pairs:
            edges.push(pair)

    for code in codes:
        high, low = code >> 4, code & 15
        if high < 15:  # noqa: PLR2004 - it shares an edge that was seen lately
            a, b = edges[high]
            if low == 0:
                c = new()
                vertices.push(c)
            elif low < 13:  # noqa: PLR2004
                c = vertices[low]
            else:
                c = reader.index() if low == 15 else reader.last + (1 if low == 14 else -1)  # noqa: PLR2004
                reader.last = c
                vertices.push(c)
            out += (a, b, c)
            push_edges((c, b), (a, c))
            continue
        if low < 14:  # noqa: PLR2004 - a new vertex and two by the table
            auxiliary = table[low]
            third, second = auxiliary & 15, auxiliary >> 4
            a = new()
            b = new() if second == 0 else vertices[second - 1]
            c = new() if third == 0 else vertices[third - 1]
            kept_a, kept_b, kept_c = True, second == 0, third == 0
        else:
            auxiliary = reader.byte()
            if auxiliary == 0:
                upcoming = 0
            third, second = auxiliary & 15, auxiliary >> 4
            a = new() if low == 14 else 0  # noqa: PLR2004
            b = new() if second == 0 else vertices[second - 1]
            c = new() if third == 0 else vertices[third - 1]
            a = reader.index() if low == 15 else a  # noqa: PLR2004
            b = reader.index() if second == 15 else b  # noqa: PLR2004
            c = reader.index() if third == 15 else c  # noqa: PLR2004
            kept_a, kept_b, kept_c = True, second in (0, 15), third in (0, 15)
        out += (a, b, c)
        for vertex, kept in ((a, kept_a), (b, kept_b), (c, kept_c)):
            if kept:
                vertices.push(vertex)
        push_edges((b, a), (c, b), (a, c))
    return out


def _sequence(data: bytes, count: int) -> list[int]:
    """Decodes a sequence of indices, appendix A, mode 2."""
    if data[0] != _SEQUENCE_HEADER:
        raise ValueError("an unknown version of the index codec")
    reader, last, out = _Bytes(data, 1), [0, 0], []
    for _ in range(count):
        value = reader.number()
        base = value & 1
        last[base] = (last[base] + _signed(value >> 1)) & 0xFFFFFFFF
        out.append(last[base])
    return out


def _filtered(values: Bytes, name: str) -> NDArray[Any]:
    """Undoes a filter, appendix B: (count, stride) bytes in and out."""
    if name == "NONE":
        return values
    if name == "OCTAHEDRAL":
        return _octahedral(values.view({4: "i1", 8: "<i2"}[values.shape[1]]))
    if name == "QUATERNION":
        return _quaternion(values.view("<i2"))
    if name == "EXPONENTIAL":
        packed = values.view("<i4")
        exponent, mantissa = packed >> 24, (packed << 8) >> 8
        return np.ldexp(mantissa.astype(np.float32), exponent).astype("<f4")
    raise ValueError(f"an unknown filter {name}")


def _octahedral(stored: NDArray[Any]) -> NDArray[Any]:
    most = float(np.iinfo(stored.dtype).max)
    x, y, one = (stored[:, column].astype(np.float32) for column in range(3))
    z = one - np.abs(x) - np.abs(y)
    fold = np.maximum(-z, 0)
    x, y = x + np.where(x >= 0, -fold, fold), y + np.where(y >= 0, -fold, fold)
    scale = most / np.sqrt(x * x + y * y + z * z)
    out = stored.copy()
    for column, value in enumerate((x, y, z)):
        out[:, column] = _rounded(value * scale)
    return out


def _quaternion(stored: NDArray[Any]) -> NDArray[Any]:
    most_component = stored[:, 3] & 3
    scale = np.float32(1 / np.sqrt(2)) / (stored[:, 3] | 3).astype(np.float32)
    small = stored[:, :3].astype(np.float32) * scale[:, None]
    large = np.sqrt(np.maximum(1 - np.sum(small * small, axis=1), 0))
    out = np.empty_like(stored)
    rows = np.arange(len(stored))
    for column in range(3):
        out[rows, (most_component + 1 + column) % 4] = _rounded(small[:, column] * 32767)
    out[rows, most_component] = _rounded(large * 32767)
    return out


def _rounded(values: NDArray[Any]) -> NDArray[Any]:
    """Rounds halves away from zero, as the reference decoder does."""
    return np.trunc(values + np.where(values >= 0, 0.5, -0.5))
