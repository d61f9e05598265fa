"""Files that are packed, unpacked: Draco, meshopt, and numbers that lie outside the file.

What comes out is a plain glTF document with one buffer; quantised attributes stay as they are
until a fit gives them new values.
"""

from __future__ import annotations

import base64
import copy
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import msgspec
import numpy as np
from numpy.typing import NDArray

from avatarrig.avatar.errors import AvatarFileError
from avatarrig.avatar.gltf.accessors import COMPONENTS, dtype_of
from avatarrig.avatar.gltf.container import Container
from avatarrig.avatar.gltf.meshopt import decode_view
from avatarrig.files import read_file

DRACO: Final = "KHR_draco_mesh_compression"
MESHOPT: Final = "EXT_meshopt_compression"
QUANTIZED: Final = "KHR_mesh_quantization"
READ: Final = frozenset(
    {
        *(DRACO, MESHOPT, QUANTIZED, "KHR_texture_transform", "KHR_texture_basisu"),
        *("KHR_materials_unlit", "KHR_lights_punctual", "KHR_animation_pointer"),
        *("EXT_texture_webp", "EXT_texture_avif", "KHR_xmp_json_ld", "KHR_node_visibility"),
    }
)
"""Extensions that a file may require."""


class Unpacked(msgspec.Struct, frozen=True, kw_only=True):
    """A document with one buffer that holds all its numbers."""

    document: dict[str, Any]
    binary: bytearray
    undone: tuple[str, ...] = ()


def unpack(container: Container, folder: Path) -> Unpacked:
    """Undoes compressions and gathers all numbers in one buffer.

    Args:
        container: A file's content; it is not changed.
        folder: Where files lie that the document names.

    Raises:
        AvatarFileError: The file needs something that is not known here, or is damaged.
    """
    document = copy.deepcopy(container.document)
    required = set(document.get("extensionsRequired", []))
    unknown = [
        name for name in sorted(required - READ) if not name.startswith(("KHR_materials", "VRM"))
    ]
    if unknown:
        raise AvatarFileError(f"the file needs {', '.join(unknown)}, which is not known here")
    used = set(document.get("extensionsUsed", [])) & {DRACO, MESHOPT}
    alone = [buffer.get("uri") for buffer in document.get("buffers", [])] in ([None], [])
    if not used and alone:
        return Unpacked(document=document, binary=bytearray(container.binary))
    try:
        views = _views(document, _buffers(document, container.binary, folder))
        _undo_draco(document, views)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise AvatarFileError(f"the file's numbers cannot be unpacked: {error!r}") from error
    for key in ("extensionsUsed", "extensionsRequired"):
        left = [name for name in document.get(key, []) if name not in used]
        if left:
            document[key] = left
        else:
            document.pop(key, None)
    return Unpacked(document=document, binary=_gather(document, views), undone=tuple(sorted(used)))


def _buffers(document: dict[str, Any], binary: bytes, folder: Path) -> list[bytes]:
    buffers: list[bytes] = []
    for buffer in document.get("buffers", []):
        uri = buffer.get("uri")
        if uri is None:
            fallback = buffer.get("extensions", {}).get(MESHOPT, {}).get("fallback")
            buffers.append(b"" if fallback else binary)
        elif uri.startswith("data:"):
            buffers.append(base64.b64decode(uri.split(",", 1)[1]))
        else:
            buffers.append(_beside(folder, unquote(uri)))
    return buffers


def _beside(folder: Path, name: str) -> bytes:
    """Reads a file that an avatar names; whoever made it names none of somebody else's."""
    file = folder / name
    try:
        if not file.resolve().is_relative_to(folder.resolve()):
            raise AvatarFileError(
                f"{file}, which the avatar names, lies outside of its folder: copy it there"
            )
        return read_file(file)
    except OSError as error:
        raise AvatarFileError(f"{file}, which the avatar names: {error.strerror}") from None


