"""New numbers for accessors: in place where nothing else lies there, otherwise behind the rest.

All other bytes of the block stay as they are.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avatarrig.avatar.gltf.accessors import (
    COMPONENTS,
    FLOAT,
    Floats,
    dtype_of,
    read_raw,
    read_sparse,
    stride_of,
)

Singles = NDArray[np.float32]

_FEW: Final = 64
"""Accessors of one interleaved view that are compared with one another."""


class Store:
    """A document and its block of numbers, both changed in place."""

    def __init__(self, document: dict[str, Any], binary: bytearray) -> None:
        self.document = document
        self.binary = binary
        self._shared = _shared_accessors(document)

    def put(self, index: int, values: Floats) -> None:
        """Gives an accessor new values, as 32-bit floats: (count, components)."""
        accessor = self.document["accessors"][index]
        data = np.ascontiguousarray(values, "<f4").reshape(accessor["count"], -1)
        if not self._put_in_place(index, data):
            self._append(index, data)
        if "min" in accessor or "max" in accessor:
            accessor["min"] = data.min(axis=0).tolist()
            accessor["max"] = data.max(axis=0).tolist()

    def clone(self, index: int) -> int:
        """Makes an accessor of the same kind that shares its bytes; returns its number."""
        self.document["accessors"].append(dict(self.document["accessors"][index]))
        new = len(self.document["accessors"]) - 1
        self._shared |= {index, new}
        return new

    def add(self, values: Floats, kind: str) -> int:
        """Adds an accessor of 32-bit floats; returns its number."""
        data = np.ascontiguousarray(values, "<f4").reshape(-1, COMPONENTS[kind])
        accessor = {"componentType": FLOAT, "count": len(data), "type": kind}
        self.document.setdefault("accessors", []).append(accessor)
        index = len(self.document["accessors"]) - 1
        self._append(index, data)
        return index

    def _put_in_place(self, index: int, data: Singles) -> bool:
        accessor = self.document["accessors"][index]
        if accessor["componentType"] != FLOAT or index in self._shared:
            return False
        if "sparse" in accessor:
            return self._put_sparse(index, data)
        if "bufferView" not in accessor:
            return False
        self._write(accessor["bufferView"], accessor.get("byteOffset", 0), data)
        return True

    def _put_sparse(self, index: int, data: Singles) -> bool:
        """Replaces the values of a sparse accessor where the others stay what they were."""
        accessor = self.document["accessors"][index]
        if "bufferView" in accessor:
            return False
        rows, _ = read_sparse(self.document, self.binary, index)
        others = np.ones(len(data), bool)
        others[rows] = False
        if np.any(data[others]):
            return False
        values = accessor["sparse"]["values"]
        self._write(values["bufferView"], values.get("byteOffset", 0), data[rows])
        return True

    def _write(self, view_index: int, offset: int, data: Singles) -> None:
        view = self.document["bufferViews"][view_index]
        width = data.dtype.itemsize * data.shape[1]
        target = np.ndarray(
            data.shape,
            data.dtype,
            self.binary,
            view.get("byteOffset", 0) + offset,
            (stride_of(view, width), data.dtype.itemsize),
        )
        target[...] = data

    def _append(self, index: int, data: Singles) -> None:
        accessor = self.document["accessors"][index]
        self.binary += b"\0" * (-len(self.binary) % 4)
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": data.nbytes}
        views = self.document.setdefault("bufferViews", [])
        if "bufferView" in accessor and "target" in views[accessor["bufferView"]]:
            view["target"] = views[accessor["bufferView"]]["target"]
        self.binary += data.tobytes()
        views.append(view)
        for key in ("sparse", "byteOffset", "normalized"):
            accessor.pop(key, None)
        accessor |= {"bufferView": len(views) - 1, "componentType": FLOAT}
        buffers = self.document.setdefault("buffers", [{"byteLength": 0}])
        buffers[0]["byteLength"] = len(self.binary)
        self._shared.discard(index)

    def values(self, index: int) -> NDArray[Any]:
        """The stored values of an accessor."""
        return read_raw(self.document, self.binary, index)


_Span = tuple[int, int, int, int, int]
"""First byte, end, stride, width of an element, accessor (or -1: an image and the like)."""


def _shared_accessors(document: dict[str, Any]) -> set[int]:
    """Accessors whose bytes something else uses too."""
    spans = sorted(_spans(document))
    shared: set[int] = set()
    active: list[_Span] = []
    for span in spans:
        active = [other for other in active if other[1] > span[0]]
        if len(active) > _FEW:
            shared |= {other[4] for other in active} | {span[4]}
            active = active[-_FEW:]
        for other in active:
            if _meet(other, span):
                shared |= {other[4], span[4]}
        active.append(span)
    return shared - {-1}


def _spans(document: dict[str, Any]) -> list[_Span]:
    views = document.get("bufferViews", [])
    spans: list[_Span] = []
    used: set[int] = set()
    for index, accessor in enumerate(document.get("accessors", [])):
        width = dtype_of(accessor).itemsize * COMPONENTS[accessor["type"]]
        parts = [(accessor, accessor["count"], width)] if "bufferView" in accessor else []
        if "sparse" in accessor:
            sparse = accessor["sparse"]
            where = sparse["indices"]
            parts.append((sparse["values"], sparse["count"], width))
            used.add(where["bufferView"])
        for part, count, size in parts:
            used.add(part["bufferView"])
            view = views[part["bufferView"]]
            stride = stride_of(view, size)
            start = view.get("byteOffset", 0) + part.get("byteOffset", 0)
            spans.append((start, start + (count - 1) * stride + size, stride, size, index))
    for index, view in enumerate(views):
        if index not in used:
            start, size = view.get("byteOffset", 0), view["byteLength"]
            spans.append((start, start + size, size, size, -1))
    return spans


def _meet(one: _Span, other: _Span) -> bool:
    """Whether two spans that overlap have bytes in common."""
    if one[2] != other[2] or one[2] in (one[3], other[3]):
        return True
    apart = (other[0] - one[0]) % one[2]
    return apart < one[3] or apart + other[3] > one[2]
