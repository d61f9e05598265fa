"""Bytes of a photo in, everything the models know about its subject out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from avatarrig.body.recognition import Verdict
from avatarrig.detectors.by_face import PhotoView, identify, mask_of_one
from avatarrig.detectors.face import find_face
from avatarrig.detectors.faces.models import locate_face_models
from avatarrig.detectors.faces.recogniser import Recogniser
from avatarrig.detectors.fingerprint import detector_fingerprint
from avatarrig.detectors.likeness import look_of
from avatarrig.detectors.native import keep_to_one_thread
from avatarrig.detectors.outline import Explained, explain_mask
from avatarrig.detectors.person_mask import PersonMask, segment_people
from avatarrig.detectors.quality import NO_POSE, measure_quality
from avatarrig.detectors.second_look import SecondLook
from avatarrig.detectors.tasks import (
    DetectionFailedError,
    open_face_task,
    open_mask_task,
    open_pose_task,
)
from avatarrig.detectors.who import Choice, choose_subject, weigh_stranger
from avatarrig.photos.decode import DecodedPhoto, decode_photo
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.wire.reasons import RejectReason

if TYPE_CHECKING:
    from avatarrig.detectors.fetching.models import ModelFiles
    from avatarrig.detectors.options import DetectorOptions
    from avatarrig.detectors.tasks import FoundPose
    from avatarrig.wire import Sought

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Meta = dict[str, float | int | str | bool | None]

AUTOMATIC_POSES: Final = 5
"""How many people are looked for when one subject is asked for: people who are not there cost
nothing, and a photo's subject cannot be told without knowing the others."""


@dataclass(frozen=True)
class Detection:
    """What was seen in one photo.

    Landmarks are in shares of the upright original's width and height, z in the scale of x.

    Attributes:
        width: Upright width of the original in pixels.
        height: Upright height of the original in pixels.
        people: How many people were found, each counted once.
        ambiguous: Whether it was a toss-up who the subject is.
        subject_confidence: How sure the choice is, 0..1.
        pose: (33, 5): x, y, z, visibility, presence; None where nobody was found.
        world: (33, 3): metres, hip-centred.
        face: (478, 3): x, y, z.
        blendshapes: (52,): scores 0..1.
        mask: uint8, 256 x 256 stretched over the whole photo: 255 = surely a person, 128 and
            more counts as one. Everybody in the photo is on it.
        meta: Quality metrics by their documented names.
        look: What the subject's surroundings look like, see `look_of`.
        rgb: The working picture, uint8, upright; as a rule smaller than the original.
    """

    width: int
    height: int
    people: int
    ambiguous: bool
    subject_confidence: float
    pose: Floats | None
    world: Floats | None
    face: Floats | None
    blendshapes: Floats | None
    mask: Pixels | None
    meta: Meta
    look: tuple[int, ...]
    rgb: Pixels = field(repr=False)


