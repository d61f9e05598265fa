"""What processes that open photos are told of their surroundings."""

from __future__ import annotations

import os
import re

_SECRET = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|_KEY|SASL", re.IGNORECASE)


def environment_without_secrets() -> dict[str, str]:
    """This process's environment without what looks like a credential."""
    return {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
