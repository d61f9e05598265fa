"""The shaped human body as a skinned mesh in T-pose: VRM 1.0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from avatarrig.avatar.gltf.accessors import Floats
from avatarrig.avatar.gltf.container import Container
from avatarrig.avatar.human.shape import Human, joint
from avatarrig.avatar.human.source import HumanFiles
from avatarrig.body.rig.names import rename

_METRES: Final = 0.1
_MOST: Final = 4
"""Bones that hold a vertex, at most."""
_SHOWN: Final = ("body", "helper-l-eye", "helper-r-eye", "helper-upper-teeth", "helper-lower-teeth")
_SHOWN_TOO: Final = ("helper-tongue",)
_EYES: Final = ("helper-l-eye", "helper-r-eye")
_NAMES: Final = {
    "pelvis": "hips",
    "spine_01": "spine",
    "spine_02": "chest",
    "spine_03": "upperChest",
    "neck_01": "neck",
    "head": "head",
}
_SIDED: Final = {
    "clavicle": "Shoulder",
    "upperarm": "UpperArm",
    "lowerarm": "LowerArm",
    "hand": "Hand",
    "thigh": "UpperLeg",
    "calf": "LowerLeg",
    "foot": "Foot",
    "ball": "Toes",
    "thumb_01": "ThumbMetacarpal",
    "thumb_02": "ThumbProximal",
    "thumb_03": "ThumbDistal",
    **{
        f"{ours}_{number}": f"{theirs}{part}"
        for ours, theirs in (
            *(("index", "Index"), ("middle", "Middle"), ("ring", "Ring"), ("pinky", "Little")),
        )
        for number, part in (("01", "Proximal"), ("02", "Intermediate"), ("03", "Distal"))
    },
}
EXPRESSIONS: Final[dict[str, dict[str, float]]] = {
    "blink": {"eyeBlinkLeft": 1, "eyeBlinkRight": 1},
    "blinkLeft": {"eyeBlinkLeft": 1},
    "blinkRight": {"eyeBlinkRight": 1},
    "aa": {"jawOpen": 0.7},
    "ih": {"mouthStretchLeft": 0.6, "mouthStretchRight": 0.6, "jawOpen": 0.15},
    "ou": {"mouthPucker": 0.9},
    "ee": {"mouthSmileLeft": 0.4, "mouthSmileRight": 0.4, "jawOpen": 0.2},
    "oh": {"mouthFunnel": 0.9, "jawOpen": 0.3},
    "happy": {"mouthSmileLeft": 1, "mouthSmileRight": 1},
    "angry": {"browDownLeft": 1, "browDownRight": 1, "mouthPressLeft": 0.5, "mouthPressRight": 0.5},
    "sad": {"browInnerUp": 1, "mouthFrownLeft": 0.8, "mouthFrownRight": 0.8},
    "surprised": {
        "browOuterUpLeft": 1,
        "browOuterUpRight": 1,
        "browInnerUp": 0.6,
        "eyeWideLeft": 0.8,
        "eyeWideRight": 0.8,
        "jawOpen": 0.3,
    },
}
"""VRM's preset expressions, of MakeHuman's face units."""
CC0: Final = "https://creativecommons.org/publicdomain/zero/1.0/"


class _Mesh(msgspec.Struct, frozen=True, kw_only=True):
    """Vertices with a place in the texture, and triangles."""

    source: NDArray[np.int64]
    texture: Floats
    triangles: dict[str, NDArray[np.int64]]


def vrm_name(bone: str) -> str | None:
    """VRM's name of a bone of the game engine rig; None where it has none."""
    if bone in _NAMES:
        return _NAMES[bone]
    stem, _, side = bone.rpartition("_")
    if stem not in _SIDED or side not in {"l", "r"}:
        return None
    return f"{'left' if side == 'l' else 'right'}{_SIDED[stem]}"


