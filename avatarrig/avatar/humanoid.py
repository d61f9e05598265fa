"""Which node of an avatar is which bone of a humanoid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from avatarrig.avatar.errors import UnfitAvatarError
from avatarrig.avatar.gltf.scene import Tree
from avatarrig.avatar.names import MIDDLE, SIDED, match

SIDES: Final = ("left", "right")
ARM: Final = ("UpperArm", "LowerArm", "Hand")
LEG: Final = ("UpperLeg", "LowerLeg", "Foot")
NEEDED: Final = ("hips", "head", *(f"{side}{part}" for side in SIDES for part in (*ARM, *LEG)))
"""Bones that a fit needs, by their VRM 1.0 names."""
BONES: Final = (*MIDDLE, *(f"{side}{part}" for side in SIDES for part in SIDED))


class Humanoid(msgspec.Struct, frozen=True, kw_only=True):
    """The bones of an avatar.

    Attributes:
        bones: VRM 1.0 name of each bone to its node.
        source: What told: the VRM extension, names, or a map.
    """

    bones: dict[str, int]
    source: str

    def __getitem__(self, bone: str) -> int:
        return self.bones[bone]


def find_humanoid(
    document: Mapping[str, Any], tree: Tree, mapping: Mapping[str, str | int] | None = None
) -> Humanoid:
    """Finds the bones of an avatar.

    Args:
        mapping: Bone to the name or number of a node; it is used instead of what the file says.

    Raises:
        UnfitAvatarError: A needed bone is missing, found twice, or does not hang where it must.
    """
    if mapping is not None:
        found = _by_map(document, tree, mapping)
    else:
        found = _by_extension(document) or _by_names(document, tree)
    missing = [bone for bone in NEEDED if bone not in found.bones]
    if missing:
        raise _unfit(f"bones not found ({found.source}): {', '.join(missing)}", found.bones, tree)
    _check_tree(found, tree)
    return found


def template(bones: Mapping[str, int], tree: Tree) -> dict[str, object]:
    """A map to fill in: what was found, empty names for the rest, and all names there are."""
    wanted = [*NEEDED, *(bone for bone in BONES if bone in bones and bone not in NEEDED)]
    return {
        **{bone: tree.names[bones[bone]] if bone in bones else "" for bone in wanted},
        "_nodes": [name or number for number, name in enumerate(tree.names)],
    }


def _unfit(message: str, bones: Mapping[str, int], tree: Tree) -> UnfitAvatarError:
    return UnfitAvatarError(message, template(bones, tree))


def _by_extension(document: Mapping[str, Any]) -> Humanoid | None:
    extensions = document.get("extensions") or {}
    count = len(document.get("nodes", []))
    if "VRMC_vrm" in extensions:
        human = (extensions["VRMC_vrm"].get("humanoid") or {}).get("humanBones") or {}
        bones = {bone: value.get("node", -1) for bone, value in human.items()}
        source = "VRM 1.0"
    elif "VRM" in extensions:
        human = (extensions["VRM"].get("humanoid") or {}).get("humanBones") or []
        bones = {entry.get("bone", ""): entry.get("node", -1) for entry in human}
        source = "VRM 0.x"
    else:
        return None
    known = {bone: node for bone, node in bones.items() if 0 <= node < count}
    return Humanoid(bones=known, source=source)


def _by_map(document: Mapping[str, Any], tree: Tree, mapping: Mapping[str, str | int]) -> Humanoid:
    bones: dict[str, int] = {}
    joints = _joints(document)
    for bone, wanted in mapping.items():
        if bone.startswith("_") or wanted == "":
            continue
        if isinstance(wanted, int):
            nodes = [wanted] if 0 <= wanted < len(tree.names) else []
        else:
            nodes = [node for node, name in enumerate(tree.names) if name == wanted]
            nodes = [node for node in nodes if node in joints] or nodes
        if len(nodes) != 1:
            raise UnfitAvatarError(
                f"the map says {bone} is {wanted!r}: "
                + (
                    "there is no such node"
                    if not nodes
                    else f"{len(nodes)} nodes are called so; "
                    f"give its number instead ({', '.join(map(str, nodes))})"
                ),
                template(bones, tree),
            )
        bones[bone] = nodes[0]
    return Humanoid(bones=bones, source="map")


def _joints(document: Mapping[str, Any]) -> set[int]:
    return {joint for skin in document.get("skins", []) for joint in skin["joints"]}


def _by_names(document: Mapping[str, Any], tree: Tree) -> Humanoid:
    joints = _joints(document)
    near = joints | {tree.parents[joint] for joint in joints} - {-1}
    candidates = [node for node in tree.order if node in near] if joints else list(tree.order)
    matched = match({node: tree.names[node] for node in candidates})
    twice = {bone: nodes for bone, nodes in matched.items() if len(nodes) > 1}
    bones = {bone: nodes[0] for bone, nodes in matched.items() if len(nodes) == 1}
    hips = _hips(matched, bones, tree, joints)
    if hips is not None:
        bones["hips"] = hips
        twice.pop("hips", None)
    for bone, nodes in twice.items():
        chosen = _one_of(_in_limb(bone, nodes, bones, tree), joints, tree)
        if chosen is None:
            if bone in NEEDED:
                names = ", ".join(f"{tree.names[node]} (node {node})" for node in nodes)
                raise _unfit(f"{bone} is found more than once: {names}", bones, tree)
            continue
        bones[bone] = chosen
    return Humanoid(bones=bones, source="names")


def _hips(
    matched: Mapping[str, Sequence[int]], bones: Mapping[str, int], tree: Tree, joints: set[int]
) -> int | None:
    """The lowest node named so that legs and head hang on; otherwise the joint where they part."""
    parts = [bones.get(bone) for bone in ("leftUpperLeg", "rightUpperLeg", "head")]
    if any(part is None for part in parts):
        return None
    leg, *others = (part for part in parts if part is not None)
    shared = [
        node
        for node in tree.ancestors(leg)
        if all(tree.is_under(other, node) for other in others) and node not in parts
    ]
    named = [node for node in shared if node in matched.get("hips", ())]
    if named or not shared:
        return named[0] if named else None
    parting = shared[0]
    is_joint = parting in joints if matched.get("hips") else tree.parents[parting] >= 0
    return parting if is_joint else None


def _in_limb(
    bone: str, nodes: Sequence[int], bones: Mapping[str, int], tree: Tree
) -> Sequence[int]:
    """Of nodes for one bone those between its limb's others, as no pole for an elbow is.

    Which of several nodes of the very same name is meant, nobody can tell.
    """
    if len({tree.names[node] for node in nodes}) < len(nodes):
        return nodes
    side = next((side for side in SIDES if bone.startswith(side)), "")
    limb = next((limb for limb in (ARM, LEG) if bone.removeprefix(side) in limb), ())
    order = [bones.get(f"{side}{part}") for part in limb]
    place = order.index(None) if None in order else -1
    above = [node for node in order[:place] if node is not None]
    below = [node for node in order[place + 1 :] if node is not None]
    return [
        node
        for node in nodes
        if all(tree.is_under(node, other) for other in above)
        and all(tree.is_under(other, node) for other in below)
    ] or nodes


def _one_of(nodes: Iterable[int], joints: set[int], tree: Tree) -> int | None:
    """The one joint among nodes of one name, or the one that all others hang on."""
    skinned = [node for node in nodes if node in joints] or list(nodes)
    tops = [
        node
        for node in skinned
        if not any(other != node and tree.is_under(node, other) for other in skinned)
    ]
    return tops[0] if len(tops) == 1 else None


def _check_tree(found: Humanoid, tree: Tree) -> None:
    """Each limb must be a chain, and all of it hang on the hips."""
    if len({found.bones[bone] for bone in NEEDED}) < len(NEEDED):
        raise _unfit("one node stands for two bones", found.bones, tree)
    links = [("head", "hips")]
    for side in SIDES:
        for first, *rest in (("hips", *ARM), ("hips", *LEG)):
            above = first
            for part in rest:
                links.append((f"{side}{part}", above))
                above = f"{side}{part}"
    for bone, above in links:
        if not tree.is_under(found[bone], found[above]):
            raise _unfit(
                f"{bone} ({tree.names[found[bone]]}) does not hang on {above} "
                f"({tree.names[found[above]]}); moving {above} would leave it behind",
                found.bones,
                tree,
            )
