"""What tail shows: everything where there is room, the figures always, nothing that harms."""

from __future__ import annotations

import functools
import json
from typing import Any

import msgspec
import pytest
from rich.console import Console
from support.kafka_parts.groups import detectors
from support.observed import observation
from support.references import reference
from support.wire.sightings import sighted

from avatarrig.body.estimate import EstimateOptions, estimate
from avatarrig.body.sums.tally import Tally
from avatarrig.cli.screen.tail_lines import json_line, plain_line
from avatarrig.cli.screen.tail_view import Screen, picture, trend
from avatarrig.process.printable import printable
from avatarrig.views import Board
from avatarrig.wire import (
    HistoryRatio,
    HistoryRecord,
    RecordRefusedError,
    Reject,
    SkeletonRecord,
    decode,
    encode,
)
from avatarrig.wire.history import history_of

NOW = 1.76e9


@functools.cache
def record(photos: int, subject: str = "anna", at: float = NOW) -> SkeletonRecord:
    tally = Tally.empty()
    for number in range(photos):
        tally.add(observation(number, subject))
    return SkeletonRecord(
        subject=subject,
        fingerprint="f",
        applied={},
        observations=photos,
        estimate=estimate(tally, subject=subject, options=EstimateOptions(window_days=7)),
        estimated_at=at,
    )


def board(subject: str = "anna") -> Board:
    known = Board()
    for photos in (5, 20, 40):
        latest = record(photos, subject, NOW + photos)
        known.note(latest)
        known.note(history_of(latest))
    known.note(sighted(encode(observation(7, subject, observed_at=NOW))))
    known.groups([detectors(members=2, waiting=12)])
    return known


def shown(
    known: Board, width: int, height: int = 40, *, ascii_only: bool = False, trouble: str = ""
) -> list[str]:
    console = Console(width=width, height=height, color_system=None)
    screen = Screen(width, height, ascii_only=ascii_only)
    seen = known.snapshot()
    with console.capture() as capture:
        console.print(picture(seen, seen.estimated[::-1], screen, now=NOW + 50, trouble=trouble))
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [20, 60, 100, 220])
@pytest.mark.parametrize("height", [10, 50])
def test_no_line_is_wider_than_the_terminal(width: int, height: int) -> None:
    lines = shown(board(), width, height)
    assert max(len(line.rstrip()) for line in lines) <= width
    assert any("upper arm, l" in line for line in lines)


@pytest.mark.parametrize("width", [60, 80, 140])
def test_how_much_of_a_figure_is_from_people_in_general_is_told(width: int) -> None:
    lines = shown(board(), width)
    head = next(line for line in lines if "bone" in line and "ratio" in line)
    hips = next(line for line in lines if line.startswith("hips") or "  hips" in line)
    end = head.index("prior") + len("prior")
    assert hips[:end].endswith(" %")


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_skeleton_and_the_figures_fit_the_height(width: int) -> None:
    lines = shown(board(), width, 40)
    assert len(lines) <= 40
    text = "\n".join(lines)
    assert "●" in text
    assert "latest pose: photo-7.jpg" in text
    for words in ("waiting 12 (in work 2)", "replicas 2", "last photo photo-7.jpg", "trend"):
        assert words in text


def test_a_low_terminal_keeps_the_table() -> None:
    lines = shown(board(), 80, 20)
    assert not any("┃" in line or "│" in line for line in lines)
    assert sum("provisional" in line or "stable" in line for line in lines) >= 10


def test_ascii_terminals_get_ascii() -> None:
    text = "\n".join(shown(board(), 140, 40, ascii_only=True))
    assert text.isascii()
    assert "o" in text


def test_a_trouble_is_shown() -> None:
    assert any("Kafka is away" in line for line in shown(board(), 80, trouble="Kafka is away"))


def test_the_latest_photo_says_whether_it_counts_and_why_not() -> None:
    known = board()
    assert any(line.endswith("ago · counts") for line in shown(known, 100))
    known.note(sighted(encode(observation(8, "anna", observed_at=NOW + 1, ambiguous=True))))
    text = "\n".join(shown(known, 100))
    assert "photo-8.jpg · 0:49 ago · does not count: several people, and no telling who" in text


@pytest.mark.parametrize("width", [60, 80])
def test_why_photos_do_not_count_is_never_cut(width: int) -> None:
    known = board()
    known.note(sighted(encode(observation(8, "anna", observed_at=NOW + 1, ambiguous=True))))
    words = " ".join(" ".join(shown(known, width)).split())
    assert "does not count: several people, and no telling who is meant" in words
    reason = next(iter(record(40, "anna", NOW).estimate.excluded))
    assert f"do not count: {record(40, 'anna', NOW).estimate.excluded[reason]} " in words


