"""A run's summary, read back and kept true to its index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from avatarrig.files import read_file
from avatarrig.runs.layout import RunDirectory
from avatarrig.wire import decode_json


def read_summary(run: RunDirectory) -> dict[str, Any]:
    """Reads a run's summary; nothing where there is none, or it is damaged."""
    try:
        return decode_json(read_file(run.summary), dict[str, Any])
    except (OSError, msgspec.MsgspecError):
        return {}


def left_out_in(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Counts the photos of an index that do not count in the estimate, by reason."""
    reasons = (row.get("left_out") for row in rows if row.get("ok"))
    return dict(sorted(Counter(reason for reason in reasons if isinstance(reason, str)).items()))


def recounted(summary: dict[str, Any], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A summary that tells of the photos of an index alone.

    Args:
        rows: The lines of the index.
    """
    observed = [row for row in rows if row.get("ok")]
    persons = sum(row.get("person") is True for row in observed)
    waiting, rejected = summary.get("waiting"), summary.get("rejected")
    paths = {str(row.get("rel_image_path")) for row in rows if not row.get("ok")}
    return summary | {
        "total_images": len(rows) + (waiting if isinstance(waiting, int) else 0),
        "ok": len(observed),
        "failed": len(rows) - len(observed),
        "with_person": persons,
        "without_person": len(observed) - persons,
        "left_out_of_estimate": left_out_in(rows),
        "rejected": [
            each
            for each in (rejected if isinstance(rejected, list) else ())
            if isinstance(each, dict) and each.get("rel_image_path") in paths
        ],
    }
