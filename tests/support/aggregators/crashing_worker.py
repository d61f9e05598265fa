"""An aggregator with a fault: run as a module with a STEP, it fails at that step.

STEP is a method of `aggregators.level.Level`; it raises what no message can when something is to
be done. Once is not enough for Faust: its agents are started again, and would go on.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from aggregators.__main__ import main
from aggregators.level import Level


class FaultError(Exception):
    """The fault."""


def fail(*_: Any, **__: Any) -> None:
    """Takes the place of a method."""
    raise FaultError


if __name__ == "__main__":
    setattr(Level, sys.argv[1], fail)
    status = main()
    sys.stdout.flush()
    os._exit(status)
