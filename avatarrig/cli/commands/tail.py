"""``avatarrig tail``: the skeleton, live in the terminal, from anywhere that reaches Kafka."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.live import Live

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.connection import broker_options, reach
from avatarrig.cli.options.kafka import KafkaArguments
from avatarrig.cli.screen.console import make_console
from avatarrig.cli.screen.printable import say
from avatarrig.cli.screen.tail_lines import json_line, plain_line
from avatarrig.cli.screen.tail_view import Screen, picture
from avatarrig.errors import CommandError, ExitCode
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.process.logs import configure_logs
from avatarrig.process.signals import Interruption
from avatarrig.runs import RunDirectory, decided_since
from avatarrig.views import Subject
from avatarrig.views.updates import updates
from avatarrig.views.watch import Watching, watched_once
from avatarrig.wire import HistoryRecord

DRAW_SECONDS: Final = 0.2
"""However many updates come: an eye follows no more."""

STILL_SECONDS: Final = 1.0
"""Without news only ages change."""

PLAIN_SECONDS: Final = 1.0
POLL_SECONDS: Final = 0.2
DECIDED_SINCE: Final = (
    "photos were left out or brought back by hand since: this shows the estimate of before, and "
    "changes when the run's command is given again; its files show it already"
)
HOLD_SECONDS: Final = 5.0
"""Of several subjects one stays in view so long, so that it can be read."""


@click.command("tail")
@click.argument("subjects", nargs=-1, metavar="[SUBJECT]...")
@broker_options
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each update.")
@click.option("--once", is_flag=True, help="Print what is known by now, and end.")
@click.option(
    "--from-beginning", is_flag=True, help="Print the history as lines, then go on with updates."
)
def tail(
    *,
    subjects: tuple[str, ...],
    run_directory: Path | None,
    kafka: KafkaArguments,
    as_json: bool,
    once: bool,
    from_beginning: bool,
) -> None:
    """Watch skeletons firm up, live: of the SUBJECTs named, or of all.

    Only Kafka's address is needed. On a terminal a picture is drawn; into a pipe, or with --json
    or --from-beginning, a line is written for each update. Ctrl-C ends it.

    Exit code: 3 with --once where nothing is known.
    """
    wanted = frozenset(subjects)
    console = make_console()
    with fail_clearly(), _ended_by_reader(), Interruption(), reach(run_directory, kafka) as reached:
        if run_directory is not None and decided_since(RunDirectory(run_directory)):
            say(DECIDED_SINCE, err=True)
        if as_json or from_beginning or not (once or _can_draw(console)):
            _lines(reached, wanted, as_json=as_json, once=once, history=from_beginning)
        elif once:
            _print_once(reached, wanted, console)
        else:
            _draw(reached, wanted, console)


def _can_draw(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal


@contextmanager
def _ended_by_reader() -> Iterator[None]:
    """Ends quietly when whoever reads the output has gone, or on Ctrl-C."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.DONE)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)


def _lines(
    kafka: KafkaSettings, wanted: Collection[str], *, as_json: bool, once: bool, history: bool
) -> None:
    written = 0
    spoken: dict[str, float] = {}
    with contextlib.closing(updates(kafka, wanted, history=history, once=once)) as batches:
        for batch in batches:
            for note in batch.notes:
                if not (as_json or batch.from_before or _is_time(spoken, note)):
                    continue
                sys.stdout.write(f"{json_line(note) if as_json else plain_line(note)}\n")
                written += 1
            sys.stdout.flush()
    if not written:
        raise _nothing(wanted)


def _is_time(spoken: dict[str, float], note: HistoryRecord) -> bool:
    """Whether a person who reads lines wants another one about a subject."""
    now = time.monotonic()
    if now - spoken.get(note.subject, -PLAIN_SECONDS) < PLAIN_SECONDS:
        return False
    spoken[note.subject] = now
    return True


def _nothing(wanted: Collection[str]) -> CommandError:
    whom = f" of {', '.join(sorted(wanted))}" if wanted else ""
    return CommandError(f"there is no estimate{whom} yet", ExitCode.NOTHING_PROCESSED)


def _print_once(kafka: KafkaSettings, wanted: Collection[str], console: Console) -> None:
    seen = watched_once(kafka).only(wanted)
    if not seen.estimated:
        raise _nothing(wanted)
    screen = _screen(console, height=44)
    console.print(picture(seen, seen.estimated, screen, now=time.time()))


def _screen(console: Console, height: int | None = None) -> Screen:
    return Screen(
        console.width,
        console.height if height is None else height,
        ascii_only=not console.encoding.startswith("utf"),
    )


def _draw(kafka: KafkaSettings, wanted: Collection[str], console: Console) -> None:
    focus = _Focus()
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        _quiet_keyboard(),
        Watching(kafka) as watching,
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        configure_logs(nowhere)  # the picture says what is the matter
        shown: tuple[object, ...] = ()
        drawn = 0.0
        while True:
            now = time.monotonic()
            seen, trouble = watching.snapshot().only(wanted), watching.trouble
            state = (seen.version, console.size, trouble)
            if state != shown or now - drawn >= STILL_SECONDS:
                subjects = focus.first(seen.estimated, now)
                drawn_now = picture(
                    seen, subjects, _screen(console), now=time.time(), trouble=trouble
                )
                live.update(drawn_now, refresh=True)
                shown, drawn = state, now
            time.sleep(DRAW_SECONDS)


class _Focus:
    """Chooses whom to show in full: who changed last, but never for less than a while."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._since = 0.0

    def first(self, subjects: list[Subject], now: float) -> list[Subject]:
        """Puts the chosen one before the others."""
        if not subjects:
            return subjects
        chosen = next((each for each in subjects if each.name == self._name), None)
        if chosen is None or now - self._since >= HOLD_SECONDS:
            if chosen is None or chosen is not subjects[0]:
                self._since = now
            chosen = subjects[0]
        self._name = chosen.name
        others = sorted((each for each in subjects if each is not chosen), key=lambda s: s.name)
        return [chosen, *others]


@contextmanager
def _quiet_keyboard() -> Iterator[None]:
    """Keeps what is typed out of the picture; the terminal is left as it was found."""
    if os.name == "nt" or not sys.stdin.isatty():
        yield
        return
    import termios

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    quiet = [*before]
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(keyboard, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSAFLUSH, before)
