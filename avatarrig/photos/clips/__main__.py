"""``python -m avatarrig.photos.clips CLIP``: prints the frames to choose as a list of seconds."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from avatarrig.photos.clips.frames import choose_frames

if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(choose_frames(Path(sys.argv[1]))))