class Detector:
    """The models, opened once, for one photo at a time.

    Opening takes a second and 240 MB; a detector may be handed from thread to thread, but
    photos given to it from several threads wait for each other.

    Args:
        folder: Where the models for comparing faces are looked for first, if they are needed.
    """

    def __init__(
        self, options: DetectorOptions, models: ModelFiles, folder: Path | None = None
    ) -> None:
        keep_to_one_thread()
        self._options = options
        self._folder = folder
        self.fingerprint = detector_fingerprint(options, models)
        self._most = options.num_poses if options.num_poses > 1 else None
        self._poses = open_pose_task(models.pose, options, self._most or AUTOMATIC_POSES)
        self._faces = open_face_task(models.face, options)
        self._masks = open_mask_task(models.segmenter)

    def detect(self, data: bytes, sought: Sought | None = None) -> Detection:
        """Detects the subject of a photo.

        Args:
            data: The file's bytes, in any format that `decode_photo` reads.
            sought: Who is meant; None takes the most prominent person.

        Raises:
            PhotoRefusedError: The photo cannot be used; says why and what to do.
            ModelUnavailableError: A model for comparing faces is nowhere to be had.
        """
        photo = decode_photo(data, max_pixels=self._options.max_pixels)
        try:
            return self._detect(photo) if sought is None else self._seek(photo, data, sought)
        except DetectionFailedError as error:
            raise PhotoRefusedError(
                RejectReason.DETECTOR_FAILED, f"{error}. Save the photo anew from an image editor."
            ) from error

    def close(self) -> None:
        """Frees the models; detecting afterwards is an error."""
        for task in (self._poses, self._faces, self._masks):
            task.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _detect(self, photo: DecodedPhoto) -> Detection:
        mask = segment_people(self._masks, photo.rgb)
        choice = choose_subject(self._poses.run(photo.rgb), self._most)
        explained = _explain(choice, mask, photo)
        if self._options.pose_crop_from_mask:
            look = SecondLook(self._poses, photo.rgb, self._options.crop_pad_frac)
            found = look.improve(choice, explained)
            if found is not choice.people:
                choice = choose_subject(found, self._most)
                explained = _explain(choice, mask, photo)
        choice = weigh_stranger(choice, explained.stranger)
        return self._detection(photo, choice, mask, explained)

    def _seek(self, photo: DecodedPhoto, data: bytes, sought: Sought) -> Detection:
        """Detects whoever is meant; of others no face is kept."""
        mask = segment_people(self._masks, photo.rgb)
        choice = choose_subject(self._poses.run(photo.rgb), self._most)
        look = SecondLook(self._poses, photo.rgb, self._options.crop_pad_frac)
        if not choice.people and self._options.pose_crop_from_mask:
            choice = choose_subject(look.improve(choice, _explain(choice, mask, photo)))
        view = PhotoView(photo, data, self._options.max_pixels)
        identified = identify(self._recogniser, view, choice, look, sought)
        choice = identified.choice
        mask = mask_of_one(mask, identified, photo.rgb.shape[1::-1])
        seen = self._detection(photo, choice, mask, _explain(choice, mask, photo))
        if identified.verdict is not Verdict.SUBJECT:
            seen = replace(seen, face=None, blendshapes=None)
        return replace(seen, meta=seen.meta | identified.to_meta())

    @cached_property
    def _recogniser(self) -> Recogniser:
        """Opened when somebody is first looked for."""
        return Recogniser(locate_face_models(self._folder))

    def _detection(
        self, photo: DecodedPhoto, choice: Choice, mask: PersonMask, explained: Explained
    ) -> Detection:
        subject = choice.subject
        face = None if subject is None else find_face(self._faces, photo.rgb, subject.landmarks)
        return Detection(
            width=photo.width,
            height=photo.height,
            people=len(choice.people),
            ambiguous=choice.ambiguous,
            subject_confidence=choice.confidence,
            pose=None if subject is None else subject.landmarks,
            world=None if subject is None else subject.world,
            face=None if face is None else face.landmarks,
            blendshapes=None if face is None else face.blendshapes,
            mask=mask.confidence,
            meta=self._meta(photo, subject, mask, explained),
            look=() if subject is None else look_of(photo.rgb, subject.landmarks, subject.world),
            rgb=photo.rgb,
        )

    def _meta(
        self,
        photo: DecodedPhoto,
        subject: FoundPose | None,
        mask: PersonMask,
        explained: Explained,
    ) -> Meta:
        quality = NO_POSE
        if subject is not None:
            quality = measure_quality(
                subject.landmarks, mask, photo.width, photo.height, self._options.overlay_thr
            )
        agreement = explained.agreement if subject is not None else None
        return {
            **quality.to_meta(),
            "mask_agreement": None if agreement is None else round(agreement, 5),
            "mask_person_share": round(mask.person_share, 5),
        }


def _explain(choice: Choice, mask: PersonMask, photo: DecodedPhoto) -> Explained:
    subject = None if choice.subject is None else choice.subject.landmarks
    others = [person.landmarks for person in choice.people[1:]]
    return explain_mask(mask, subject, others, photo.width, photo.height)
