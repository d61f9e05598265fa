"""A body of a person's own: the human body shaped after an estimate, and fitted to it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from avatarrig.avatar.fitting import Avatar, Fitted, Options, fit, read_avatar
from avatarrig.avatar.gltf.container import Container, write_container
from avatarrig.avatar.human.figure import to_container
from avatarrig.avatar.human.shape import Human, shape
from avatarrig.avatar.human.source import HumanFiles
from avatarrig.body.population.anthropometry import stature
from avatarrig.body.rig.lengths import RigLengths

AVERAGE_HEIGHT: Final = 1.69
"""Metres: the mean of ANSUR II's men and women, for those who have not given theirs."""
AVERAGES: Final = (
    "sex, age, weight, muscle, skin and face",
    "girth of arms, legs and trunk",
    "neck and head",
)
"""What photos do not decide here, and stays average."""


_SIZES: Final = (0.8, 1.25)
"""Bounds of the factors of hands and feet."""
_OWN: Final = 0.99


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A body, as a file and as MakeHuman's sliders.

    Attributes:
        fitted: What the last fit did.
        height: Metres.
    """

    data: bytes
    human: Human
    fitted: Fitted
    height: float


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What body is wanted.

    Attributes:
        height: In metres; the run's, or the average, by default.
        vrm: Whether a VRM is wanted, or a plain GLB.
    """

    title: str
    height: float | None = None
    naming: str = "vrm"
    vrm: bool = True


def make_body(files: HumanFiles, known: RigLengths, wish: Wish) -> Made:
    """Makes a body in a person's proportions.

    MakeHuman's sliders bring it near; what they cannot reach is stretched.
    """
    human = shape(files, known.lengths)
    tall = wish.height or known.height or AVERAGE_HEIGHT
    avatar = read_avatar(to_container(files, human, title=wish.title, naming=wish.naming), Path())
    options = Options(
        widths="full",
        height=tall,
        hands=_size(avatar, known, "hand", "Hand", 0),
        feet=_size(avatar, known, "foot", "Foot", 2),
    )
    fitted = fit(avatar, known.lengths, options)
    document = dict(fitted.container.document)
    if not wish.vrm:
        del document["extensions"], document["extensionsUsed"]
    data = write_container(Container(document=document, binary=fitted.container.binary))
    return Made(data=data, human=human, fitted=fitted, height=tall)


def _size(avatar: Avatar, known: RigLengths, key: str, part: str, axis: int) -> float:
    """By how much hands or feet are larger than the body's own, over the stature.

    Args:
        avatar: The body, in T-pose.
        axis: Along which it is measured: feet from heel to toes, hands from the wrist on.
    """
    bone = f"left{part}"
    own = np.concatenate(
        [surface.points[surface.weight_of((bone,)) > _OWN, axis] for surface in avatar.surfaces]
    )
    start = own.min() if part == "Foot" else avatar.body.points[bone][axis]
    share = float(own.max() - start) / avatar.measure.before.height
    wanted = known.lengths[key] / stature(known.lengths)
    return float(np.clip(wanted / share, *_SIZES))
