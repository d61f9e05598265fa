"""Faces that somebody pointed at: references that come by the observations topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avatarrig.detectors.faces.template import Template, TemplateRefusedError
from avatarrig.kafka.deciding.known import face_left_by
from avatarrig.wire import Decision, Forget
from avatarrig.wire.identity import subject_digest

if TYPE_CHECKING:
    from avatarrig.wire.keys import PhotoKey


class Pointed:
    """Folds decisions, in whatever order the partitions are read, as often as they are.

    A photo is a reference as long as what was decided about it last is that it counts, be it as a
    copy, and where its subject's face is. Each partition is told every decision.
    """

    def __init__(self) -> None:
        self._faces: dict[PhotoKey, tuple[float, bytes]] = {}
        self._forgotten: dict[str, float] = {}

    def take(self, record: object) -> None:
        """Takes in a record of the observations topic; those of a partition in their order."""
        match record:
            case Decision():
                self._decide(record)
            case Forget(forget=digest, forgotten_at=at):
                self._forgotten[digest] = max(at, self._forgotten.get(digest, at))
                self._faces = {
                    key: face
                    for key, face in self._faces.items()
                    if subject_digest(key[0]) != digest or face[0] > at
                }

    def _decide(self, decision: Decision) -> None:
        for image_id in decision.image_ids:
            key = (decision.subject, image_id)
            known = self._faces.get(key)
            face = face_left_by(decision, b"" if known is None else known[1])
            if known is None and not (face and _is_template(face)):
                continue
            at = decision.decided_at
            if at <= self._forgotten.get(subject_digest(decision.subject), -1.0):
                continue
            if known is None or known[0] <= at:
                self._faces[key] = (at, face)

    def faces(self) -> dict[str, tuple[bytes, ...]]:
        """Subject to the faces that are references now, in an order that is the same each time."""
        found: dict[str, tuple[bytes, ...]] = {}
        for (subject, _), (_, face) in sorted(self._faces.items()):
            if face:
                found[subject] = (*found.get(subject, ()), face)
        return found


def _is_template(data: bytes) -> bool:
    try:
        Template(data).check()
    except TemplateRefusedError:
        return False
    return True
