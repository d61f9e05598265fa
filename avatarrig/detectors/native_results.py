"""MediaPipe's results as arrays, copied straight out of its C structures.

MediaPipe's own classes make a Python object of each of a face's 478 landmarks and 52 scores and
of each landmark of a body, and hand every call of the library to a thread of the task's own. That
is 2 ms of the 73 ms of CPU that the three tasks take for a photo (MediaPipe 1.2.2, November 2026).
The functions and structures are those that MediaPipe's Python package declares, so their layout is
not repeated here; the attributes that lead to a task's handle and an image's have no public name.

Calls of one task must not overlap; `avatarrig.detectors.tasks` sees to that.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from avatarrig.detectors.runtime import (
    Task,
    category_c,
    face_landmarker,
    image_segmenter,
    landmark_c,
    mediapipe_c_bindings,
    mediapipe_c_utils,
    mp,
    pose_landmarker,
    vision,
)

Floats = NDArray[np.float32]
ResultT = TypeVar("ResultT", bound=ctypes.Structure)

_FLOAT: Final = ctypes.sizeof(ctypes.c_float)


def _columns(structure: type[ctypes.Structure], *fields: str) -> list[int]:
    """Finds fields in a structure that is read as a row of floats."""
    return [getattr(structure, field).offset // _FLOAT for field in fields]


_POSITION: Final = _columns(landmark_c.MpLandmarkC, "x", "y", "z")
_LANDMARK: Final = _columns(
    landmark_c.MpNormalizedLandmarkC, "x", "y", "z", "visibility", "presence"
)
_FACE_LANDMARK: Final = _columns(landmark_c.MpNormalizedLandmarkC, "x", "y", "z")
_SCORE: Final = _columns(category_c.MpCategoryC, "score")

_POSES: Final = ("MpPoseLandmarkerDetectImage", "MpPoseLandmarkerCloseResult")
_FACES: Final = ("MpFaceLandmarkerDetectImage", "MpFaceLandmarkerCloseResult")
_MASKS: Final = ("MpImageSegmenterSegmentImage", "MpImageSegmenterCloseResult")


def detect_poses(task: vision.PoseLandmarker, image: mp.Image) -> list[tuple[Floats, Floats]]:
    """Runs a ``PoseLandmarker`` on an image.

    Returns:
        For each person (33, 5): x, y, z, visibility, presence; and (33, 3): metres.

    Raises:
        RuntimeError: The graph failed, or gave somebody no landmarks in metres.
    """
    empty = pose_landmarker.MpPoseLandmarkerResultC()
    with _ran(task, image, empty, _POSES) as found:
        if found.pose_world_landmarks_count != found.pose_landmarks_count:
            raise RuntimeError("not every pose has landmarks in metres")
        return [
            (
                _rows(found.pose_landmarks[person], "landmarks", _LANDMARK),
                _rows(found.pose_world_landmarks[person], "landmarks", _POSITION),
            )
            for person in range(found.pose_landmarks_count)
        ]


def detect_faces(
    task: vision.FaceLandmarker, image: mp.Image
) -> list[tuple[Floats, Floats | None]]:
    """Runs a ``FaceLandmarker`` on an image.

    Returns:
        For each face (478, 3): x, y, z; and (52,) scores, None where they were not asked for.
    """
    empty = face_landmarker.MpFaceLandmarkerResultC()
    with _ran(task, image, empty, _FACES) as found:
        return [
            (
                _rows(found.face_landmarks[face], "landmarks", _FACE_LANDMARK),
                _rows(found.face_blendshapes[face], "categories", _SCORE)[:, 0]
                if face < found.face_blendshapes_count
                else None,
            )
            for face in range(found.face_landmarks_count)
        ]


def segment_person(task: vision.ImageSegmenter, image: mp.Image) -> Floats:
    """Runs an ``ImageSegmenter`` on an image.

    Returns:
        (height, width): how sure the model is of a person, 0..1.
    """
    empty = image_segmenter.MpImageSegmenterResultC()
    with _ran(task, image, empty, _MASKS) as found:
        mask = mp.Image.create_from_ctypes(found.confidence_masks[0])
        # The view dies with the mask's native memory.
        copied: Floats = mask.numpy_view()[:, :, 0].copy()
        return copied


@contextlib.contextmanager
def _ran(
    task: Task, image: mp.Image, result: ResultT, functions: tuple[str, str]
) -> Iterator[ResultT]:
    """Runs a task into a result structure, which lives until the context ends.

    Raises:
        RuntimeError, ValueError: The graph failed, or the task is closed.
    """
    if not task._handle:  # noqa: SLF001 - see above
        raise RuntimeError("the task is closed")
    library = mediapipe_c_bindings.load_raw_library()
    run, free = (getattr(library, name) for name in functions)
    error = ctypes.c_char_p()
    handle, picture = task._handle, image._image_ptr  # noqa: SLF001 - no public name
    status = run(handle, picture, None, ctypes.byref(result), ctypes.byref(error))
    try:
        mediapipe_c_utils.handle_status(status, error)
    finally:
        if error.value is not None:
            library.MpErrorFree(error)
    try:
        yield result
    finally:
        free(ctypes.byref(result))


def _rows(listed: ctypes.Structure, field: str, columns: list[int]) -> Floats:
    """Copies the wanted fields of a counted list of structures, one row each."""
    pointer = getattr(listed, field)
    row = ctypes.sizeof(pointer._type_)
    count = getattr(listed, f"{field}_count")
    raw = ctypes.string_at(pointer, count * row)
    return np.frombuffer(raw, np.float32).reshape(count, row // _FLOAT).take(columns, axis=1)
