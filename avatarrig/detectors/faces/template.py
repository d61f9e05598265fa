"""What is kept of a person's face: one embedding, the mean of those of the reference photos."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from avatarrig.errors import AvatarRigError

Floats = NDArray[np.float32]

LENGTH: Final = 128
"""How many numbers an embedding has."""

_BYTES: Final = 2 * LENGTH
_SHORTEST: Final = 0.9
_LONGEST: Final = 1.1


class TemplateRefusedError(AvatarRigError, ValueError):
    """Bytes that came with a record are no template."""


class Template(msgspec.Struct, frozen=True, array_like=True):
    """The face that is looked for. No picture can be made of it, but it is biometric data.

    Attributes:
        data: 128 float16, little-endian: a vector of length 1.
    """

    data: bytes

    @classmethod
    def mean(cls, embeddings: Sequence[Floats]) -> Template:
        """Makes the template of a person.

        Args:
            embeddings: At least one, (128,) of length 1 each.
        """
        total = np.sum(embeddings, axis=0, dtype=np.float64)
        return cls((total / np.linalg.norm(total)).astype("<f2").tobytes())

    @property
    def digest(self) -> str:
        """Tells templates apart: 16 hexadecimal digits."""
        return hashlib.sha256(self.data).hexdigest()[:16]

    def likeness(self, embedding: Floats) -> float:
        """Cosine of the angle between the template and a face: 1 for the same picture.

        Args:
            embedding: (128,) of length 1.
        """
        return float(_vector(self.data) @ embedding)

    def check(self) -> None:
        """Proves that the bytes hold what a template holds.

        Raises:
            TemplateRefusedError: They do not.
        """
        if len(self.data) != _BYTES:
            raise TemplateRefusedError(
                f"a face template has {_BYTES} bytes, this one {len(self.data)}"
            )
        length = float(np.linalg.norm(_vector(self.data)))
        if not _SHORTEST < length < _LONGEST:
            raise TemplateRefusedError(f"a face template has length 1, this one {length:.3g}")

    @classmethod
    def of_all(cls, templates: Sequence[bytes]) -> Template:
        """Makes the template of a person out of those of single references.

        Args:
            templates: At least one, as `data` holds it.

        Raises:
            TemplateRefusedError: One of them is no template.
        """
        each = [cls(data) for data in templates]
        for template in each:
            template.check()
        return each[0] if len(each) == 1 else cls.mean([_vector(data) for data in templates])


def _vector(data: bytes) -> Floats:
    return np.frombuffer(data, "<f2").astype(np.float32)
