"""References to photos, as producers publish them."""

from __future__ import annotations

import hashlib
from typing import Any

from avatarrig.wire import PhotoReference


def reference(
    path: str = "x.jpg",
    content: bytes = b"pixels",
    **fields: Any,
) -> PhotoReference:
    """A reference to a photo, which need not be there; the fields given are as they are given."""
    usual: dict[str, Any] = {
        "image_id": path.removesuffix(".jpg"),
        "uri": f"file:///photos/{path}",
        "dataset": "d",
        "subject": "s",
        "content_hash": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "found_at": 1.0,
    }
    return PhotoReference(path=path, **usual | fields)
