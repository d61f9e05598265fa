"""Reads a GLB from its bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from avatarrig.avatar.gltf.container import Container, read_container


def read_bytes(data: bytes) -> Container:
    """The document and its numbers."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return read_container(Path(file.name))
