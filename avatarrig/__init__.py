"""AvatarRig: photos of a person in, that person's skeletal proportions out.

>>> from avatarrig import Estimator, load_run
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avatarrig.estimator import Estimator
    from avatarrig.runs import load_run

__all__ = ["Estimator", "load_run"]

_HOMES = {"Estimator": "avatarrig.estimator", "load_run": "avatarrig.runs"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    # Imported when asked for: the command line must not pay for numpy before it needs it.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