def test_of_one_subject_nothing_of_another_is_shown() -> None:
    known = board("bob")
    known.note(sighted(encode(observation(9, "anna", observed_at=NOW + 40))))
    photo = reference("of-anna.jpg", subject="anna")
    known.note(Reject(reason="crashed", message="m", attempts=3, rejected_at=NOW, reference=photo))
    console = Console(width=100, color_system=None)
    seen = known.snapshot().only({"bob"})
    with console.capture() as capture:
        console.print(
            picture(seen, seen.estimated, Screen(100, 40, ascii_only=False), now=NOW + 50)
        )
    assert "last photo photo-7.jpg" in capture.get()
    assert "rejected 0" in capture.get()


def test_nothing_known_says_so() -> None:
    assert any("no estimate yet" in line for line in shown(Board(), 80))


def test_other_subjects_are_listed_below() -> None:
    known = board()
    for number in range(8):
        known.note(record(3, f"person {number}"))
    lines = shown(known, 80, 60)
    assert sum("3 photos" in line for line in lines) == 5
    assert lines[-1].strip() == "… and 3 more, 0 of them with all bones stable"


HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202eevil\u200b\x00\nnext"


def test_hostile_names_cannot_drive_the_terminal() -> None:
    lines = shown(board(HOSTILE), 100)
    text = "\n".join(lines)
    assert "owned" in text, "it is shown, harmless"
    assert not set(text) & {"\x07", "\x00", "\u202e", "\u200b"}
    assert "\x1b]0" not in text
    assert "\x1b[2J" not in text
    assert "\x1b" not in plain_line(history_of(record(5, HOSTILE)))


def test_printable_keeps_letters_of_all_scripts() -> None:
    assert printable("Ánna 安娜 👩") == "Ánna 安娜 👩"
    assert printable("a" * 300, 10) == "aaaaaaaaa…"


@pytest.mark.parametrize(
    "damage",
    [
        {"stats": []},
        {"stats": {"hip_width": {"value": "wide"}}},
        {"stats": {"hip_width": {"value": 1.0, "interval": [1.0], "n": 3, "status": "stable"}}},
        {"estimates": {"hip_width": None}},
        {"estimates": {"hip_width": float("nan")}},
        {"estimates": {"hip_width": float("inf")}},
        {"window": "yes"},
        {"asymmetry": {"x": 1}},
        {"photos": None},
    ],
)
def test_an_estimate_that_cannot_be_shown_is_refused(damage: dict[str, Any]) -> None:
    latest = msgspec.to_builtins(record(5))
    latest["estimate"] |= damage
    with pytest.raises(RecordRefusedError, match="estimate"):
        decode(msgspec.msgpack.encode(latest), SkeletonRecord)


@pytest.mark.parametrize("photos", [0, 3, 40])
def test_what_the_estimator_makes_is_read_from_the_topic(photos: int) -> None:
    made = record(photos)
    assert decode(encode(made), SkeletonRecord) == made


# Lines.


def test_a_line_of_json_holds_every_ratio() -> None:
    latest = record(40)
    line = json_line(history_of(latest))
    assert "\n" not in line
    said = json.loads(line)
    assert said["subject"] == "anna"
    assert said["photos"] == 40
    stats = latest.estimate.to_document()["stats"]
    assert {key: ratio["value"] for key, ratio in said["ratios"].items()} == {
        key: bone["value"] for key, bone in stats.items()
    }
    assert said["ratios"]["hip_width"] == {
        key: stats["hip_width"][key] for key in ("value", "interval", "n", "status")
    }
    assert latest.estimate.window is not None
    assert said["window"].keys() == latest.estimate.window.stats.keys()


def test_a_plain_line_tells_the_figures() -> None:
    line = plain_line(history_of(record(40)))
    assert "anna · 40 photos" in line
    assert "thigh " in line


# Trends.


def notes(*values: tuple[int, float]) -> list[HistoryRecord]:
    return [
        HistoryRecord(
            subject="anna",
            fingerprint="f",
            estimated_at=NOW + used,
            observations=used,
            used=used,
            ratios={"hip_width": HistoryRatio(value, value, value, used, "stable")},
        )
        for used, value in values
    ]


def test_a_trend_is_the_change_since_half_as_many_photos() -> None:
    assert trend(notes((10, 1.0), (50, 0.5), (60, 0.7), (100, 0.6)), "hip_width").endswith(
        "+20.0 %"
    )


def test_a_steady_ratio_is_a_flat_line() -> None:
    line = trend(notes(*((n, 0.6 + 0.0001 * (n % 2)) for n in range(1, 50))), "hip_width")
    assert len(set(line.split()[0])) == 1


def test_a_rising_ratio_rises() -> None:
    line = trend(notes(*((n, 0.5 + 0.01 * n) for n in range(1, 50))), "hip_width").split()[0]
    assert line == "".join(sorted(line))
    assert (line[0], line[-1]) == ("▁", "▇")


def test_one_note_is_no_trend() -> None:
    assert not trend(notes((1, 0.5)), "hip_width")
    assert not trend(notes((1, 0.5), (2, 0.5)), "torso_length")
