"""AvatarRig: photos of a person in, that person's skeletal proportions out.

The pure parts need no broker::

    from avatarrig import Estimator, load_run

    estimator = Estimator()
    for observation in load_run("outputs/runs/Demo"):
        estimator.update(observation)
    print(estimator.estimate().bones["upper_arm_L"])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avatarrig.body.estimator import Estimator
    from avatarrig.runs.loaded import Run, load_run

__all__ = ["Estimator", "Run", "load_run"]

_HOMES = {
    "Estimator": "avatarrig.body.estimator",
    "Run": "avatarrig.runs.loaded",
    "load_run": "avatarrig.runs.loaded",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever has that name
    """Loads what is asked for, so that processes of the pipeline load what they need alone."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
