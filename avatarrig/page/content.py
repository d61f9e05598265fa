"""What the page shows, as JSON: plain values, and SVG that has no foreign text unescaped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from avatarrig.body.average import average_ratios
from avatarrig.body.document import BONE_LABELS
from avatarrig.body.evidence.learned import load_learned
from avatarrig.pictures.svg import pose_svg, t_pose_svg

if TYPE_CHECKING:
    from avatarrig.page.thumbnails import Thumbnails
    from avatarrig.views import Board, Sighting, Subject
    from avatarrig.views.watching import Watching
    from avatarrig.wire import HistoryRecord

CHARTED: Final = (
    "hip_width",
    "torso_length",
    "upper_arm_L",
    "lower_arm_L",
    "upper_leg_L",
    "lower_leg_L",
    "wingspan_est",
)
"""Left and right are estimated together, and shoulders are 1 by definition."""

_DRAWN_SUBJECTS: Final = 24
_LISTED_SUBJECTS: Final = 500
_LISTED_REJECTS: Final = 10
_LISTED_PHOTOS: Final = 8
_SENT_NOTES: Final = 400


class Content:
    """Reads the board.

    Args:
        watching: Keeps it up to date.
        thumbnails: Knows which photos have overlays.
    """

    def __init__(self, watching: Watching, thumbnails: Thumbnails) -> None:
        self._watching = watching
        self.thumbnails = thumbnails
        self._overview = ((-1, -1, ""), "")

    def overview(self) -> str:
        """Returns the overview; the same text for all who ask while nothing changes."""
        with self._watching.lock:
            board, complaint = self._watching.board, self._watching.complaint
            state = (board.version, int(time.time()), complaint)
            if self._overview[0] != state:
                self._overview = (state, self._render_overview(board, complaint))
            return self._overview[1]

    def follow(self, name: str) -> Callable[[], str | None]:
        """Returns what gives a subject's content: the history once, then what is new of it."""
        sent_until = float("-inf")
        shown: object = None

        def look() -> str | None:
            nonlocal sent_until, shown
            with self._watching.lock:
                board, complaint = self._watching.board, self._watching.complaint
                subject = board.subjects.get(name)
                if shown is not subject:  # another one after an outage: all of it anew
                    sent_until, shown = float("-inf"), subject
                content = self._subject(board, name, subject, complaint)
                notes = [] if subject is None else subject.notes
                fresh = [note for note in notes if note.estimated_at > sent_until]
                content["history"] = _history(fresh[-_SENT_NOTES:], anew=len(fresh) == len(notes))
                if fresh:
                    sent_until = fresh[-1].estimated_at
            return msgspec.json.encode(content).decode()

        return look

    def estimate(self, name: str) -> dict[str, Any] | None:
        """Returns a subject's latest estimate; None where there is none."""
        with self._watching.lock:
            subject = self._watching.board.subjects.get(name)
            return None if subject is None or subject.record is None else subject.record.estimate

    def _render_overview(self, board: Board, complaint: str) -> str:
        subjects = [each for each in reversed(board.subjects.values()) if each.record is not None]
        photos = sorted(
            (photo for subject in subjects for photo in subject.photos),
            key=lambda photo: -photo.observed_at,
        )
        content = {
            "complaint": complaint,
            "stream": _stream(board),
            "subjects": [
                _summary(subject, drawn=place < _DRAWN_SUBJECTS)
                for place, subject in enumerate(subjects[:_LISTED_SUBJECTS])
            ],
            "photos": [self._photo(photo) for photo in photos[:_LISTED_PHOTOS]],
        }
        return msgspec.json.encode(content).decode()

    def _subject(
        self, board: Board, name: str, subject: Subject | None, complaint: str
    ) -> dict[str, Any]:
        content: dict[str, Any] = {"complaint": complaint, "stream": _stream(board), "name": name}
        if subject is None or subject.record is None:
            return content | {"known": False, "photos": []}
        document = subject.record.estimate
        posed = subject.posed
        newest = list(reversed(subject.photos))[:_LISTED_PHOTOS]
        return content | {
            "known": True,
            "observations": subject.record.observations,
            "used": document.get("used_observations", 0),
            "estimated_at": subject.record.estimated_at,
            "detectors": len(subject.fingerprints),
            "figure": t_pose_svg(document),
            "pose": None if posed is None else self._posed(posed),
            "bones": _bones(document),
            "asymmetry": _asymmetry(document),
            "window": _window(document),
            "notes": document.get("notes", []),
            "photos": [self._photo(photo) for photo in newest],
        }

    def _posed(self, photo: Sighting) -> dict[str, Any]:
        return {"path": photo.path, "at": photo.observed_at, "svg": _pose(photo)}

    def _photo(self, photo: Sighting) -> dict[str, Any]:
        has_overlay = self.thumbnails.has(photo.image_id)
        return {
            "image": photo.image_id,
            "subject": photo.subject,
            "path": photo.path,
            "at": photo.observed_at,
            "found": photo.pose is not None,
            "excluded": photo.excluded,
            "overlay": has_overlay,
            "pose": None if has_overlay or photo.pose is None else _pose(photo),
        }


