"""Updates as lines: JSON for scripts, words for pipes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from avatarrig.cli.screen.clock import local_time
from avatarrig.process.printable import printable
from avatarrig.wire import HistoryRecord
from avatarrig.wire.counted import counted
from avatarrig.wire.estimate import BONE_LABELS
from avatarrig.wire.reasons import words_for


def json_line(note: HistoryRecord) -> str:
    """One update as one line of JSON."""
    return msgspec.json.encode(update_document(note)).decode()


def update_document(note: HistoryRecord) -> dict[str, Any]:
    """Lays an update out as plain values; the same for the latest and for the history."""
    return {
        "subject": note.subject,
        "fingerprint": note.fingerprint,
        "estimated_at": note.estimated_at,
        "photos": note.observations,
        "used": note.used,
        "moments": note.moments,
        "ratios": {
            key: {
                "value": ratio.value,
                "interval": [ratio.low, ratio.high],
                "n": ratio.n,
                "status": ratio.status,
            }
            for key, ratio in note.ratios.items()
        },
        "window": {
            key: {"value": value, "interval": [low, high]}
            for key, (value, low, high) in note.window.items()
        },
    }


def photos_that_count(photos: int, used: int) -> str:
    """How many photos there are, and how many of them count."""
    return f"{counted(photos, 'photo')}, {used:,} count{'s' if used == 1 else ''}"


def that_do_not_count(excluded: Mapping[str, int]) -> str:
    """How many photos do not count, and why; empty where all do.

    Args:
        excluded: Reason to number.
    """
    said = ", ".join(f"{count:,} {words_for(reason)}" for reason, count in excluded.items())
    return f"do not count: {printable(said, 400)}" if said else ""


def of_moments(count: int | None) -> str:
    """Of how many moments photos are; nothing where an estimate of 1.0 does not say."""
    return "" if count is None else f" of {counted(count, 'moment')}"


def plain_line(note: HistoryRecord) -> str:
    """One update in words, for pipes and log files."""
    when = local_time(note.estimated_at).strftime("%H:%M:%S")
    stable = sum(ratio.status == "stable" for ratio in note.ratios.values())
    parts = [
        f"{when}  {printable(note.subject, 60)}",
        f"{photos_that_count(note.observations, note.used)}{of_moments(note.moments)}",
        f"{stable} of {len(note.ratios)} bones stable",
    ]
    parts += [
        f"{BONE_LABELS[key].split(',')[0]} {ratio.value:.3f}"
        for key, ratio in note.ratios.items()
        if key in BONE_LABELS and not key.endswith("_R") and key != "shoulder_width"
    ]
    return " · ".join(parts)
