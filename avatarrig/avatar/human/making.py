"""A body of a person's own: the human body shaped after an estimate, and fitted to it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from avatarrig.avatar.container import Container, write_container
from avatarrig.avatar.fitting import Fitted, Options, fit, read_avatar
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


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A body, as a file and as MakeHuman's sliders.

    Attributes:
        data: The GLB or VRM file.
        human: The shape.
        fitted: What the last fit did.
        height: Metres.
    """

    data: bytes
    human: Human
    fitted: Fitted
    height: float


def make_body(
    files: HumanFiles,
    known: RigLengths,
    *,
    title: str,
    height: float | None,
    naming: str = "vrm",
    vrm: bool = True,
) -> Made:
    """Makes a body in a person's proportions.

    MakeHuman's sliders bring it near; what they cannot reach is stretched.

    Args:
        files: The human body's parts.
        known: The person's lengths.
        title: Name of the avatar.
        height: In metres; the run's, or the average, by default.
        naming: Scheme of the bones' names.
        vrm: Whether a VRM is wanted, or a plain GLB.
    """
    human = shape(files, known.lengths)
    tall = height or known.height or AVERAGE_HEIGHT
    whole = to_container(files, human, title=title, naming=naming, vrm=True)
    whole = _read_anew(whole)
    avatar = read_avatar(whole, Path())
    fitted = fit(avatar, known.lengths, Options(widths="full", height=tall))
    document = fitted.container.document
    if not vrm:
        document = {
            key: value
            for key, value in document.items()
            if key not in {"extensions", "extensionsUsed"}
        }
    data = write_container(Container(document=document, binary=fitted.container.binary))
    return Made(data=data, human=human, fitted=fitted, height=tall)


def _read_anew(container: Container) -> Container:
    return msgspec.structs.replace(container, size=len(container.binary))
