"""The live picture of a pipeline on a terminal of any size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from avatarrig.cli.screen.display import (
    STATUS_STYLE,
    interval_bar,
    interval_words,
    ratio_words,
    share_words,
)
from avatarrig.cli.screen.tail_lines import of_moments, photos_that_count, that_do_not_count
from avatarrig.pictures.braille import Cell, to_ascii
from avatarrig.pictures.terminal import FEWEST_COLUMNS, FEWEST_ROWS, draw_pose, draw_t_pose
from avatarrig.process.printable import printable
from avatarrig.views import Snapshot, Stream, Subject
from avatarrig.views.view import BoneRow, bone_rows, duration
from avatarrig.wire import HistoryRecord
from avatarrig.wire.counted import counted
from avatarrig.wire.estimate import BONE_LABELS, Estimate
from avatarrig.wire.reasons import words_for

TONE_STYLE: Final = {
    **STATUS_STYLE,
    "head": "dim",
    "number": "bold",
    "left": "dark_orange",
    "right": "deep_sky_blue1",
    "middle": "",
}
SIDE_BY_SIDE_FROM: Final = 141
"""Narrower terminals show the skeleton below the table."""

SPARKS: Final = "▁▂▃▄▅▆▇"
SPARK_POINTS: Final = 8
STEADY: Final = 0.02
"""Changes of a ratio smaller than this share of it do not fill a sparkline's height."""

MOST_LISTED: Final = 5
MOST_REASONS: Final = 4
_TABLE_WIDTH: Final = 106
_FROM_WIDTH: Final = {
    "samples": 34,
    "status": 44,
    "prior": 50,
    "90 % interval": 64,
    "trend": 80,
    "": 106,
}
_COMFORTABLE_WIDTH: Final = 86
"""Narrower tables keep their columns closer together."""

_FIGURES: Final = {"ratio", "90 % interval", "samples", "prior"}


class Screen:
    """How much room there is, and what can be shown there.

    Args:
        width: Columns.
        ascii_only: Whether the terminal cannot show box and braille characters.
    """

    def __init__(self, width: int, height: int, *, ascii_only: bool) -> None:
        self.width = width
        self.height = height
        self.ascii_only = ascii_only

    def words(self, text: str, style: str = "") -> Text:
        """Makes text that the terminal can show, cut at its edge."""
        shown = to_ascii(text) if self.ascii_only else text
        return Text(
            shown, style=style, no_wrap=True, overflow="crop" if self.ascii_only else "ellipsis"
        )


def picture(
    seen: Snapshot, subjects: Sequence[Subject], screen: Screen, *, now: float, trouble: str = ""
) -> RenderableType:
    """Lays out everything.

    Args:
        subjects: Those to show; the first in full.
        now: Unix seconds.
        trouble: Why there is no news; empty where all is well.
    """
    head = [
        *_head(seen, subjects, screen, now),
        *([screen.words(trouble, "yellow")] if trouble else []),
    ]
    if not subjects:
        return Group(*head, screen.words("no estimate yet: it appears with the first photo", "dim"))
    others = _others(subjects[1:], screen)
    room = screen.height - len(head) - len(others) - 2
    return Group(*head, Text(""), _body(subjects[0], screen, room), *others)


def _head(
    seen: Snapshot, subjects: Sequence[Subject], screen: Screen, now: float
) -> Iterator[Text]:
    record = subjects[0].record if subjects else None
    if record is not None:
        used = record.estimate.used
        moments = of_moments(record.estimate.moments)
        words = (
            f"{printable(subjects[0].name, 60)}  {photos_that_count(record.observations, used)}"
            f"{moments} · estimated {_age(record.estimated_at, now)} ago"
        )
        yield screen.words(words, "bold")
        yield from _lines(that_do_not_count(record.estimate.excluded), screen)
        if record.estimate.advice:
            yield from _lines(f"next photos: {printable(record.estimate.advice, 400)}", screen)
    stream = seen.stream
    yield screen.words(
        f"{seen.rate.per_second(now):.1f} photos/s · waiting {stream.waiting} "
        f"(in work {stream.in_work}) · replicas {stream.replicas} · lag {_lag(stream)}"
    )
    reasons = Counter(seen.reasons)
    words = ", ".join(
        f"{printable(words_for(reason), 60)} {count}"
        for reason, count in reasons.most_common(MOST_REASONS)
    )
    yield screen.words(
        f"rejected {reasons.total()}{words and f': {words}'}", "yellow" if words else "dim"
    )
    if seen.refused:
        count = sum(seen.refused.values())
        yield screen.words(f"passed over {count} messages that are no records", "yellow")
    photo = seen.last_photo
    if photo is not None:
        age = _age(photo.observed_at, now)
        words = f"last photo {printable(photo.path, 80)} · {age} ago · {photo.verdict}"
        yield from _lines(words, screen, "dim")


def _lines(
    text: str, screen: Screen, style: str = "", columns: int | None = None
) -> Iterator[Text]:
    for line in wrap(text, columns or screen.width):
        yield screen.words(line, style)


def _age(then: float, now: float) -> str:
    return duration(max(0.0, now - then))


def _lag(stream: Stream) -> int:
    """Messages that the pipeline's services have not consumed, photos apart."""
    return sum(
        number
        for group in stream.groups
        for topic, number in group.lag.items()
        if group.members and not topic.endswith(".images")
    )


