"""Decoding of EXT_meshopt_compression: vertices, triangles, index sequences and their filters.

Written from the extension's published bit stream, appendices A and B, since no library of it has
wheels for all platforms: https://github.com/KhronosGroup/glTF/tree/main/extensions/2.0/Vendor/
EXT_meshopt_compression
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from avatarrig.avatar.errors import AvatarFileError

_VERTEX_HEADER, _TRIANGLE_HEADER, _SEQUENCE_HEADER = 0xA0, 0xE1, 0xD1
_BLOCK_BYTES, _BLOCK_MOST, _GROUP = 8192, 256, 16
_WHOLE_BYTE: Final = 8
_MORE: Final = 0x80
"""The top bit of a byte, clear in a number's last one."""
_BITS: Final = (0, 2, 4, 8)
_RECENT: Final = 16
_BEFORE_LAST, _TABLE, _EXPLICIT = 13, 14, 15
"""Codes: one less than the last index, the first without the table, an index by itself."""
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
        kind = {2: "<u2", 4: "<u4"}[stride]
        if extension["mode"] == "TRIANGLES":
            indices = _Triangles(data, count).decode()
        else:
            indices = _sequence(data, count)
        return np.array(indices, np.int64).astype(kind).tobytes()
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
    decoded: Bytes = (values >> np.uint8(1)) ^ (np.uint8(255) * (values & np.uint8(1)))
    return decoded


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
    if bits == _WHOLE_BYTE:
        return packed, place
    per_byte = 8 // bits
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    most = np.uint8((1 << bits) - 1)
    values: Bytes = ((packed[:, None] >> shifts[None, :per_byte]) & most).ravel()
    escaped = np.flatnonzero(values == most)
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
            if byte < _MORE:
                return value

    def index(self) -> int:
        self.last = (self.last + _signed(self.number())) & 0xFFFFFFFF
        return self.last


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


Item = TypeVar("Item")
"""Indices, or edges."""


class _Recent(Generic[Item]):
    """The last sixteen things, the newest first."""

    def __init__(self, empty: Item) -> None:
        self.ring, self.place = [empty] * _RECENT, 0

    def push(self, value: Item) -> None:
        self.ring[self.place] = value
        self.place = (self.place + 1) % _RECENT

    def __getitem__(self, back: int) -> Item:
        return self.ring[(self.place - 1 - back) % _RECENT]


class _Triangles:
    """Decodes a list of triangles, appendix A, mode 1."""

    def __init__(self, data: bytes, count: int) -> None:
        if data[0] != _TRIANGLE_HEADER:
            raise ValueError("an unknown version of the triangle codec")
        if len(data) < 1 + count // 3 + _RECENT:
            raise ValueError("there are fewer bytes than triangles")
        self.codes = data[1 : 1 + count // 3]
        self.table = data[len(data) - _RECENT :]
        self.reader = _Bytes(data, 1 + count // 3)
        self.edges, self.vertices = _Recent((0, 0)), _Recent(0)
        self.upcoming = 0

    def decode(self) -> list[int]:
        """Returns three indices a triangle."""
        out: list[int] = []
        for code in self.codes:
            high, low = code >> 4, code & 15
            out += self._by_edge(high, low) if high < _EXPLICIT else self._by_vertices(low)
        return out

    def _new(self) -> int:
        self.upcoming += 1
        return self.upcoming - 1

    def _by_edge(self, edge: int, low: int) -> tuple[int, int, int]:
        """A triangle beside an edge that was seen lately."""
        a, b = self.edges[edge]
        if 0 < low < _BEFORE_LAST:
            c = self.vertices[low]
        else:
            c = self._third(low)
            self.vertices.push(c)
        self.edges.push((c, b))
        self.edges.push((a, c))
        return a, b, c

    def _third(self, low: int) -> int:
        if low == 0:
            return self._new()
        if low == _EXPLICIT:
            return self.reader.index()
        self.reader.last += -1 if low == _BEFORE_LAST else 1
        return self.reader.last

    def _by_vertices(self, low: int) -> tuple[int, int, int]:
        """A triangle that shares no edge: a new vertex, and two others by a table or explicit."""
        explicit = low >= _TABLE
        codes = self.reader.byte() if explicit else self.table[low]
        if explicit and codes == 0:
            self.upcoming = 0
        which = (codes >> 4, codes & 15)
        first = self._new() if low != _EXPLICIT else None
        fifo = [self._new() if code == 0 else self.vertices[code - 1] for code in which]
        a = self.reader.index() if first is None else first
        b, c = (
            self.reader.index() if explicit and code == _EXPLICIT else value
            for code, value in zip(which, fifo, strict=True)
        )
        self.vertices.push(a)
        for code, value in zip(which, (b, c), strict=True):
            if code in {0, _EXPLICIT}:
                self.vertices.push(value)
        for edge in ((b, a), (c, b), (a, c)):
            self.edges.push(edge)
        return a, b, c


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
        exact: NDArray[Any] = np.ldexp(mantissa.astype(np.float32), exponent).astype("<f4")
        return exact
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
    rounded: NDArray[Any] = np.trunc(values + np.where(values >= 0, 0.5, -0.5))
    return rounded
