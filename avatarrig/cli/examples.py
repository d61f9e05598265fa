"""An example or two for each command, shown at the end of its ``--help``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import click

EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "run": (
        "avatarrig ./photos/Anna --out ./runs/Anna",
        "avatarrig ./photos/Anna --out ./runs/Anna --debug-overlays --height 1.72m",
        "avatarrig ./photos/all --out ./runs/Anna --subject Anna --reference ./anna.jpg",
    ),
    "up": ("avatarrig up ./photos --subject-from-folder --out ./live --debug-overlays",),
    "ingest": ("avatarrig ingest ./photos --watch --bootstrap-servers kafka:9092",),
    "detect": ("avatarrig detect --allow-root ./photos --bootstrap-servers kafka:9092",),
    "aggregate": ("avatarrig aggregate --bootstrap-servers kafka:9092",),
    "topics": ("avatarrig topics describe --bootstrap-servers kafka:9092",),
    "topics create": ("avatarrig topics create --partitions 24 --bootstrap-servers kafka:9092",),
    "topics describe": ("avatarrig topics describe --bootstrap-servers kafka:9092",),
    "broker": ("avatarrig broker --data-dir ./kafka",),
    "broker fetch": ("avatarrig broker fetch",),
    "models": ("avatarrig models where",),
    "models fetch": ("avatarrig models fetch --pose-model full --into ./models",),
    "models where": ("avatarrig models where",),
    "settings": ("avatarrig settings kafka",),
    "status": (
        "avatarrig status --run ./runs/Anna",
        "avatarrig status --bootstrap-servers kafka:9092 --json",
    ),
    "tail": ("avatarrig tail Anna --bootstrap-servers kafka:9092",),
    "rejects": ("avatarrig rejects list --run ./runs/Anna",),
    "rejects list": ("avatarrig rejects list --run ./runs/Anna",),
    "rejects show": ("avatarrig rejects show broken.jpg --run ./runs/Anna",),
    "rejects replay": ("avatarrig rejects replay --run ./runs/Anna",),
    "exclude": (
        "avatarrig exclude ./runs/Anna group.jpg 'party/*'",
        "avatarrig exclude --subject Anna 'party/*' --bootstrap-servers kafka:9092",
    ),
    "include": ("avatarrig include ./runs/Anna group.jpg",),
    "review": ("avatarrig review ./runs/Anna",),
    "forget": ("avatarrig forget Anna --run ./runs/Anna",),
    "export": ("avatarrig export ./runs/Anna --format glb --height 1.72m",),
    "fit": (
        "avatarrig fit my-avatar.vrm --run ./runs/Anna",
        "avatarrig fit my-avatar.glb --run ./runs/Anna --height 1.72m --out fitted.glb",
    ),
    "compare": ("avatarrig compare ./runs/Anna-2019 ./runs/Anna-2024 --out anna.png",),
    "report": ("avatarrig report ./runs/Anna --out anna.html",),
    "calibrate": ("avatarrig calibrate ./runs/Anna ./runs/Bob",),
    "audit": ("avatarrig audit ./runs/Anna --sample 50",),
}
"""By the words that call the command."""


def with_examples(name: str, command: click.Command) -> click.Command:
    """Puts a command's examples, and those of the commands below it, at the end of its help."""
    lines = EXAMPLES.get(name, ())
    if lines and not command.epilog:
        command.epilog = "\n".join(["\b", "Example:" if len(lines) == 1 else "Examples:", *lines])
    if isinstance(command, click.Group):
        for below, one in command.commands.items():
            with_examples(f"{name} {below}", one)
    return command
