"""Large files are hashed in little memory."""

from __future__ import annotations

import hashlib
import tracemalloc
from pathlib import Path

from producers.hashing import HEAD_BYTES, read_content


def test_a_large_file_is_hashed_whole_in_bounded_memory(tmp_path: Path) -> None:
    file = tmp_path / "large.tif"
    with file.open("wb") as stream:
        stream.truncate(4 * HEAD_BYTES)
    seen: list[int] = []

    def look(data: bytes, _: slice) -> float:
        seen.append(len(data))
        return 1.0

    tracemalloc.start()
    content = read_content(file, look)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    expected = hashlib.sha256(bytes(4 * HEAD_BYTES)).hexdigest()
    assert (content.content_hash, content.size) == (expected, 4 * HEAD_BYTES)
    assert (seen, content.captured_at) == ([HEAD_BYTES], 1.0)
    assert most < 3 * HEAD_BYTES
