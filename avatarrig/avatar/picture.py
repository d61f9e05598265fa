"""An avatar before and after, drawn with its mesh."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarrig.avatar.errors import AvatarFileError, said_where_damaged
from avatarrig.avatar.fitting import Avatar, Fitted, read_avatar
from avatarrig.avatar.gltf.accessors import Floats, read_floats
from avatarrig.avatar.gltf.container import read_container
from avatarrig.avatar.placing import frame_of
from avatarrig.avatar.surfaces import Surface, Use, triangles
from avatarrig.photos.damage import unless_damaged
from avatarrig.pictures.shaded_mesh import Mesh, draw_side_by_side

_GREY_DIMENSIONS: Final = 2
_CHANNELS: Final = 3
_GREY: Final = np.array([0.78, 0.76, 0.74])
_CLEAR: Final = 0.4
"""Below this opacity a triangle is not drawn."""
_WEBP, _TRANSFORM = "EXT_texture_webp", "KHR_texture_transform"
Texture = NDArray[np.uint8]


def before_and_after(avatar: Avatar, fitted: Fitted) -> bytes:
    """Draws an avatar before and after the fit, by one camera and scale.

    Raises:
        AvatarFileError: Its triangles break its format.
    """
    with said_where_damaged():
        painted = _Painted(avatar)
        before = painted.mesh([surface.points for surface in avatar.surfaces])
        after = painted.mesh(fitted.points)
    picture = draw_side_by_side([("before", before), ("after", after)])
    done, data = cv2.imencode(".png", picture)
    if not done:
        raise AvatarFileError("the picture could not be written as PNG")
    return data.tobytes()


def painted_file(file: Path) -> Mesh:
    """Reads an avatar's surface from its file, in its colours.

    Raises:
        AvatarFileError: It is no avatar, or none that can be read.
    """
    return painted(read_avatar(read_container(file), file.parent))


def painted(avatar: Avatar) -> Mesh:
    """Gives an avatar's triangles as it stands, in their colours.

    Raises:
        AvatarFileError: They break its format.
    """
    with said_where_damaged():
        return _Painted(avatar).mesh([surface.points for surface in avatar.surfaces])


class _Painted:
    """The triangles of an avatar and their colours, which a fit leaves as they are."""

    def __init__(self, avatar: Avatar) -> None:
        self._avatar = avatar
        self._textures: dict[int, Texture | None] = {}
        self._rows: list[tuple[int, NDArray[np.int64], Floats, bool]] = []
        for number, surface in enumerate(avatar.surfaces):
            for use in surface.uses:
                self._add(number, surface, use)

    def mesh(self, points: list[Floats]) -> Mesh:
        """The mesh with its vertices at some places."""
        starts = np.cumsum([0, *(len(moved) for moved in points)])
        frame = frame_of(self._avatar.body)[[1, 0, 2]]
        faces = [corners + starts[number] for number, corners, _, _ in self._rows]
        return Mesh(
            points=np.concatenate(points) @ frame.T,
            triangles=np.concatenate(faces),
            colours=np.concatenate([colours for _, _, colours, _ in self._rows]),
            two_sided=np.concatenate(
                [np.full(len(corners), two_sided) for _, corners, _, two_sided in self._rows]
            ),
        )

    def _add(self, number: int, surface: Surface, use: Use) -> None:
        document, binary = self._avatar.document, self._avatar.binary
        corners = triangles(document, binary, use)
        if corners.max(initial=-1) >= len(surface.points):
            raise AvatarFileError(f"mesh {use[0]} has triangles of vertices that it has not")
        primitive = document["meshes"][use[0]]["primitives"][use[1]]
        materials = document.get("materials", [])
        index = primitive.get("material")
        material = materials[index] if index is not None and index < len(materials) else {}
        grey = np.tile(_GREY, (len(corners), 1)), np.ones(len(corners))
        colours, opacity = unless_damaged(lambda: self._colours(primitive, material, corners), grey)
        seen = opacity > _CLEAR if material.get("alphaMode", "OPAQUE") != "OPAQUE" else opacity >= 0
        if surface.skin is None and np.linalg.det(surface.into_bind[:3, :3]) < 0:
            corners = corners[:, ::-1]
        two_sided = bool(material.get("doubleSided", False))
        self._rows.append((number, corners[seen], colours[seen], two_sided))

    def _colours(
        self, primitive: Mapping[str, Any], material: Mapping[str, Any], corners: NDArray[np.int64]
    ) -> tuple[Floats, Floats]:
        """Colour and opacity of each triangle: (m, 3) and (m,)."""
        surface = material.get("pbrMetallicRoughness", {})
        factor = np.array(surface.get("baseColorFactor", [1, 1, 1, 1]), float)
        texture = surface.get("baseColorTexture")
        colours = np.tile(factor, (len(corners), 1))
        if texture is None:
            if not surface:
                colours[:, :3] = _GREY
            return np.sqrt(np.clip(colours[:, :3], 0, 1)), colours[:, 3]
        place = primitive["attributes"].get(f"TEXCOORD_{texture.get('texCoord', 0)}")
        picture = self._texture(texture["index"])
        if place is None or picture is None:
            return np.tile(_GREY, (len(corners), 1)), colours[:, 3]
        where = read_floats(self._avatar.document, self._avatar.binary, place)[corners].mean(axis=1)
        moved = (texture.get("extensions") or {}).get(_TRANSFORM) or {}
        where = where * moved.get("scale", (1, 1)) + moved.get("offset", (0, 0))
        size = np.array([picture.shape[1], picture.shape[0]])
        x, y = (np.mod(where, 1.0) * size).astype(int).clip(0, size - 1).T
        sampled = picture[y, x].astype(float) / 255
        tint = np.sqrt(np.clip(factor[:3], 0, 1))
        return sampled[:, :3] * tint, sampled[:, 3] * factor[3]

    def _texture(self, index: int) -> Texture | None:
        if index not in self._textures:
            self._textures[index] = self._decoded(index)
        return self._textures[index]

    def _decoded(self, index: int) -> Texture | None:
        """A texture's picture, red first, with opacity: (height, width, 4)."""
        document = self._avatar.document
        texture = document["textures"][index]
        source = (texture.get("extensions") or {}).get(_WEBP, texture).get("source")
        if source is None or "bufferView" not in document["images"][source]:
            return None
        view = document["bufferViews"][document["images"][source]["bufferView"]]
        start = view.get("byteOffset", 0)
        data = np.frombuffer(self._avatar.binary[start : start + view["byteLength"]], np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        if picture is None:
            return None
        if picture.dtype != np.uint8:
            picture = (picture / 257).astype(np.uint8)
        if picture.ndim == _GREY_DIMENSIONS:
            picture = np.repeat(picture[:, :, None], 3, axis=2)
        opacity = (
            picture[:, :, 3:]
            if picture.shape[2] > _CHANNELS
            else np.full_like(picture[:, :, :1], 255)
        )
        return np.concatenate([picture[:, :, 2::-1], opacity], axis=2).astype(np.uint8)
