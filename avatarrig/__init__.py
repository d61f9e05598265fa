"""AvatarRig: photos of a person in, that person's skeletal proportions out.

The pure parts need no broker::

    from avatarrig import Estimator, load_run

    estimator = Estimator()
    for observation in load_run("outputs/runs/Demo"):
        estimator.update(observation)
    print(estimator.estimate().to_document())
"""

from __future__ import annotations

from avatarrig.estimator import Estimator
from avatarrig.runs.files import load_run

__all__ = ["Estimator", "load_run"]
