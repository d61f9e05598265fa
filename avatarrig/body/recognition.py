"""Whether one of the faces in a photo is the subject's; pure.

The thresholds are cosines of SFace's embeddings. `tests/bench/faces.py` measures what
they take and what they let in.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Final

import msgspec

TAKEN: Final = 0.41
"""From this likeness on a face is the subject's; 1 stranger in 10,000 reaches it. With less for a
face that fits clearly better than all others of its photo (.33, .15 above the second), somebody is
taken in 1 of 100 groups without the subject, and hardly a face more is found."""

TAKEN_SMALL: Final = 0.48
"""The same for faces narrower than `SMALL`, which resemble each other more."""

SMALL: Final = 40.0
"""Pixels of width below which a face is small."""

TINY: Final = 20.0
"""Faces narrower than this many pixels say nothing."""

NOT_TAKEN: Final = 0.25
"""Below this likeness a face is somebody else's."""

MARGIN: Final = 0.05
"""How much less alike the second face of a photo has to be than the first: a person is there
once."""


VERDICT: Final = "recognised"
"""Name of the verdict in an observation's ``meta``."""

LIKENESS: Final = "face_likeness"
"""Name of the likeness there."""


class Verdict(enum.StrEnum):
    """Whether the subject is in a photo."""

    SUBJECT = "subject"
    SOMEBODY_ELSE = "somebody else"
    UNSURE = "not sure who it is"


class Compared(msgspec.Struct, frozen=True):
    """One face of a photo beside the template.

    Attributes:
        likeness: Cosine, -1..1.
        width: Width of the face in pixels of the photo as it lies there.
    """

    likeness: float
    width: float


class Recognition(msgspec.Struct, frozen=True):
    """What the comparison says of a photo.

    Attributes:
        verdict: Whether the subject is there.
        face: Which of the faces is the subject's; None where none surely is.
        likeness: The greatest likeness found; None where no face says anything.
    """

    verdict: Verdict
    face: int | None = None
    likeness: float | None = None


def recognise(faces: Sequence[Compared]) -> Recognition:
    """Decides which face of a photo is the subject's.

    Returns:
        The decision. Without any face that says something it is unsure.
    """
    telling = [index for index, face in enumerate(faces) if face.width >= TINY]
    if not telling:
        return Recognition(Verdict.UNSURE)
    telling.sort(key=lambda index: faces[index].likeness, reverse=True)
    best = faces[telling[0]]
    second = faces[telling[1]].likeness if len(telling) > 1 else -1.0
    needed = TAKEN if best.width >= SMALL else TAKEN_SMALL
    if best.likeness >= needed and best.likeness - second >= MARGIN:
        return Recognition(Verdict.SUBJECT, telling[0], best.likeness)
    if best.likeness < NOT_TAKEN and len(telling) == len(faces):
        return Recognition(Verdict.SOMEBODY_ELSE, None, best.likeness)
    return Recognition(Verdict.UNSURE, None, best.likeness)