def _views(document: dict[str, Any], buffers: list[bytes]) -> list[bytes]:
    """The content of each buffer view, meshopt undone."""
    contents: list[bytes] = []
    for view in document.get("bufferViews", []):
        packed = view.get("extensions", {}).pop(MESHOPT, None)
        if not view.get("extensions", True):
            del view["extensions"]
        place = packed or view
        start = place.get("byteOffset", 0)
        content = buffers[place["buffer"]][start : start + place["byteLength"]]
        contents.append(decode_view(content, packed) if packed else content)
    return contents


def _undo_draco(document: dict[str, Any], views: list[bytes]) -> None:
    free: set[int] = set()
    for mesh in document.get("meshes", []):
        for primitive in mesh["primitives"]:
            packed = primitive.get("extensions", {}).pop(DRACO, None)
            if packed is None:
                continue
            if not primitive["extensions"]:
                del primitive["extensions"]
            view = packed["bufferView"]
            arrays = _draco_arrays(document, primitive, packed["attributes"], views[view])
            for accessor_index, values in arrays:
                accessor = document["accessors"][accessor_index]
                if view in free:
                    document["bufferViews"].append({"buffer": 0, "byteLength": 0})
                    views.append(b"")
                    place = len(views) - 1
                else:
                    place = view
                    free.add(view)
                views[place] = values.tobytes()
                accessor |= {"bufferView": place, "count": len(values)}
                accessor.pop("byteOffset", None)


def _draco_arrays(
    document: dict[str, Any], primitive: dict[str, Any], attributes: dict[str, int], data: bytes
) -> list[tuple[int, NDArray[Any]]]:
    """Accessors of a primitive, and their values as the accessors' types say."""
    import DracoPy  # noqa: PLC0415 - only packed files need it

    mesh = DracoPy.decode(data)
    stored = {attribute["unique_id"]: attribute["data"] for attribute in mesh.attributes}
    found: dict[str, NDArray[Any]] = {}
    for name, unique in attributes.items():
        accessor = document["accessors"][primitive["attributes"][name]]
        width = COMPONENTS[accessor["type"]]
        values = np.asarray(stored[unique]).reshape(-1, width)
        found[name] = _normalised(name, values.astype(dtype_of(accessor)))
    _drop_idle_joints(found)
    arrays = [(primitive["attributes"][name], values) for name, values in found.items()]
    faces = np.asarray(mesh.faces).reshape(-1, 1)
    if "indices" in primitive:
        accessor = document["accessors"][primitive["indices"]]
        arrays.append((primitive["indices"], faces.astype(dtype_of(accessor))))
    return arrays


def _drop_idle_joints(found: dict[str, NDArray[Any]]) -> None:
    """Sets joints that hold nothing to 0, as validators want what they can read, in place."""
    for name, weights in found.items():
        kind, _, number = name.partition("_")
        joints = found.get(f"JOINTS_{number}")
        if kind == "WEIGHTS" and joints is not None and joints.shape == weights.shape:
            found[f"JOINTS_{number}"] = np.where(weights == 0, 0, joints).astype(joints.dtype)


def _normalised(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Weights that sum to 1 again; Draco keeps them in few bits."""
    if not name.startswith("WEIGHTS_") or values.dtype.kind != "f":
        return values
    total = values.sum(axis=1, keepdims=True)
    return np.where(total > 0, values / np.where(total > 0, total, 1), values).astype(values.dtype)


def _gather(document: dict[str, Any], views: list[bytes]) -> bytearray:
    binary = bytearray()
    for view, content in zip(document.get("bufferViews", []), views, strict=True):
        binary += b"\0" * (-len(binary) % 4)
        view |= {"buffer": 0, "byteOffset": len(binary), "byteLength": len(content)}
        binary += content
    buffer = {key: value for key, value in document["buffers"][0].items() if key == "name"}
    document["buffers"] = [{**buffer, "byteLength": len(binary)}]
    return binary