def to_container(files: HumanFiles, human: Human, *, title: str, naming: str = "vrm") -> Container:
    """Makes a VRM 1.0 of the human body, with humanoid, expressions and conditions."""
    bones = [bone for bone in _ordered(files) if vrm_name(bone) is not None]
    heads = {bone: joint(files, human.points, bone) for bone in bones}
    pose = _t_pose(files, bones, heads)
    mesh = _mesh(files)
    joints, weights = _weights(files, bones, len(human.points))
    posed = _posed(human.points, (joints, weights), pose)
    pack = _Packed()
    ground = posed[mesh.source][:, 1].min()
    posed = _METRES * (posed - [0, ground, 0])
    places = {bone: _METRES * (place - [0, ground, 0]) for bone, place in pose.moved.items()}
    primitives = _primitives(files, mesh, posed, (joints, weights), pack)
    document: dict[str, Any] = {
        "asset": {
            "version": "2.0",
            "generator": "AvatarRig",
            "copyright": "CC0: MakeHuman's base mesh, targets and rig",
        },
        "scene": 0,
        "scenes": [{"nodes": [0, len(bones)]}],
        "nodes": [
            *_nodes(files, bones, places, naming),
            {"name": "body", "mesh": 0, "skin": 0},
        ],
        "meshes": [
            {
                "name": "body",
                "primitives": primitives,
                "extras": {"targetNames": list(EXPRESSIONS)},
            }
        ],
        "materials": [
            _material("skin", (0.80, 0.60, 0.50)),
            _material("eyes and teeth", (0.92, 0.90, 0.86)),
        ],
        "skins": [_skin([places[bone] for bone in bones], pack)],
    }
    document |= _vrm(bones, title)
    document |= {"accessors": pack.accessors, "bufferViews": pack.views}
    document["buffers"] = [{"byteLength": len(pack.binary)}]
    return Container(document=document, binary=bytes(pack.binary))


def _skin(places: Sequence[Floats], pack: _Packed) -> dict[str, Any]:
    """Binds the mesh to bones at these places, none of which is turned."""
    binds = np.tile(np.eye(4), (len(places), 1, 1))
    binds[:, :3, 3] = -np.array(places)
    packed = binds.transpose(0, 2, 1).reshape(-1, 16).astype("<f4")
    return {
        "joints": list(range(len(places))),
        "skeleton": 0,
        "inverseBindMatrices": pack.add(packed, "MAT4"),
    }


class _Packed:
    """The binary chunk and what describes it."""

    def __init__(self) -> None:
        self.binary = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, values: NDArray[Any], kind: str, *, target: int | None = None) -> int:
        """Adds an array (n, components); returns its accessor."""
        raw = np.ascontiguousarray(values)
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": raw.nbytes}
        self.views.append(view if target is None else {**view, "target": target})
        code = {"f": 5126, "u": {2: 5123, 4: 5125}.get(raw.dtype.itemsize, 5121)}[raw.dtype.kind]
        entry: dict[str, Any] = {"bufferView": len(self.views) - 1, "componentType": code}
        entry |= {"count": len(raw), "type": kind}
        if kind == "VEC3":
            entry |= {"min": raw.min(axis=0).tolist(), "max": raw.max(axis=0).tolist()}
        self.accessors.append(entry)
        self.binary += raw.tobytes() + b"\0" * (-raw.nbytes % 4)
        return len(self.accessors) - 1


def _ordered(files: HumanFiles) -> list[str]:
    """Bones, parents before children."""
    order: list[str] = []
    todo = ["pelvis"]
    for bone in todo:
        order.append(bone)
        todo.extend(sorted(name for name, own in files.rig.items() if own["parent"] == bone))
    return order


