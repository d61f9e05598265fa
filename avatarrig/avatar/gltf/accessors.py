"""Arrays of a glTF document whose numbers all lie in one block.

Specification: Khronos, glTF 2.0, sections 3.6.2 (accessors) and 3.6.2.3 (sparse ones).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avatarrig.avatar.errors import AvatarFileError

Floats = NDArray[np.float64]

FLOAT: Final = 5126
DTYPES: Final = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", FLOAT: "<f4"}
COMPONENTS: Final = {
    "SCALAR": 1,
    "VEC2": 2,
    "VEC3": 3,
    "VEC4": 4,
    "MAT2": 4,
    "MAT3": 9,
    "MAT4": 16,
}


def dtype_of(accessor: Mapping[str, Any]) -> np.dtype[Any]:
    """Type of an accessor's components."""
    return np.dtype(DTYPES[accessor["componentType"]])


def read_raw(document: Mapping[str, Any], binary: bytes | bytearray, index: int) -> NDArray[Any]:
    """Reads an accessor as it is stored: (count, components).

    Raises:
        AvatarFileError: It reaches beyond the block, or is of no known type.
    """
    accessor = document["accessors"][index]
    try:
        width, kind = COMPONENTS[accessor["type"]], dtype_of(accessor)
        count = accessor["count"]
        if "bufferView" in accessor:
            view = document["bufferViews"][accessor["bufferView"]]
            values = _strided(
                binary, view, accessor.get("byteOffset", 0), kind, (count, width)
            ).copy()
        else:
            values = np.zeros((count, width), kind)
        if "sparse" in accessor:
            rows, new = read_sparse(document, binary, index)
            values[rows] = new
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise AvatarFileError(f"accessor {index} cannot be read: {error!r}") from error
    return values


def read_sparse(
    document: Mapping[str, Any], binary: bytes | bytearray, index: int
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Reads the rows that a sparse accessor replaces, and their values (rows, components)."""
    accessor = document["accessors"][index]
    sparse = accessor["sparse"]
    where, what = sparse["indices"], sparse["values"]
    views = document["bufferViews"]
    rows = _strided(
        binary,
        views[where["bufferView"]],
        where.get("byteOffset", 0),
        np.dtype(DTYPES[where["componentType"]]),
        (sparse["count"], 1),
    )
    values = _strided(
        binary,
        views[what["bufferView"]],
        what.get("byteOffset", 0),
        dtype_of(accessor),
        (sparse["count"], COMPONENTS[accessor["type"]]),
    )
    return rows[:, 0].astype(np.int64), values


def read_floats(document: Mapping[str, Any], binary: bytes | bytearray, index: int) -> Floats:
    """Reads an accessor as numbers, normalised integers as what they stand for."""
    accessor = document["accessors"][index]
    values = read_raw(document, binary, index)
    if accessor.get("normalized") and accessor["componentType"] != FLOAT:
        return np.maximum(values / float(np.iinfo(values.dtype).max), -1.0)
    return values.astype(np.float64)


def read_matrices(document: Mapping[str, Any], binary: bytes | bytearray, index: int) -> Floats:
    """Reads matrices, which are stored by columns: (count, 4, 4)."""
    return read_floats(document, binary, index).reshape(-1, 4, 4).transpose(0, 2, 1)


def stride_of(view: Mapping[str, Any], width: int) -> int:
    """Bytes from one element to the next."""
    return int(view.get("byteStride") or width)


def _strided(
    binary: bytes | bytearray,
    view: Mapping[str, Any],
    offset: int,
    kind: np.dtype[Any],
    shape: tuple[int, int],
) -> NDArray[Any]:
    if shape[0] == 0:
        return np.zeros(shape, kind)
    stride = stride_of(view, kind.itemsize * shape[1])
    start = view.get("byteOffset", 0) + offset
    return np.ndarray(shape, kind, binary, start, (stride, kind.itemsize))
