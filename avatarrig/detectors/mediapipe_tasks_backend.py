"""Looking at single pictures by hand: the three models with results as MediaPipe gives them.

    from avatarrig.detectors.mediapipe_tasks_backend import MediaPipeTasksBackend

    with MediaPipeTasksBackend() as backend:
        people = backend.detect_pose(rgb).pose_landmarks
        background = backend.segment_person(rgb).category_mask.numpy_view()

The pipeline uses `avatarrig.detectors.detector`, which decides who the subject is and measures
quality; this is for trying things out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from avatarrig.body.blendshapes import BLENDSHAPE_NAMES
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.options import DetectorOptions
from avatarrig.detectors.runtime import mp, vision
from avatarrig.detectors.tasks import (
    FoundFace,
    FoundPose,
    open_face_task,
    open_mask_task,
    open_pose_task,
)

Pixels = NDArray[np.uint8]

_containers: Final = mp.tasks.components.containers

PERSON_CATEGORY: Final = 0
"""MediaPipe's own convention for the selfie model's category mask: the person is 0 ..."""
BACKGROUND_CATEGORY: Final = 255
"""... and everything else is 255. Mask files of a run have it the other way round."""

_PERSON_CONFIDENCE: Final = 0.5


@dataclass(frozen=True)
class MaskImage:
    """A mask that is read the way MediaPipe's images are, without their dangling memory."""

    pixels: NDArray[Any]

    def numpy_view(self) -> NDArray[Any]:
        """Gives the mask, (height, width)."""
        return self.pixels


@dataclass(frozen=True)
class SegmentationResult:
    """Where a person is.

    Attributes:
        category_mask: uint8: 0 on the person, 255 elsewhere, as MediaPipe has it.
        confidence_masks: One mask, float32: how sure the model is of a person, 0..1.
    """

    category_mask: MaskImage
    confidence_masks: tuple[MaskImage, ...]


class MediaPipeTasksBackend:
    """The three models behind the pipeline's guards, opened once.

    Args:
        options: Settings; the defaults of ``avatarrig`` unless given.
        models: Folder to look for the model files in first.
    """

    def __init__(
        self, options: DetectorOptions | None = None, models: Path | str | None = None
    ) -> None:
        options = options or DetectorOptions()
        files = locate_models(options, None if models is None else Path(models))
        self._poses = open_pose_task(files.pose, options, options.num_poses)
        self._faces = open_face_task(files.face, options)
        self._masks = open_mask_task(files.segmenter)

    def detect_pose(self, rgb: Pixels) -> vision.PoseLandmarkerResult:
        """Finds people.

        Args:
            rgb: uint8, height x width x 3, upright; both sides at least 16 pixels.

        Returns:
            MediaPipe's ``PoseLandmarkerResult``.
        """
        found = self._poses.run(rgb)
        return vision.PoseLandmarkerResult(
            pose_landmarks=[_normalized(pose) for pose in found],
            pose_world_landmarks=[_world(pose) for pose in found],
        )

    def detect_face(self, rgb: Pixels) -> vision.FaceLandmarkerResult:
        """Finds the most prominent face.

        Args:
            rgb: uint8, height x width x 3, upright; both sides at least 16 pixels.

        Returns:
            MediaPipe's ``FaceLandmarkerResult``.
        """
        found = self._faces.run(rgb)
        return vision.FaceLandmarkerResult(
            face_landmarks=[_face(face) for face in found],
            face_blendshapes=[_scores(face) for face in found if face.blendshapes is not None],
            facial_transformation_matrixes=[],
        )

    def segment_person(self, rgb: Pixels) -> SegmentationResult:
        """Tells people from background.

        Args:
            rgb: uint8, height x width x 3, upright; both sides at least 16 pixels.
        """
        confidence = self._masks.run(rgb)
        category = np.where(confidence >= _PERSON_CONFIDENCE, PERSON_CATEGORY, BACKGROUND_CATEGORY)
        return SegmentationResult(MaskImage(category.astype(np.uint8)), (MaskImage(confidence),))

    def close(self) -> None:
        """Frees the models; using them afterwards is an error."""
        for task in (self._poses, self._faces, self._masks):
            task.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _normalized(pose: FoundPose) -> list[Any]:
    return [
        _containers.NormalizedLandmark(x=x, y=y, z=z, visibility=visibility, presence=presence)
        for x, y, z, visibility, presence in pose.landmarks.tolist()
    ]


def _world(pose: FoundPose) -> list[Any]:
    sureness = pose.landmarks[:, 3:].tolist()
    return [
        _containers.Landmark(x=x, y=y, z=z, visibility=visibility, presence=presence)
        for (x, y, z), (visibility, presence) in zip(pose.world.tolist(), sureness, strict=True)
    ]


def _face(face: FoundFace) -> list[Any]:
    return [_containers.NormalizedLandmark(x=x, y=y, z=z) for x, y, z in face.landmarks.tolist()]


def _scores(face: FoundFace) -> list[Any]:
    scores = [] if face.blendshapes is None else face.blendshapes.tolist()
    return [
        _containers.Category(index=index, score=score, display_name="", category_name=name)
        for index, (name, score) in enumerate(zip(BLENDSHAPE_NAMES, scores, strict=True))
    ]
