"""MediaPipe's three task objects behind guards: every trap of the native side is closed here.

The native library reads numpy's memory without its strides, breaks for good on one odd image,
answers "nobody there" when it is closed, and hands out views of memory that it frees. What
comes out of this module are arrays of Python's own.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from avatarrig.detectors.native import silenced, switch_telemetry_off
from avatarrig.detectors.native_results import detect_faces, detect_poses, segment_person
from avatarrig.detectors.options import DetectorOptions
from avatarrig.detectors.runtime import BaseOptions, Task, mp, vision
from avatarrig.errors import AvatarRigError

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

MIN_SIDE: Final = 16
"""Images with a shorter side crash some of the graphs."""

MAX_SIDE: Final = 32_766
"""Images with a longer side abort the process: OpenCV's warping counts in 16 bits."""

_COLOURS: Final = 3

Result = TypeVar("Result", bound=Sized)


class DetectionFailedError(AvatarRigError, RuntimeError):
    """MediaPipe failed on an image, and again with a new task object."""


class ImageRefusedError(AvatarRigError, ValueError):
    """An array is no image that MediaPipe can be given safely."""


@dataclass(frozen=True)
class FoundPose:
    """One person as the pose landmarker reports it.

    Attributes:
        landmarks: (33, 5) float32: x and y as shares of the image's width and height, z in the
            scale of x, visibility, presence.
        world: (33, 3) float32: metres, hip-centred.
    """

    landmarks: Floats
    world: Floats


@dataclass(frozen=True)
class FoundFace:
    """One face as the face landmarker reports it.

    Attributes:
        landmarks: (478, 3) float32: x and y as shares of the image's size, z in the scale of x.
        blendshapes: (52,) float32 scores 0..1; None where they were not asked for.
    """

    landmarks: Floats
    blendshapes: Floats | None


class GuardedTask(Generic[Result]):
    """A MediaPipe task that cannot be given a harmful image and survives its own failures.

    Args:
        create: Makes the native task object.
        infer: Runs it on an image and copies the result out while the native memory lives.
    """

    def __init__(
        self,
        name: str,
        create: Callable[[], Task],
        infer: Callable[[Any, mp.Image], Result],
    ) -> None:
        self._name = name
        self._create = create
        self._infer = infer
        self._lock = threading.Lock()
        self._closed = False
        self._task = self._open()

    def run(self, rgb: Pixels) -> Result:
        """Runs the task on an upright RGB image.

        A task whose graph failed once fails for good, so it is replaced and tried once more.

        Args:
            rgb: uint8, height x width x 3; any strides.

        Raises:
            ImageRefusedError: The array is no such image, or a side is under 16 or over 32,766
                pixels.
            DetectionFailedError: It failed twice, or the task is closed.
        """
        image = _as_image(rgb)
        with self._lock:
            if self._closed:
                raise DetectionFailedError(f"the {self._name} is closed; open a new detector")
            try:
                return self._infer_quietly(image)
            except (RuntimeError, ValueError):
                self._replace()
            try:
                return self._infer_quietly(image)
            except (RuntimeError, ValueError) as error:
                self._replace()
                raise DetectionFailedError(f"the {self._name} failed twice: {error}") from error

    def close(self) -> None:
        """Frees the native task; running it afterwards is an error."""
        with self._lock:
            self._closed = True
            self._free()

    def _replace(self) -> None:
        self._free()
        self._task = self._open()

    def _open(self) -> Task:
        switch_telemetry_off()
        self._chatty = True
        with silenced():
            task = self._create()
        # Also at the interpreter's exit: MediaPipe's own clean-up fails that late.
        self._free = weakref.finalize(self, _close_task, task)
        return task

    def _infer_quietly(self, image: mp.Image) -> Result:
        """Silences the graph until it has found something: each of its parts speaks once."""
        if not self._chatty:
            return self._infer(self._task, image)
        with silenced():
            result = self._infer(self._task, image)
        self._chatty = len(result) == 0
        return result


def _close_task(task: Task) -> None:
    try:
        task.close()
    except (RuntimeError, ValueError):
        # A broken graph says so once more when it is closed, and its object would close it
        # again, with a traceback on standard error, when it is collected.
        task._handle = None  # noqa: SLF001 - there is no public way to disown it


def _as_image(rgb: Pixels) -> mp.Image:
    """Copies an array into MediaPipe's own memory, whatever its strides."""
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8:
        raise ImageRefusedError(f"pixels must be uint8, not {getattr(rgb, 'dtype', type(rgb))}")
    if rgb.ndim != _COLOURS or rgb.shape[2] != _COLOURS:
        raise ImageRefusedError(f"an image is height x width x 3, not {rgb.shape}")
    if min(rgb.shape[:2]) < MIN_SIDE:
        raise ImageRefusedError(f"both sides need {MIN_SIDE} pixels, this is {rgb.shape[:2]}")
    if max(rgb.shape[:2]) > MAX_SIDE:
        raise ImageRefusedError(f"no side may exceed {MAX_SIDE} pixels, this is {rgb.shape[:2]}")
    return mp.Image(mp.ImageFormat.SRGB, np.ascontiguousarray(rgb))


def open_pose_task(
    model: Path, options: DetectorOptions, num_poses: int
) -> GuardedTask[tuple[FoundPose, ...]]:
    """Opens the pose landmarker without its mask output, which costs more than it tells.

    Args:
        model: The ``.task`` file.
        num_poses: How many people are looked for at most. People who are not there cost
            nothing, one who is costs one more landmark inference.
    """
    settings = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model)),
        num_poses=num_poses,
        min_pose_detection_confidence=options.min_pose_det,
        min_pose_presence_confidence=options.min_pose_presence,
        min_tracking_confidence=options.min_pose_track,
    )
    return GuardedTask(
        "pose landmarker",
        lambda: vision.PoseLandmarker.create_from_options(settings),
        _infer_poses,
    )


def open_face_task(model: Path, options: DetectorOptions) -> GuardedTask[tuple[FoundFace, ...]]:
    """Opens the face landmarker for one face, which the caller's crop chooses.

    Args:
        model: The ``.task`` file.
        options: Whether blendshapes are wanted.
    """
    settings = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model)),
        num_faces=1,
        output_face_blendshapes=options.blendshapes,
    )
    return GuardedTask(
        "face landmarker",
        lambda: vision.FaceLandmarker.create_from_options(settings),
        _infer_faces,
    )


def open_mask_task(model: Path) -> GuardedTask[Floats]:
    """Opens the person segmenter with its confidence mask: (height, width) float32, 1 = person.

    The category mask is slow, inverted, and crashes on narrow images; it is never asked for.

    Args:
        model: The ``.tflite`` file.
    """
    settings = vision.ImageSegmenterOptions(
        base_options=BaseOptions(model_asset_path=str(model)),
        output_confidence_masks=True,
        output_category_mask=False,
    )
    return GuardedTask(
        "person segmenter",
        lambda: vision.ImageSegmenter.create_from_options(settings),
        segment_person,
    )


def _infer_poses(task: vision.PoseLandmarker, image: mp.Image) -> tuple[FoundPose, ...]:
    return tuple(FoundPose(*found) for found in detect_poses(task, image))


def _infer_faces(task: vision.FaceLandmarker, image: mp.Image) -> tuple[FoundFace, ...]:
    return tuple(FoundFace(*found) for found in detect_faces(task, image))
