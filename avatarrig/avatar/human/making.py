"""A body of a person's own: the human body shaped after an estimate, and fitted to it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from avatarrig.avatar.fitting import Fitted, Options, fit, read_avatar
from avatarrig.avatar.gltf.container import Container, write_container
from avatarrig.avatar.human.figure import to_container
from avatarrig.avatar.human.shape import Human, shape
from avatarrig.avatar.human.source import HumanFiles
from avatarrig.body.rig.lengths import RigLengths

AVERAGE_HEIGHT: Final = 1.69
"""Metres: the mean of ANSUR II's men and women, for those who have not given theirs."""
AVERAGES: Final = (
    "sex, age, weight, muscle, skin and face",
    "girth of arms, legs and trunk",
    "neck, head, hands and feet",
)
"""What photos do not decide here, and stays average."""


_FEET: Final = 1.1
"""MakeHuman's average feet are .138 of the stature long; people's are .153 (ANSUR II)."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A body, as a file and as MakeHuman's sliders.

    Attributes:
        human: The shape.
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
    fitted = fit(avatar, known.lengths, Options(widths="full", height=tall, feet=_FEET))
    document = dict(fitted.container.document)
    if not wish.vrm:
        del document["extensions"], document["extensionsUsed"]
    data = write_container(Container(document=document, binary=fitted.container.binary))
    return Made(data=data, human=human, fitted=fitted, height=tall)
