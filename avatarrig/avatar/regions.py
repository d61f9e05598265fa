"""The parts of a body that are moved as one: trunk, eight limb segments, head, hands, feet.

Each node belongs to the part whose bone it is or hangs on; each vertex to parts by its weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatarrig.avatar.gltf.scene import Tree
from avatarrig.avatar.humanoid import ARM, LEG, SIDES, Humanoid

TRUNK: Final = "trunk"
SEGMENTS: Final = {
    "UpperArm": ("LowerArm", "upper_arm"),
    "LowerArm": ("Hand", "lower_arm"),
    "UpperLeg": ("LowerLeg", "upper_leg"),
    "LowerLeg": ("Foot", "lower_leg"),
}
"""A limb's bone: where it ends, and the estimate's name for it."""
LIMB_ENDS: Final = {
    f"{side}{part}": f"{side}{end}" for side in SIDES for part, (end, _) in SEGMENTS.items()
}
LIMBS: Final = tuple(LIMB_ENDS)
ENDS: Final = ("head", *(f"{side}{part}" for side in SIDES for part in (ARM[-1], LEG[-1])))
"""Parts that keep their shape."""
REGIONS: Final = (TRUNK, *LIMBS, *ENDS)
NOWHERE: Final = -1


def letter(side_and_part: str) -> str:
    """``L`` or ``R``, as the estimate's keys end."""
    return "L" if side_and_part.startswith("left") else "R"


def node_regions(tree: Tree, humanoid: Humanoid, joints: Iterable[int]) -> NDArray[np.int64]:
    """Tells each node's part, as a number in `REGIONS`; `NOWHERE` for what is not of the body."""
    own = {humanoid[name]: number for number, name in enumerate(REGIONS) if name != TRUNK}
    body = {*joints, *tree.ancestors(humanoid["hips"]), *tree.descendants(humanoid["hips"])}
    regions = np.full(len(tree.names), NOWHERE)
    for node in tree.order:
        if node in own:
            regions[node] = own[node]
        elif node in body:
            parent = tree.parents[node]
            regions[node] = max(regions[parent], 0) if parent >= 0 else 0
    return regions
