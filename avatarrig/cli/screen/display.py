"""Progress on the screen: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import time
from typing import Self

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from avatarrig.cli.screen.printable import words
from avatarrig.views.progress import Counts
from avatarrig.views.view import BoneRow, View, duration

PLAIN_INTERVAL_SECONDS = 5.0
"""A log file wants a line now and then, not four a second."""

BARS_FROM_WIDTH = 96
"""Narrower terminals show the figures without the bars."""

COMFORTABLE_WIDTH = 78
"""Narrower terminals have the columns closer together."""

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_SPINNER_TURNS = 4
"""Steps a second: as often as the panel is drawn."""

STATUS_STYLE = {"stable": "bold", "provisional": "", "insufficient": "dim"}
"""Without a hue: those tell the sides."""


class LiveDisplay:
    """A panel that is redrawn in place. `console`: Terminal to draw on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._view: View | None = None
        self._shown_at = time.monotonic()
        self._live = Live(
            console=console, refresh_per_second=4, transient=True, get_renderable=self._drawn
        )

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, view: View) -> None:
        """Redraws the panel; its clock goes on by itself until the next one."""
        self._view, self._shown_at = view, time.monotonic()
        self._live.refresh()

    def note(self, message: str) -> None:
        """Prints a line above the panel."""
        self._live.console.print(words(message))

    def _drawn(self) -> RenderableType:
        if self._view is None:
            return Text("")
        passed = time.monotonic() - self._shown_at
        view = msgspec.structs.replace(self._view, elapsed=self._view.elapsed + passed)
        return panel(view, self._console.width)


class PlainDisplay:
    """A line now and then, for pipes and log files. `console`: where lines go."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = -math.inf
        self._last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves nothing behind."""

    def show(self, view: View) -> None:
        """Prints a line when the stage changes, otherwise every few seconds."""
        now = time.monotonic()
        if view.stage == self._last and now < self._next:
            return
        self._last, self._next = view.stage, now + PLAIN_INTERVAL_SECONDS
        self.note(status_line(view))

    def note(self, message: str) -> None:
        """Prints a line."""
        self._console.print(words(message), soft_wrap=True)


def display_for(console: Console) -> LiveDisplay | PlainDisplay:
    """Chooses by whether the console is a terminal that can redraw."""
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveDisplay(console)
    return PlainDisplay(console)


def status_line(view: View) -> str:
    """One line that says it all, for plain output."""
    counts = view.counts
    parts = [f"{duration(view.elapsed)}  {view.stage}"]
    if counts.found:
        parts.append(f"found {counts.found}{'+' if view.scanning else ''}")
        parts.append(f"detected {counts.observed}")
        parts.append(_rejected(counts))
    if counts.waiting:
        parts.append(f"{view.rate:.1f} images/s")
        parts.append(f"{duration(view.seconds_left)} left")
    stable = sum(row.status == "stable" for row in view.bones)
    if view.bones:
        parts.append(f"{stable} of {len(view.bones)} bones stable")
    return " · ".join(parts)


def _rejected(counts: Counts) -> str:
    near_copies = f" · near-copies {counts.near_copies}" if counts.near_copies else ""
    return f"rejected {counts.rejected - counts.near_copies}{near_copies}"


def panel(view: View, width: int) -> RenderableType:
    """Lays out the live panel: the photos above, the skeleton below."""
    counts = view.counts
    head = Table.grid(padding=(0, 2))
    done = counts.observed + counts.rejected
    bar = ProgressBar(total=max(counts.found, 1), completed=done, width=40)
    head.add_row("[bold]photos", bar, f"{done} of {counts.found}{'+' if view.scanning else ''}")
    head.add_row(
        "",
        f"detected {counts.observed}, of them {counts.person} with a person · " + _rejected(counts),
        f"{view.rate:.1f} images/s · {duration(view.seconds_left)} left" if counts.waiting else "",
    )
    title = Text.assemble(
        (_spinner(view.elapsed), "cyan"),
        " ",
        (duration(view.elapsed), "dim"),
        "  ",
        (view.stage, "bold cyan"),
    )
    if not view.bones:
        return Group(title, head)
    return Group(title, head, bones_table(view.bones, width))


def _spinner(elapsed: float) -> str:
    """Something that moves, so that a long wait is not taken for a standstill."""
    return _SPINNER[int(elapsed * _SPINNER_TURNS) % len(_SPINNER)]


def bones_table(bones: tuple[BoneRow, ...], width: int) -> Table:
    """Draws the skeleton table for a terminal of some width: bone, ratio, interval, samples."""
    table = Table(
        box=None, pad_edge=False, padding=(0, 1 if width < COMFORTABLE_WIDTH else 2, 0, 0)
    )
    table.add_column("bone", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("90 % interval", justify="right", no_wrap=True)
    has_metres = any(row.metres is not None for row in bones)
    if has_metres:
        table.add_column("length", justify="right", no_wrap=True)
    table.add_column("samples", justify="right", no_wrap=True)
    table.add_column("prior", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    has_bars = width >= BARS_FROM_WIDTH
    if has_bars:
        table.add_column("", no_wrap=True, overflow="crop")
    widest = max((row.high for row in bones if row.high is not None), default=1.0)
    for row in bones:
        cells = [row.label, ratio_words(row), interval_words(row)]
        if has_metres:
            cells.append("–" if row.metres is None else f"{row.metres:.3f} m")
        said = f"{row.status}, tape" if row.measured else row.status
        status = words(said, style=STATUS_STYLE.get(row.status, ""))
        bar = (interval_bar(row, widest),) if has_bars else ()
        table.add_row(*cells, str(row.samples), share_words(row), status, *bar)
    return table


def share_words(row: BoneRow) -> str:
    """Writes how much of a ratio comes from people in general; one by definition has none of it."""
    if row.prior_share is None or row.low == row.high:
        return "–"
    return f"{row.prior_share:.0%}".replace("%", " %")


def ratio_words(row: BoneRow) -> str:
    """Writes a ratio, or a dash where there is none."""
    return "–" if row.ratio is None else f"{row.ratio:.3f}"


def interval_words(row: BoneRow) -> str:
    """Writes an interval, or why there is none."""
    if row.low is None or row.high is None:
        return "–"
    return "by definition" if row.low == row.high else f"{row.low:.3f} – {row.high:.3f}"


def interval_bar(row: BoneRow, widest: float, width: int = 20) -> Text:
    """Draws an interval to scale: a dot where the ratio is, a line as wide as the doubt.

    The line is as long on both sides of the dot, since rounding each end would make it lopsided.
    """
    if row.ratio is None or row.low is None or row.high is None or row.high > widest:
        return Text("")  # what reaches over the scale's end would be lopsided there
    step = widest / (width - 1)
    at = min(max(round(row.ratio / step), 0), width - 1)
    reach = round((row.high - row.low) / 2 / step)
    cells = ["━" if abs(cell - at) <= reach else " " for cell in range(width)]
    cells[at] = "●"
    return words("".join(cells), style=STATUS_STYLE.get(row.status, ""))
