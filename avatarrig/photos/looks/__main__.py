"""``python -m avatarrig.photos.looks``: looks at the photos that its input holds, one by one."""

from __future__ import annotations

import signal
import sys

import msgspec

from avatarrig.photos.looks.framing import read_framed, write_framed
from avatarrig.photos.looks.look import look_at

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it, by ending its input
    while (photo := read_framed(sys.stdin.buffer)) is not None:
        write_framed(sys.stdout.buffer, msgspec.msgpack.encode(look_at(photo)))
