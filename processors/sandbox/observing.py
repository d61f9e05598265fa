"""From what the detector saw to the observation that travels, and to the run's files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from avatarrig.body.evidence.counting import Excluded, judge
from avatarrig.body.evidence.evidence import evidence_from_landmarks
from avatarrig.body.evidence.face import with_face
from avatarrig.body.evidence.learned import Learned, load_learned
from avatarrig.body.recognition import LIKENESS, VERDICT, Verdict
from avatarrig.body.refused import LearnedRefusedError
from avatarrig.detectors.options import DetectorOptions
from avatarrig.files import read_file
from avatarrig.photos.decode import decode_photo
from avatarrig.photos.picture_digest import pixels_digest
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.pictures.caption import Caption
from avatarrig.pictures.mask import Mask, encode_mask
from avatarrig.pictures.overlay import draw_overlay
from avatarrig.runs import (
    ObservationFileError,
    Pictures,
    RunDirectory,
    WantedFiles,
    lacking_files,
    read_observation,
    write_observation,
    write_pictures,
)
from avatarrig.wire import Evidence, Observation, PackedArray, PhotoReference, encode
from avatarrig.wire.reasons import Exclusion
from processors.sandbox.copies import Copies
from processors.sandbox.settings import SandboxSettings

if TYPE_CHECKING:
    from avatarrig.detectors.detector import Detection


class Unlearned(msgspec.Struct, frozen=True):
    """A pose model about whose landmarks nothing was learned."""

    pose_model: str


class Observer(msgspec.Struct, frozen=True, kw_only=True):
    """Makes observations and writes their files.

    Attributes:
        learned: What was learned about its landmarks.
        run: Where files go; None keeps none.
        copies: What was seen in the same bytes before.
    """

    options: DetectorOptions
    learned: Learned | Unlearned
    run: RunDirectory | None
    wanted: WantedFiles
    copies: Copies

    @classmethod
    def for_settings(cls, settings: SandboxSettings) -> Observer:
        """Makes the observer that the settings ask for."""
        folder = settings.run_directory
        run = None if folder is None else RunDirectory(Path(folder))
        return cls(
            options=settings.options,
            learned=_learned(settings.options),
            run=run,
            wanted=settings.wanted,
            copies=Copies(run, settings.wanted),
        )

    def known(self, reference: PhotoReference, fingerprint: str, data: bytes) -> bytes | None:
        """Finds the observation of a photo that need not be detected; its files are written then.

        Returns, raises: as `kept`.
        """
        kept = self.kept(reference, fingerprint, data)
        return self._copied(reference, fingerprint) if kept is None else kept

    def _copied(self, reference: PhotoReference, fingerprint: str) -> bytes | None:
        seen = self.copies.find(reference, fingerprint)
        if seen is None:
            return None
        observation = msgspec.structs.replace(
            seen.observation,
            image_id=reference.image_id,
            dataset=reference.dataset,
            path=reference.path,
            subject=reference.subject,
            found_at=reference.found_at,
            captured_at=reference.captured_at,
            run=reference.run,
            observed_at=time.time(),
            excluded=_excluded(reference, seen.observation),
        )
        if self.run is not None:
            write_observation(self.run, observation, seen.pictures)
        return encode(observation)

    def kept(self, reference: PhotoReference, fingerprint: str, data: bytes) -> bytes | None:
        """Finds the observation of a photo whose files outlived an interrupted transaction.

        Overlays that are missing are drawn from it.

        Args:
            data: The photo's bytes.

        Returns:
            The observation, packed; None where the photo has to be detected.

        Raises:
            PhotoRefusedError: The photo cannot be drawn on.
            RunStorageError: The run directory cannot take the overlays.
        """
        if self.run is None:
            return None
        image_id = reference.image_id
        lacking = lacking_files(self.run, image_id, reference.subject, fingerprint, self.wanted)
        if lacking.observation or lacking.mask:
            return None
        try:
            observation = read_observation(self.run.observation(image_id))
        except (OSError, ObservationFileError):
            return None  # writing it anew mends it, or tells what is wrong with the folder
        if lacking.overlays:
            photo = decode_photo(data, max_pixels=self.options.max_pixels)
            drawn = self._overlays(
                observation,
                photo.rgb,
                pose=_unpacked(observation.pose),
                face=_unpacked(observation.face),
                mask=_read_mask(self.run.mask(image_id)),
            )
            write_pictures(self.run, image_id, drawn)
        return encode(observation)

    def observe(self, reference: PhotoReference, seen: Detection, fingerprint: str) -> bytes:
        """Makes a photo's observation; its files are written when this returns.

        Raises:
            RunStorageError: The run directory cannot take the files.
        """
        observation = assemble(
            reference, seen, fingerprint=fingerprint, learned=self.learned, observed_at=time.time()
        )
        if self.run is not None:
            write_observation(self.run, observation, self._pictures(observation, seen))
        self.copies.note(reference, observation)
        return encode(observation)

    def _pictures(self, observation: Observation, seen: Detection) -> Pictures:
        drawn = Pictures()
        if self.wanted.overlays:
            drawn = self._overlays(
                observation, seen.rgb, pose=seen.pose, face=seen.face, mask=seen.mask
            )
        if self.wanted.masks and seen.mask is not None:
            mask = encode_mask(seen.mask, seen.width, seen.height)
            drawn = msgspec.structs.replace(drawn, mask=mask)
        return drawn

    def _overlays(
        self,
        observation: Observation,
        rgb: NDArray[np.uint8],
        *,
        pose: NDArray[np.float32] | None,
        face: NDArray[np.float32] | None,
        mask: Mask | None,
    ) -> Pictures:
        caption = _caption(observation)
        threshold = self.options.overlay_thr
        return Pictures(
            overlay=draw_overlay(
                rgb, pose, face=face, mask=mask, caption=caption, threshold=threshold
            ),
            raw=draw_overlay(rgb, pose, face=face, threshold=0.0),
        )


def _unpacked(array: PackedArray | None) -> NDArray[np.float32] | None:
    return None if array is None else array.unpack()


def _read_mask(file: Path) -> Mask | None:
    """Reads a mask that was written; None where there is none."""
    try:
        picture = decode_photo(read_file(file))
    except (OSError, PhotoRefusedError):
        return None
    return np.ascontiguousarray(picture.rgb[..., 0])


def assemble(
    reference: PhotoReference,
    seen: Detection,
    *,
    fingerprint: str,
    learned: Learned | Unlearned,
    observed_at: float,
) -> Observation:
    """Puts together what is known of a photo and what was seen in it.

    Args:
        learned: Turns landmarks into evidence.
        observed_at: Unix seconds.

    Returns:
        The observation. A photo with the bytes of another one is marked as excluded.
    """
    observation = Observation(
        image_id=reference.image_id,
        dataset=reference.dataset,
        path=reference.path,
        subject=reference.subject,
        content_hash=reference.content_hash,
        found_at=reference.found_at,
        captured_at=reference.captured_at,
        run=reference.run,
        observed_at=observed_at,
        fingerprint=fingerprint,
        width=seen.width,
        height=seen.height,
        people=seen.people,
        ambiguous=seen.ambiguous,
        subject_confidence=seen.subject_confidence,
        pose=_packed(seen.pose),
        world=_packed(seen.world),
        face=_packed(seen.face),
        blendshapes=_packed(seen.blendshapes),
        meta=dict(seen.meta),
        excluded=_excluded(reference, seen),
        look=seen.look,
        pixels=pixels_digest(seen.rgb, seen.width, seen.height),
    )
    evidence = _evidence(seen, learned)
    if evidence is None:
        return observation
    return msgspec.structs.replace(observation, evidence=with_face(evidence, observation))


def _evidence(seen: Detection, learned: Learned | Unlearned) -> Evidence | None:
    if seen.pose is None or seen.world is None:
        return None
    if isinstance(learned, Unlearned):  # it is told why, and counts once there are weights
        return Evidence(learned=f"{learned.pose_model}-")
    return evidence_from_landmarks(seen.pose, seen.world, seen.width, seen.height, learned=learned)


def _excluded(reference: PhotoReference, seen: Detection | Observation) -> str | None:
    if reference.duplicate_of is not None:
        return f"{Exclusion.DUPLICATE} of {reference.duplicate_of}"
    verdict = seen.meta.get(VERDICT)
    is_empty = seen.pose is None and seen.meta.get(LIKENESS) is None and not seen.people
    if verdict in {None, Verdict.SUBJECT} or (verdict == Verdict.UNSURE and is_empty):
        return None  # of a photo of nobody it needs no saying that they are nobody in particular
    return str(verdict)


def _packed(array: NDArray[np.float32] | None) -> PackedArray | None:
    return None if array is None else PackedArray.pack(array)


def _caption(observation: Observation) -> Caption:
    score = observation.meta.get("pose_score")
    verdict = judge(observation)
    return Caption(
        frame_kind=str(observation.meta.get("frame_kind") or ""),
        score=float(score) if isinstance(score, int | float) and observation.pose else None,
        several=observation.people > 1 or observation.ambiguous,
        excluded=verdict.reason.words if isinstance(verdict, Excluded) else "",
    )


def _learned(options: DetectorOptions) -> Learned | Unlearned:
    try:
        return load_learned(options.pose_model)
    except LearnedRefusedError:
        return Unlearned(options.pose_model)  # photos are observed all the same
