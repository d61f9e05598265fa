"""Estimates of bodies by weights that were learned from other bodies."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.body import accuracy_methods as methods

from avatarrig.body.evidence.learned import read_learned

if TYPE_CHECKING:
    from estimator.people import Body

    from avatarrig.body.evidence.learned import Learned

_TRAINING = Path(__file__).parents[3] / "scripts" / "train_estimator.py"


def learned_from_others(
    bodies: list[Body], data: list[Path], folds: Path | None
) -> list[tuple[methods.Person, Learned]]:
    """Pairs each body with weights that have not seen it.

    Args:
        bodies: Whom to measure.
        data: What to learn from, themselves among them.
        folds: Where ``train_estimator.py --folds-out`` put the weights; None trains now.

    Raises:
        SystemExit: The folds know nothing of a body.
    """
    if folds is None:
        with tempfile.TemporaryDirectory() as folder:
            sets = [argument for path in data for argument in ("--data", str(path))]
            command = [sys.executable, str(_TRAINING), *sets, "--folds-out", folder]
            subprocess.run([*command, "--out", f"{folder}/all.npz"], check=True)
            return learned_from_others(bodies, data, Path(folder))
    left_out = json.loads((folds / "folds.json").read_text())
    weights = {
        number: read_learned((folds / f"fold{number}.npz").read_bytes(), name=f"fold {number}")
        for number in set(left_out.values())
    }
    unknown = [body.name for body in bodies if body.name not in left_out]
    if unknown:
        raise SystemExit(f"{folds} was trained without {unknown[0]}: nothing was left out for it")
    return [
        (methods.meet(body, weights[left_out[body.name]]), weights[left_out[body.name]])
        for body in bodies
    ]
