"""Packs sets of people whose skeleton is known into a compact form, for the repository.

    python scripts/pack_people.py SET [SET ...] --out DIR

Each set goes to a folder of its name in DIR: what the estimate learns from, and no pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from estimator.compact import COMPACT, write_compact
from estimator.people import build_of, columns_of, find_sets

from avatarrig.body.bones import POOLED_BONES

_KEPT = ("id", "spread", "group", "stature", "more")


def main() -> None:
    """Packs the sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("sets", type=Path, nargs="+", metavar="SET")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    arguments = parser.parse_args()
    for folder in find_sets(arguments.sets):
        pack(folder, arguments.out / folder.name)


def pack(folder: Path, out: Path) -> None:
    """Packs one set."""
    truth = json.loads((folder / "truth.json").read_text())
    out.mkdir(parents=True, exist_ok=True)
    write_compact(out / COMPACT, columns_of(folder, truth))
    bodies = [
        {key: body[key] for key in _KEPT if key in body}
        | {
            "spread": body.get(
                "spread", folder.name if folder.name in {"wide", "broad"} else "natural"
            )
        }
        | {"build": build_of(body)}
        | {"bones": {bone: round(body["bones"][bone], 5) for bone in POOLED_BONES}}
        | {"photos": body["photos"] if "photos" in body else len(body["images"])}
        for body in truth["bodies"]
    ]
    lines = ",\n".join(json.dumps(body, separators=(",", ":")) for body in bodies)
    (out / "truth.json").write_text(f'{{"bodies":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