def _pose(photo: Sighting) -> str | None:
    if photo.pose is None:
        return None
    label = f"pose seen in {photo.path}"
    return pose_svg(photo.pose.unpack(), photo.width, photo.height, label=label)


def _stream(board: Board) -> dict[str, Any]:
    stream = board.stream
    return {
        "rate": round(board.photos_per_second(time.time()), 1),
        "waiting": stream.waiting,
        "in_work": stream.in_work,
        "found": stream.found,
        "observed": sum(
            subject.record.observations
            for subject in board.subjects.values()
            if subject.record is not None
        ),
        "replicas": stream.replicas,
        "rejected": board.reasons.total(),
        "reasons": board.reasons.most_common(),
        "rejects": [
            {
                "path": reject.origin if reject.reference is None else reject.reference.path,
                "reason": reject.reason,
                "message": reject.message,
                "attempts": reject.attempts,
                "at": reject.rejected_at,
            }
            for reject in board.rejects(_LISTED_REJECTS)
        ],
        "groups": [
            {"group": group.group, "members": group.members, "lag": sum(group.lag.values())}
            for group in stream.groups
        ],
    }


def _summary(subject: Subject, *, drawn: bool) -> dict[str, Any]:
    record = subject.record
    if record is None:
        return {}
    stats: Mapping[str, Any] = record.estimate.get("stats", {})
    return {
        "name": subject.name,
        "observations": record.observations,
        "used": record.estimate.get("used_observations", 0),
        "stable": sum(bone["status"] == "stable" for bone in stats.values()),
        "bones": len(stats),
        "drift": bool((record.estimate.get("window") or {}).get("drift")),
        "estimated_at": record.estimated_at,
        "figure": t_pose_svg(record.estimate, small=True) if drawn else None,
    }


def _bones(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    stats: Mapping[str, Any] = document.get("stats", {})
    window: Mapping[str, Any] = (document.get("window") or {}).get("stats", {})
    changes: Mapping[str, Any] = (document.get("window") or {}).get("changes", {})
    average = average_ratios(load_learned())
    return [
        {
            "key": key,
            "label": label,
            "value": stats[key]["value"],
            "interval": stats[key]["interval"],
            "n": stats[key]["n"],
            "status": stats[key]["status"],
            "prior_share": stats[key].get("prior_share"),
            "average": average.get(key),
            "window": window.get(key),
            "drift": bool(changes.get(key, {}).get("drift")),
        }
        for key, label in BONE_LABELS.items()
        if key in stats
    ]


def _asymmetry(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"label": BONE_LABELS.get(f"{bone}_L", bone).removesuffix(", left"), **sides}
        for bone, sides in document.get("asymmetry", {}).items()
    ]


def _window(document: Mapping[str, Any]) -> dict[str, Any] | None:
    window = document.get("window")
    if window is None:
        return None
    return {key: window.get(key) for key in ("days", "first", "last", "used_observations", "drift")}


def _history(notes: list[HistoryRecord], *, anew: bool) -> dict[str, Any]:
    return {
        "anew": anew,
        "at": [note.estimated_at for note in notes],
        "used": [note.used for note in notes],
        "ratios": {
            key: [_point(note, key) for note in notes]
            for key in CHARTED
            if any(key in note.ratios for note in notes)
        },
    }


def _point(note: HistoryRecord, key: str) -> list[float | None]:
    """Value and interval of all time, then of the window; None where it was not known."""
    ratio, window = note.ratios.get(key), note.window.get(key)
    known = [None, None, None] if ratio is None else [ratio.value, ratio.low, ratio.high]
    return [*known, None if window is None else window[0]]
