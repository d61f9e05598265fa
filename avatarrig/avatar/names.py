"""What programs call the bones of a humanoid, read the other way round: from name to bone.

A name is taken apart into a side and what is left; tables say which bone that is. Names of one
program are never mixed with those of another where they contradict: *shoulder* is a collar bone
in most rigs and an upper arm where there are elbows and wrists.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Final

MIDDLE: Final = ("hips", "spine", "chest", "upperChest", "neck", "head")
SIDED: Final = (
    *("Shoulder", "UpperArm", "LowerArm", "Hand"),
    *("UpperLeg", "LowerLeg", "Foot", "Toes", "Eye"),
)

_TRUNK: Final = {
    "hips": "hips pelvis hip bodyhips root cog 下半身 センター",
    "spine": "spine spine0 spine01 abdomen abdomenlower spinelower waist 上半身",
    "chest": "chest spine1 spine02 chestlower spinemid torso 上半身2",
    "upperChest": "upperchest spine2 spine3 spine03 chestupper spineupper",
    "neck": "neck neck1 neck01 necklower 首",
    "head": "head head1 skull 頭",
}
_LIMBS: Final = {
    "Shoulder": "shoulder clavicle collar collarbone scapula 肩",
    "UpperArm": "upperarm uparm arm armupper shldr shldrbend upperarmbend bicep 腕",
    "LowerArm": "lowerarm forearm forarm armlower lowarm forearmbend elbow ひじ",
    "Hand": "hand wrist handwrist palm 手首",
    "UpperLeg": "upperleg upleg legupper thigh thighbend 足",
    "LowerLeg": "lowerleg leg leglower lowleg calf shin knee ひざ",
    "Foot": "foot ankle footankle 足首",
    "Toes": "toes toe toe0 toebase ball つま先",
    "Eye": "eye 目",
}
_ANATOMY: Final = {
    **_LIMBS,
    "Shoulder": "scapula clavicle collar collarbone",
    "UpperArm": "shoulder upperarm arm",
    "UpperLeg": "hip upperleg thigh upleg",
}
"""Rigs that name joints rather than bones: hip, knee, ankle; shoulder, elbow, wrist."""
_MIXED: Final = {**_LIMBS, "UpperLeg": "leg upperleg", "LowerLeg": "knee lowerleg"}
"""Rigs that call the whole limb as its upper half: arm, elbow, wrist; leg, knee, ankle."""

_HELPER: Final = re.compile(
    r"twist|roll|(^|[_.\- ])(ik|fk|pole|ctrl|control|target|tweak|mch|org|vis)([_.\- ]|$)"
    r"|^(mch|org|ik|fk|ctrl|wgt|vb|ctl)[-_ ]|(ik|fk)$|[_. ]end(_|$)|nub$|helper|muscle|corrective"
    r"|jiggle|scalecompensation|(?-i:[a-z0-9]End$)",
    re.IGNORECASE,
)
_PREFIX: Final = re.compile(
    r"^(.*[:|])?(mixamorig\d*[_:]?|def[-_ ]|deform[-_ ]|bip0*\d*[ _.]+|valvebiped[._]bip0*\d*[_.]?"
    r"|character\d*_|cc_base_|quickrigcharacter\d*_|j_(bip|adj|sec)_|rig[_ ]|bone[_ ]|jnt_|sk_|b_"
    r"|g_|(?-i:m(?=[A-Z]))"
    r"|armature[|_])*",
    re.IGNORECASE,
)
_SUFFIX: Final = re.compile(
    r"(_?bone|_?jnt|_?joint|_?jt|_armature|_skin|_bind|_stretch(?=\.|$))", re.IGNORECASE
)
_FIRST: Final = re.compile(r"(?<=[a-z])0+1$", re.IGNORECASE)
"""Behind the first of several bones of a part: ``L_legUpper0001_bind_JNT``, ``upperarm01.L``."""
_NUMBERED: Final = re.compile(r"(_0*\d+|\.\d{3})$")
_BEFORE: Final = re.compile(
    r"^((?i:left|right)|[lLrR](?=[_. \-])|[lr](?=[A-Z])|[LR](?=[A-Z][a-z])|左|右)[_. \-]*(?=.)"
)
_BEHIND: Final = re.compile(
    r"(?<=.)(?:[_. \-]((?i:left|right|l|r))|(Left|Right)|(?<=[a-z])([LR]))(?=$|[_.]\d+$)"
)
_HUMAN: Final = 4
"""Sided bones that a table must find before its answer counts."""


def match(names: Mapping[int, str]) -> dict[str, list[int]]:
    """Finds humanoid bones by the names of nodes.

    Args:
        names: Name of each node that may be a bone, roots first.

    Returns:
        For each VRM bone that is found the nodes that bear its name, in the order given; several
        where the name stands for several.
    """
    return _match(names) or _match(_without_shared_start(names))


def _without_shared_start(names: Mapping[int, str]) -> dict[int, str]:
    """Names without what most of them begin with, as a figure's own name is in 3ds Max."""
    ordered = sorted(names.values())
    if not ordered:
        return {}
    few = len(ordered) // 10
    first, last = ordered[few], ordered[-few - 1]
    alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    start = "".join(letter for letter, _ in alike)
    return {node: name.removeprefix(start) for node, name in names.items()}


