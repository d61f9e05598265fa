"""``python -m avatarrig.photos.looks``: looks at the photos that its input holds, one by one."""

from __future__ import annotations

import signal
import sys

import msgspec

from avatarrig.photos.looks.look import look_at
from avatarrig.wire.framing import read_framed, write_framed

_LONGEST = 64 << 20

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it, by ending its input
    while (photo := read_framed(sys.stdin.buffer, _LONGEST)) is not None:
        write_framed(sys.stdout.buffer, msgspec.msgpack.encode(look_at(photo)))
