"""What a replica expects of a detector, and how it comes by one."""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from avatarrig.detectors.options import DetectorOptions
from avatarrig.errors import AvatarRigError

if TYPE_CHECKING:  # importing the first loads native libraries, which may be missing
    from avatarrig.detectors.detector import Detection
    from avatarrig.wire import Sought

_SPECIFICATION = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<name>[A-Za-z_]\w*)")


class DetectorUnusableError(AvatarRigError, RuntimeError):
    """The detector cannot be opened on this machine; a restart does not help."""


class PhotoDetector(Protocol):
    """A detector that is open."""

    @property
    def fingerprint(self) -> str:
        """Hash of models, thresholds and schema."""

    def detect(self, data: bytes, sought: Sought | None = None) -> Detection:
        """Looks at a photo's bytes, for somebody in particular where that is said.

        Raises:
            PhotoRefusedError: They are no photo.
            ModelUnavailableError: A model for comparing faces is nowhere to be had.
        """

    def close(self) -> None:
        """Frees the models."""


_NATIVE_LIBRARIES = (
    "Install the system's library; on Debian and Ubuntu: "
    "apt-get install libegl1 libgles2 libgl1 libglib2.0-0"
)

OpenDetector = Callable[[DetectorOptions, Path | None], PhotoDetector]


def find_detector(specification: str) -> OpenDetector:
    """Imports the function that opens a detector.

    Args:
        specification: ``module:function``.

    Raises:
        DetectorUnusableError: There is no such function.
    """
    match = _SPECIFICATION.fullmatch(specification)
    if match is None:
        raise DetectorUnusableError(f"{specification!r} is no module:function")
    with needing_native_libraries(specification):
        module = importlib.import_module(match["module"])
    found = getattr(module, match["name"], None)
    if not callable(found):
        raise DetectorUnusableError(f"there is no function {specification}")
    return cast("OpenDetector", found)


@contextlib.contextmanager
def needing_native_libraries(what: str) -> Iterator[None]:
    """Puts a failure to load a native library into words that help.

    Raises:
        DetectorUnusableError: It cannot be loaded.
    """
    try:
        yield
    except (ImportError, OSError) as error:
        advice = f". {_NATIVE_LIBRARIES}" if ".so" in str(error) else ""
        raise DetectorUnusableError(f"{what} cannot be loaded: {error}{advice}") from error