def _match(names: Mapping[int, str]) -> dict[str, list[int]]:
    usable = {node: name for node, name in names.items() if name and not _HELPER.search(name)}
    deforming = {node for node, name in usable.items() if re.match(r"(?i)^def[-_ ]", name)}
    if deforming:
        usable = {node: name for node, name in usable.items() if node in deforming}
    numbered = _are_numbered(list(usable.values()))
    best: dict[str, list[int]] = {}
    for limbs in (_LIMBS, _ANATOMY, _MIXED):
        table = _table(limbs)
        found: dict[str, list[int]] = {}
        for node, name in usable.items():
            bone = _bone(name, table, numbered=numbered)
            if bone is not None:
                found.setdefault(bone, []).append(node)
        if _score(found) > _score(best):
            best = found
    return _trunk_by_order(best, usable)


def _score(found: Mapping[str, Sequence[int]]) -> int:
    needed = [f"{side}{part}" for side in ("left", "right") for part in SIDED[1:7]]
    count = sum(bone in found for bone in needed)
    return count if count > _HUMAN else 0


def _table(limbs: Mapping[str, str]) -> dict[tuple[bool, str], str]:
    """From whether a name has a side, and the rest of it, to a bone without its side."""
    table = {(True, word): bone for bone, words in limbs.items() for word in words.split()}
    table |= {(False, word): bone for bone, words in _TRUNK.items() for word in words.split()}
    return table


def _are_numbered(names: Sequence[str]) -> bool:
    """Whether a program has put a number behind each name, as in ``Hips_01`` or ``Hips.001``."""
    count = sum(bool(_NUMBERED.search(name)) for name in names)
    return len(names) > _HUMAN and count > 0.6 * len(names)


def _bone(name: str, table: Mapping[tuple[bool, str], str], *, numbered: bool) -> str | None:
    core = _PREFIX.sub("", name.replace("FBXASC046", ".").replace("FBXASC095", "_"))
    if numbered:
        core = _NUMBERED.sub("", core)
    core = _SUFFIX.sub("", core)
    side, rest = _side_of(core)
    word = re.sub(r"[ ._:\-]", "", rest).lower()
    words = (word, _FIRST.sub("", word))
    bone = next(
        (table[key] for key in ((side is not None, w) for w in words) if key in table), None
    )
    if bone is None:
        return None
    return bone if side is None else side + bone


def _side_of(core: str) -> tuple[str | None, str]:
    """Takes the side off a name; ``C_`` and ``_M`` say the middle."""
    middle = re.match(r"(?i)^c_(.*)$", core) or re.match(r"^(.*)(?:_[MC]|\.x)$", core)
    if middle:
        return None, middle[1]
    for pattern in (_BEFORE, _BEHIND):
        found = pattern.search(core)
        if found:
            word = next(group for group in found.groups() if group)
            side = "left" if word.lower()[0] in "l左" else "right"
            rest = core[: found.start()] + core[found.end() :]
            if rest.strip("_. -"):
                return side, rest
    return None, core


def _trunk_by_order(found: dict[str, list[int]], names: Mapping[int, str]) -> dict[str, list[int]]:
    """Rigify calls the whole trunk ``spine``, from hips to head; some exporters leave out dots."""
    by_name = {name.replace(".", ""): node for node, name in names.items()}
    for prefix in ("DEF-", ""):
        trunk = [f"{prefix}spine", *(f"{prefix}spine{number:03d}" for number in range(1, 7))]
        if trunk[0] not in by_name or trunk[4] not in by_name or "hips" in found:
            continue
        bones = dict(zip(("hips", "spine", "chest", "upperChest", "neck"), trunk, strict=False))
        bones["head"] = next(name for name in reversed(trunk) if name in by_name)
        return {
            **found,
            **{bone: [by_name[name]] for bone, name in bones.items() if name in by_name},
        }
    return found
