"""What the detector is measured against: a naive chain, and the models' inference alone."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sized
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np

from avatarrig.detectors.detector import AUTOMATIC_POSES, Detector
from avatarrig.detectors.fetching.models import ModelFiles
from avatarrig.detectors.options import DetectorOptions
from avatarrig.detectors.runtime import BaseOptions, mp, vision
from avatarrig.detectors.tasks import MIN_SIDE, GuardedTask, open_pose_task

# Imports after MediaPipe, which must come first in a process that has both runtimes.
try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError as error:
    raise SystemExit("The bench needs LiteRT: pip install 'avatarrig[bench]'") from error


class NaiveChain:
    """What a first version does, and AvatarRig's prototype did: see `DEFINITION`."""

    DEFINITION = (
        "full decode; pose of the whole photo, and again of the crop around the mask; face in "
        "the whole photo; segmenter with category mask at full size. The prototype made two or "
        "three pose passes: both are counted"
    )

    def __init__(self, models: ModelFiles) -> None:
        self._pose = vision.PoseLandmarker.create_from_options(
            vision.PoseLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(models.pose)),
                min_pose_detection_confidence=0.3,
                min_pose_presence_confidence=0.3,
            )
        )
        self._face = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(models.face)),
                output_face_blendshapes=True,
            )
        )
        self._segmenter = vision.ImageSegmenter.create_from_options(
            vision.ImageSegmenterOptions(
                base_options=BaseOptions(model_asset_path=str(models.segmenter)),
                output_category_mask=True,
                output_confidence_masks=False,
            )
        )

    def detect(self, data: bytes) -> None:
        """Does what a first version would do with a photo's bytes."""
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert bgr is not None
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        image = mp.Image(mp.ImageFormat.SRGB, rgb)
        self._pose.detect(image)
        self._face.detect(image)
        mask = self._segmenter.segment(image).category_mask
        rows, columns = np.nonzero(mask.numpy_view()[:, :, 0] == 0)
        if rows.size == 0 or min(np.ptp(rows), np.ptp(columns)) < MIN_SIDE:
            return
        crop = rgb[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        self._pose.detect(mp.Image(mp.ImageFormat.SRGB, np.ascontiguousarray(crop)))

    def pass_again(self, image: mp.Image) -> None:
        """Does the third pose pass, on a photo that is decoded already."""
        self._pose.detect(image)

    def close(self) -> None:
        """Frees the tasks."""
        for task in (self._pose, self._face, self._segmenter):
            task.close()


class InferenceLog:
    """Counts which models a detector runs on a photo.

    A pose or face that its landmark model looked at and refused was looked at all the same: tasks
    that refuse nobody tell how many there were.
    """

    def __init__(self, detector: Detector, options: DetectorOptions, models: ModelFiles) -> None:
        self.counts: dict[str, int] = {}
        generous = msgspec.structs.replace(options, min_pose_presence=0.0)
        every_pose = open_pose_task(models.pose, generous, AUTOMATIC_POSES)
        every_face = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(models.face)),
                min_face_presence_confidence=0.0,
            )
        )

        def poses(rgb: np.ndarray, _: int) -> dict[str, int]:
            return {"pose_detector": 1, "pose_landmarks_detector": len(every_pose.run(rgb))}

        def faces(rgb: np.ndarray, found: int) -> dict[str, int]:
            image = mp.Image(mp.ImageFormat.SRGB, np.ascontiguousarray(rgb))
            tried = len(every_face.detect(image).face_landmarks)
            names = ("face_detector", "face_landmarks_detector", "face_blendshapes")
            return dict(zip(names, (1, tried, found), strict=True))

        self._watch(detector._poses, poses)
        self._watch(detector._faces, faces)
        self._watch(detector._masks, lambda *_: {"segmenter": 1})

    def of(self, detector: Detector, data: bytes) -> dict[str, int]:
        """Detects a photo and returns how often each model ran."""
        self.counts.clear()
        detector.detect(data)
        return dict(self.counts)

    def _watch(
        self, task: GuardedTask[Any], inferences: Callable[[np.ndarray, int], dict[str, int]]
    ) -> None:
        run = task.run

        def counted(rgb: np.ndarray) -> Sized:
            found: Sized = run(rgb)
            for model, times in inferences(rgb, len(found)).items():
                self.counts[model] = self.counts.get(model, 0) + times
            return found

        vars(task)["run"] = counted


class RawInference:
    """The same models under LiteRT, one thread, without decoding, cropping or results."""

    def __init__(self, models: ModelFiles) -> None:
        self._interpreters = {"segmenter": _interpreter(models.segmenter.read_bytes())}
        for bundle in (models.pose, models.face):
            with zipfile.ZipFile(bundle) as archive:
                for name in archive.namelist():
                    if name.endswith(".tflite"):
                        self._interpreters[Path(name).stem] = _interpreter(archive.read(name))

    def run(self, counts: dict[str, int]) -> None:
        """Runs each model as often as given."""
        for model, times in counts.items():
            for _ in range(times):
                self._interpreters[model].invoke()


def _interpreter(model: bytes) -> Interpreter:
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    noise = np.random.default_rng(0)
    for tensor in interpreter.get_input_details():
        interpreter.set_tensor(tensor["index"], noise.random(tensor["shape"], np.float32))
    return interpreter
