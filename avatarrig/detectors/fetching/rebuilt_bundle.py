"""Pose bundles put together from bare networks, where the official bundles cannot be reached.

The networks of MediaPipe's older pose solution are those of the bundles: full's tensors are equal
to the last bit (`network_file.tensors_digest`), and so are its landmarks. They lack the metadata
that MediaPipe Tasks asks for, which is the same for all three; it is taken from the bundle of full.
"""

from __future__ import annotations

import io
import zipfile
from typing import Final

from avatarrig.detectors.fetching.network_file import NetworkFileError, metadata_of, with_metadata

DETECTOR: Final = "pose_detector.tflite"
LANDMARKS: Final = "pose_landmarks_detector.tflite"

_DATE: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3


def rebuilt_bundle(full: bytes, network: bytes) -> bytes:
    """Returns a pose bundle: full's person detector, and another network for the landmarks.

    The same bytes in give the same bytes out.

    Args:
        full: The official bundle of ``full``.
        network: A landmark network without metadata, as a TFLite file.

    Raises:
        NetworkFileError: One of the two is not what it should be.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(full)) as archive:
            detector, landmarks = archive.read(DETECTOR), archive.read(LANDMARKS)
    except (KeyError, zipfile.BadZipFile) as error:
        raise NetworkFileError(f"no pose bundle: {error}") from error
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        members = {DETECTOR: detector, LANDMARKS: with_metadata(network, metadata_of(landmarks))}
        for name, content in members.items():
            member = zipfile.ZipInfo(name, _DATE)
            member.create_system = _UNIX  # as on every system
            archive.writestr(member, content)
    return packed.getvalue()
