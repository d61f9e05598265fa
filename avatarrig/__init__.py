"""AvatarRig: photos of a person in, that person's skeletal proportions out.

The pure parts need no broker::

    from avatarrig import Estimator, load_run

    estimator = Estimator()
    for observation in load_run("outputs/runs/Demo"):
        estimator.update(observation)
    print(estimator.estimate().bones["upper_arm_L"])
"""

from __future__ import annotations

from avatarrig.body.estimator import Estimator
from avatarrig.runs.loaded import Run, load_run

__all__ = ["Estimator", "Run", "load_run"]