def _body(subject: Subject, screen: Screen, room: int) -> RenderableType:
    estimate = None if subject.record is None else subject.record.estimate
    if screen.width < SIDE_BY_SIDE_FROM:
        table = bones(estimate, subject.notes, screen, screen.width)
        left = room - len(BONE_LABELS) - 2
        if left < FEWEST_ROWS or screen.width < FEWEST_COLUMNS:
            return table
        half = screen.width // 2
        figures = _pair(subject, estimate, screen, (half, screen.width - half - 1), left)
        return Group(table, Text(""), figures)
    grid = Table.grid(padding=(0, 2, 0, 0))
    width = screen.width - _TABLE_WIDTH - 2
    rows = max(room, FEWEST_ROWS)
    below = rows - len(BONE_LABELS) - 2
    right: list[RenderableType] = [bones(estimate, subject.notes, screen, _TABLE_WIDTH)]
    if below >= FEWEST_ROWS:
        right += [Text(""), _pose(subject, screen, _TABLE_WIDTH, below)]
    grid.add_row(_cells(draw_t_pose(estimate, width, rows), screen), Group(*right))
    return grid


def _pair(
    subject: Subject, estimate: Estimate | None, screen: Screen, columns: tuple[int, int], rows: int
) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(
        _cells(draw_t_pose(estimate, columns[0], rows), screen),
        _pose(subject, screen, columns[1], rows),
    )
    return grid


def _pose(subject: Subject, screen: Screen, columns: int, rows: int) -> RenderableType:
    seen = subject.posed
    if seen is None or seen.pose is None:
        return Text("")
    said = f"latest pose: {printable(seen.path, 60)}, {seen.verdict}"
    lines = list(_lines(said, screen, "dim", columns))
    left = max(rows - len(lines), 1)
    drawn = draw_pose(seen.pose.unpack(), seen.width, seen.height, min(columns, 3 * rows), left)
    return Group(*lines, _cells(drawn, screen))


def _cells(rows: Iterable[Sequence[Cell]], screen: Screen) -> Text:
    text = Text(no_wrap=True, overflow="crop")
    for number, row in enumerate(rows):
        if number:
            text.append("\n")
        for character, tone in row:
            shown = to_ascii(character) if screen.ascii_only else character
            text.append(shown, style=TONE_STYLE.get(tone, ""))
    return text


def bones(
    estimate: Estimate | None, notes: Sequence[HistoryRecord], screen: Screen, width: int
) -> Table:
    """Draws the table of bones; in a narrow one bars, intervals and trends are left out."""
    apart = 1 if width < _COMFORTABLE_WIDTH else 2
    table = Table(box=None, pad_edge=False, padding=(0, apart, 0, 0))
    rows = bone_rows(estimate)
    # A wingspan is as long as several bones; to its scale their intervals would be dots.
    widest = max((row.high for row in rows[:-1] if row.high is not None), default=1.0)
    shown: dict[str, Callable[[str, BoneRow], Text]] = {
        "bone": lambda _, row: screen.words(row.label),
        "ratio": lambda _, row: screen.words(ratio_words(row), "bold"),
        "90 % interval": lambda _, row: screen.words(interval_words(row)),
        "": lambda _, row: _bar(row, widest, screen),
        "samples": lambda _, row: screen.words(str(row.samples)),
        "prior": lambda _, row: screen.words(share_words(row)),
        "trend": lambda key, _: screen.words(trend(notes, key), "cyan"),
        "status": lambda _, row: screen.words(row.status, STATUS_STYLE.get(row.status, "")),
    }
    chosen = [name for name in shown if width >= _FROM_WIDTH.get(name, 0)]
    for name in chosen:
        table.add_column(name, justify="right" if name in _FIGURES else "left", no_wrap=True)
    for key, row in zip(BONE_LABELS, rows, strict=True):
        table.add_row(*(shown[name](key, row) for name in chosen))
    return table


def _bar(row: BoneRow, widest: float, screen: Screen) -> Text:
    bar = interval_bar(row, widest, 18)
    return screen.words(bar.plain, str(bar.style))


def trend(notes: Sequence[HistoryRecord], key: str) -> str:
    """How a ratio moved over the history: a sparkline, and its change since half as many photos.

    Args:
        notes: History in the order of time.
        key: Key of ``skeleton_estimate.json``.
    """
    values = [(note.used, note.ratios[key].value) for note in notes if key in note.ratios]
    if len(values) <= 1:
        return ""
    used, last = values[-1]
    before = next((value for n, value in reversed(values) if 2 * n <= used), values[0][1])
    step = (len(values) - 1) / (SPARK_POINTS - 1)
    shown = [values[round(place * step)][1] for place in range(SPARK_POINTS)]
    low, high = min(shown), max(shown)
    middle, reach = (low + high) / 2, max(high - low, STEADY * abs(last), 1e-9) / 2
    line = "".join(
        SPARKS[int((value - middle + reach) / (2 * reach) * (len(SPARKS) - 1) + 0.5)]
        for value in shown
    )
    change = 100 * (last / before - 1) if before else 0.0
    return f"{line} {change:+.1f} %"


def _others(subjects: Sequence[Subject], screen: Screen) -> list[Text]:
    lines = []
    for subject in subjects[:MOST_LISTED]:
        record = subject.record
        if record is None:
            continue
        words = (
            f"{printable(subject.name, 40)}  {counted(record.observations, 'photo')} · "
            f"{record.estimate.stable} of {len(record.estimate.stats)} bones stable"
        )
        lines.append(screen.words(words, "dim"))
    if len(subjects) > MOST_LISTED:
        more = subjects[MOST_LISTED:]
        stable = sum(
            each.record is not None
            and 0 < each.record.estimate.stable == len(each.record.estimate.stats)
            for each in more
        )
        words = f"… and {len(more):,} more, {stable:,} of them with all bones stable"
        lines.append(screen.words(words, "dim"))
    return [Text(""), *lines] if lines else []