def _t_pose(files: HumanFiles, bones: list[str], heads: dict[str, Floats]) -> _Pose:
    """How each bone is turned, in the scene, and where it begins then."""
    across, down = np.array([1.0, 0, 0]), np.array([0, -1.0, 0])
    wanted = {}
    for side, sign in (("l", 1), ("r", -1)):
        for bone, end in (("upperarm", "lowerarm"), ("lowerarm", "hand"), ("hand", "middle_01")):
            wanted[f"{bone}_{side}"] = (f"{end}_{side}", sign * across)
        for bone, end in (("thigh", "calf"), ("calf", "foot")):
            wanted[f"{bone}_{side}"] = (f"{end}_{side}", down)
        wanted[f"foot_{side}"] = (f"foot_{side}", down)  # stays as it is
    turns: dict[str, Floats] = {}
    moved: dict[str, Floats] = {}
    for bone in bones:
        parent = files.rig[bone]["parent"]
        turns[bone] = turns.get(parent, np.eye(3))
        if bone in wanted:
            end, direction = wanted[bone]
            along = heads[end] - heads[bone]
            turns[bone] = _least_turn(along, direction) if along.any() else np.eye(3)
        if parent in moved:
            moved[bone] = moved[parent] + turns[parent] @ (heads[bone] - heads[parent])
        else:
            moved[bone] = heads[bone]
    return _Pose(bones=bones, heads=heads, turns=turns, moved=moved)


def _least_turn(along: Floats, direction: Floats) -> Floats:
    """The least rotation from one direction to another (Rodrigues)."""
    start = along / np.linalg.norm(along)
    axis, cosine = np.cross(start, direction), float(start @ direction)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn: Floats = np.eye(3) + cross + cross @ cross / (1 + cosine)
    return turn


class _Pose(msgspec.Struct, frozen=True, kw_only=True):
    """Bones where they were, how they are turned, and where they are."""

    bones: list[str]
    heads: dict[str, Floats]
    turns: dict[str, Floats]
    moved: dict[str, Floats]


def _posed(points: Floats, held: tuple[NDArray[np.int64], Floats], pose: _Pose) -> Floats:
    joints, weights = held
    out = np.zeros_like(points)
    for slot in range(_MOST):
        for number, bone in enumerate(pose.bones):
            rows = joints[:, slot] == number
            turned = (points[rows] - pose.heads[bone]) @ pose.turns[bone].T
            out[rows] += weights[rows, slot, None] * (pose.moved[bone] + turned)
    return out


