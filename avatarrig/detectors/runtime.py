"""MediaPipe without what it drags in for drawing: a third of the start-up and 50 MB less.

MediaPipe imports matplotlib (a second of CPU) for one function that plots landmarks in three
dimensions, and sounddevice for its microphone. Neither is used here, so both are replaced by
empty modules while MediaPipe is imported, unless they are loaded already. The stand-ins are
taken away again: whoever imports matplotlib later gets the real one.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Final

_UNUSED: Final = ("matplotlib", "matplotlib.pyplot", "sounddevice")


@contextlib.contextmanager
def _stand_ins(names: tuple[str, ...]) -> Iterator[None]:
    """Puts empty modules in the place of those that are not loaded."""
    absent = {name: ModuleType(name) for name in names if name not in sys.modules}
    for name, module in absent.items():
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent in absent:
            setattr(absent[parent], child, module)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


with _stand_ins(_UNUSED):
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision
    from mediapipe.tasks.python.components.containers import category_c, landmark_c
    from mediapipe.tasks.python.core import mediapipe_c_bindings, mediapipe_c_utils
    from mediapipe.tasks.python.vision import face_landmarker, image_segmenter, pose_landmarker

Task = vision.PoseLandmarker | vision.FaceLandmarker | vision.ImageSegmenter

__all__ = [
    "BaseOptions",
    "Task",
    "category_c",
    "face_landmarker",
    "image_segmenter",
    "landmark_c",
    "mediapipe_c_bindings",
    "mediapipe_c_utils",
    "mp",
    "pose_landmarker",
    "vision",
]
