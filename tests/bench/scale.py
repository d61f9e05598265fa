"""How much one machine carries, stage by stage: the figures that docs/scaling.md reckons with.

    python tests/bench/scale.py [throughput] [recovery] [producing] [detecting]
        [--json FILE]

Without names, all of it: some ten minutes on two cores. Run it on a machine that does nothing
else; ratios survive neighbours better than rates do.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.figures import machine, show
from bench.pipeline.scale_aggregator import recovery, throughput
from bench.pipeline.scale_detecting import detecting
from bench.pipeline.scale_producer import producing

PARTS = {part.__name__: part for part in (throughput, recovery, producing, detecting)}


def main() -> None:
    """Measures what is asked for."""
    arguments = _arguments()
    here = machine()
    print(", ".join(f"{name} {value}" for name, value in here.items()))
    figures = []
    for name in arguments.parts or PARTS:
        measured = PARTS[name]()
        show(measured)
        figures += measured
    if arguments.json:
        document = {"machine": here, "figures": figures}
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(document)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--json", type=Path, help="Write the figures there as well.")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.parts) - set(PARTS)):
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return arguments


if __name__ == "__main__":
    main()