def _weights(files: HumanFiles, bones: list[str], count: int) -> tuple[NDArray[np.int64], Floats]:
    """The bones that hold each vertex the most: (n, 4) and (n, 4)."""
    index = {bone: number for number, bone in enumerate(bones)}
    full = np.zeros((count, len(bones)))
    for bone, rows in files.weights.items():
        number = index.get(bone, 0)
        for vertex, weight in rows:
            full[vertex, number] += weight
    empty = full.sum(axis=1) == 0
    full[empty, index["head"]] = 1  # eyes, teeth and tongue hang on the head
    joints = np.argsort(-full, axis=1, kind="stable")[:, :_MOST]
    weights = np.take_along_axis(full, joints, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    joints[weights == 0] = 0
    return joints, weights


def _mesh(files: HumanFiles) -> _Mesh:
    """Reads the faces of what is shown, and splits vertices where the texture has a seam."""
    texture, corners = [], {"skin": [], "eyes": []}  # type: ignore[var-annotated]
    group = ""
    seen: dict[tuple[int, int], int] = {}
    for line in files.base().splitlines():
        key, _, rest = line.partition(" ")
        if key == "vt":
            texture.append([float(value) for value in rest.split()[:2]])
        elif key == "g":
            group = rest.strip()
        elif key == "f" and group in (*_SHOWN, *_SHOWN_TOO):
            face = [tuple(int(n) - 1 for n in part.split("/")[:2]) for part in rest.split()]
            own = [seen.setdefault((face_[0], face_[1]), len(seen)) for face_ in face]
            part = "eyes" if group in _EYES or "teeth" in group else "skin"
            corners[part] += [[own[0], own[k], own[k + 1]] for k in range(1, len(own) - 1)]
    pairs = np.array(list(seen), np.int64)
    places = np.array(texture)[pairs[:, 1]]
    places[:, 1] = 1 - places[:, 1]
    triangles = {part: np.array(rows, np.int64) for part, rows in corners.items()}
    return _Mesh(source=pairs[:, 0], texture=places, triangles=triangles)


def _primitives(
    files: HumanFiles,
    mesh: _Mesh,
    points: Floats,
    held: tuple[NDArray[np.int64], Floats],
    pack: _Packed,
) -> list[dict[str, Any]]:
    own = points[mesh.source]
    joints, weights = held[0][mesh.source], held[1][mesh.source]
    faces = np.concatenate(list(mesh.triangles.values()))
    normals = _normals(points, mesh.source, faces).astype("<f4")
    attributes = {
        "POSITION": pack.add(own.astype("<f4"), "VEC3", target=34962),
        "NORMAL": pack.add(normals, "VEC3", target=34962),
        "TEXCOORD_0": pack.add(mesh.texture.astype("<f4"), "VEC2", target=34962),
        "JOINTS_0": pack.add(joints.astype("u1"), "VEC4", target=34962),
        "WEIGHTS_0": pack.add(_to_one(weights), "VEC4", target=34962),
    }
    targets = []
    for units in EXPRESSIONS.values():
        shifts = np.zeros_like(points)
        for unit, amount in units.items():
            shifts += amount * files.face(unit, len(points))
        own_shifts = (_METRES * shifts[mesh.source]).astype("<f4")
        targets.append({"POSITION": pack.add(own_shifts, "VEC3")})
    return [
        {
            "attributes": attributes,
            "targets": targets,
            "material": number,
            "indices": pack.add(rows.reshape(-1, 1).astype("<u2"), "SCALAR", target=34963),
        }
        for number, rows in enumerate(mesh.triangles.values())
    ]


def _to_one(weights: Floats) -> NDArray[np.float32]:
    single = weights.astype("<f4")
    single[:, 0] += 1 - single.sum(axis=1)
    return single


def _normals(points: Floats, source: NDArray[np.int64], faces: NDArray[np.int64]) -> Floats:
    """Normals by the base mesh's vertices, so that seams of the texture do not show."""
    corners = points[source[faces]]
    upright = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros_like(points)
    for column in range(3):
        np.add.at(total, source[faces[:, column]], upright)
    total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    normals: Floats = total[source]
    return normals


def _nodes(
    files: HumanFiles, bones: list[str], places: Mapping[str, Floats], naming: str
) -> list[dict[str, Any]]:
    nodes = []
    for bone in bones:
        parent = files.rig[bone]["parent"]
        offset = places[bone] - places[parent] if parent in places else places[bone]
        node: dict[str, Any] = {"name": _named(bone, naming), "translation": offset.tolist()}
        children = [n for n, other in enumerate(bones) if files.rig[other]["parent"] == bone]
        nodes.append({**node, "children": children} if children else node)
    return nodes


def _named(bone: str, naming: str) -> str:
    name = vrm_name(bone) or bone
    try:
        return rename(name, naming)
    except KeyError:  # fingers, which only VRM's scheme names here
        return name


def _material(name: str, colour: tuple[float, float, float]) -> dict[str, Any]:
    surface = {"baseColorFactor": [*colour, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.8}
    return {"name": name, "pbrMetallicRoughness": surface}


def _vrm(bones: list[str], title: str) -> dict[str, Any]:
    presets = {
        name: {
            "morphTargetBinds": [{"node": len(bones), "index": index, "weight": 1.0}],
            "isBinary": False,
            "overrideBlink": "none",
            "overrideLookAt": "none",
            "overrideMouth": "none",
        }
        for index, name in enumerate(EXPRESSIONS)
    }
    meta = {
        "name": title,
        "authors": ["MakeHuman community"],
        "copyrightInformation": "CC0: MakeHuman's base mesh, targets and rig",
        "licenseUrl": "https://vrm.dev/licenses/1.0/",
        "otherLicenseUrl": CC0,
        "avatarPermission": "everyone",
        "commercialUsage": "corporation",
        "creditNotation": "unnecessary",
        "allowRedistribution": True,
        "modification": "allowModificationRedistribution",
    }
    humans = {str(vrm_name(bone)): {"node": number} for number, bone in enumerate(bones)}
    return {
        "extensionsUsed": ["VRMC_vrm"],
        "extensions": {
            "VRMC_vrm": {
                "specVersion": "1.0",
                "meta": meta,
                "humanoid": {"humanBones": humans},
                "expressions": {"preset": presets},
            }
        },
    }
