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
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.wire.hostile import RECORD_KINDS, garbage

from avatarrig.views.sighting import SIGHTINGS
from avatarrig.wire import RecordRefusedError, decode
from avatarrig.wire.channels import CHANNELS

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
        for kind in RECORD_KINDS:
            outcomes[outcome(partial(decode, data, kind))] += 1
        for channel in (*CHANNELS, SIGHTINGS):
            outcomes[outcome(partial(channel.decode, data))] += 1
    print(f"seed {given.seed}, {time.process_time() - started:.1f} s of CPU: {dict(outcomes)}")
    return 0 if outcomes.keys() <= {"refused", "read"} else 1


def outcome(read: Callable[[], object]) -> str:
    """What comes out of one message."""
    try:
        read()
    except RecordRefusedError as error:
        return "refused" if len(str(error)) <= LONGEST_REFUSAL else "refused in too many words"
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        return f"ESCAPES {type(error).__name__}: {error!s:.80}"
    return "read"


if __name__ == "__main__":
    sys.exit(main())
