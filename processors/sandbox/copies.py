"""What a detector saw in the same bytes before: an exact copy of a photo is not detected again."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import msgspec

from avatarrig.files import read_file
from avatarrig.photos.clips.address import clip_and_seconds
from avatarrig.runs import (
    ObservationFileError,
    Pictures,
    RunDirectory,
    WantedFiles,
    lacking_files,
    read_observation,
)

if TYPE_CHECKING:
    from avatarrig.wire import Observation, PhotoReference

RECENT: Final = 128
"""Observations that are kept in memory, of 8 KB each."""


class Seen(msgspec.Struct, frozen=True):
    """What was seen in the same bytes. `pictures`: Its files that are the copy's as well."""

    observation: Observation
    pictures: Pictures


class Copies:
    """Finds what was seen of a photo's bytes: lately by this process, or in the run's files.

    Overlays say what becomes of their photo, so copies that shall have some are detected; so are
    photos whose files name somebody, since names may stand beside a photo.

    Args:
        run: Where the files of earlier photos are; None where none are kept.
    """

    def __init__(self, run: RunDirectory | None, wanted: WantedFiles) -> None:
        self._run = run
        self._wanted = wanted
        self._recent: OrderedDict[tuple[str, str, float | None], Observation] = OrderedDict()

    def note(self, reference: PhotoReference, observation: Observation) -> None:
        """Notes what was detected in a photo."""
        if self._may_be_shared(reference):
            self._recent[observation.fingerprint, *_shown(reference)] = observation
            if len(self._recent) > RECENT:
                self._recent.popitem(last=False)

    def find(self, reference: PhotoReference, fingerprint: str) -> Seen | None:
        """Finds what was seen in a photo's bytes; None where it has to be detected."""
        if not self._may_be_shared(reference):
            return None
        lately = self._recent.get((fingerprint, *_shown(reference)))
        observation = lately or self._in_files(reference, fingerprint)
        if observation is None or not self._wanted.masks or observation.pose is None:
            return None if observation is None else Seen(observation, Pictures())
        return self._with_mask(observation)

    def _may_be_shared(self, reference: PhotoReference) -> bool:
        sought = reference.sought
        is_named = sought is not None and bool(sought.said)
        return bool(reference.content_hash) and not (is_named or self._wanted.overlays)

    def _in_files(self, reference: PhotoReference, fingerprint: str) -> Observation | None:
        first, run = reference.duplicate_of, self._run
        if first is None or run is None:
            return None
        if not lacking_files(run, first, reference.subject, fingerprint, self._wanted).nothing:
            return None
        try:
            observation = read_observation(run.observation(first))
        except (OSError, ObservationFileError):
            return None
        # The same picture may lie in other bytes, with another orientation for example.
        return observation if observation.content_hash == reference.content_hash else None

    def _with_mask(self, observation: Observation) -> Seen | None:
        if self._run is None:
            return None
        try:
            mask = read_file(self._run.mask(observation.image_id))
        except OSError:
            return None
        return Seen(observation, Pictures(mask=mask))


def _shown(reference: PhotoReference) -> tuple[str, float | None]:
    """What a photo shows: its file's bytes, and which frame of them where that is a clip."""
    return reference.content_hash, clip_and_seconds(reference.uri)[1]
