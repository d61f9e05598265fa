"""Reads a hundred thousand random and mutated messages as every kind of record.

    python tests/bench/garbage.py [--messages 100000] [--seed N]

Ends with 1 where anything but a refusal comes out of it, and says what. A refusal is short,
however long the message: what is rejected is told in a message that must be small itself.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.hostile import RECORD_KINDS, garbage

from avatarrig.views import Sighting
from avatarrig.wire import RecordRefusedError, decode, decode_part

LONGEST_REFUSAL = 1000


def main() -> int:
    """Prints what became of the messages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    given = parser.parse_args()
    outcomes: Counter[str] = Counter()
    started = time.process_time()
    for data in garbage(given.messages, given.seed):
        for kind in (*RECORD_KINDS, Sighting):
            outcomes[outcome(data, kind)] += 1
    print(f"seed {given.seed}, {time.process_time() - started:.1f} s of CPU: {dict(outcomes)}")
    return 0 if outcomes.keys() <= {"refused", "read"} else 1


def outcome(data: bytes, kind: type) -> str:
    """What comes out of one message."""
    try:
        decode_part(data, Sighting) if kind is Sighting else decode(data, kind)
    except RecordRefusedError as error:
        return "refused" if len(str(error)) <= LONGEST_REFUSAL else "refused in too many words"
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        return f"ESCAPES {type(error).__name__}: {error!s:.80}"
    return "read"


if __name__ == "__main__":
    sys.exit(main())
