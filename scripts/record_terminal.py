"""Records commands in a terminal and writes them as an animated picture (SVG), for the README.

    python scripts/record_terminal.py --out docs/figures/terminal.svg [--seconds 30]

It runs what is typed in the README in tmux, in a folder of its own, and looks at the screen five
times a second. Waiting is shortened, so that all of it takes as long as is asked for; the text is
what the terminal showed. Needs tmux and a set-up checkout.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from rich.color import ColorSystem
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT: Final = Path(__file__).parents[1]
COLUMNS, ROWS = 80, 30
ADVANCE, LINE, MARGIN = 8.4, 18, 14
FRAMES_A_SECOND: Final = 3
LOOK_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 600
PAUSE_SECONDS: Final = 5.0
"""How long what a command left stays to be read, of the picture's time."""

COMMANDS: Final = (
    "avatarrig photos/Anna --out runs/Anna --debug-overlays",
    "avatarrig export runs/Anna --height 1.72m",
)
FONT: Final = 'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14"'
Screen = tuple[str, ...]
"""Rows with ANSI codes."""


def main() -> None:
    """Records, and writes the picture."""
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="avatarrig-recorded-") as folder:
        work = Path(folder)
        (work / "photos").mkdir()
        (work / "photos" / "Anna").symlink_to(ROOT / "inputs" / "datasets" / "Demo")
        scenes = [
            list(recorded(command, work, f"record-{os.getpid()}-{number}"))
            for number, command in enumerate(COMMANDS)
        ]
    frames = [frame for scene in scenes for frame in in_time(scene, given.seconds / len(scenes))]
    given.out.write_text(drawn(frames), encoding="utf-8")
    print(f"{given.out}: {len(frames)} frames, {given.out.stat().st_size / 1024:.0f} KB")


def recorded(command: str, work: Path, server: str) -> Iterator[Screen]:
    """Runs a command in tmux and yields the screen, five times a second, until it has ended."""
    done = work / "done"
    done.unlink(missing_ok=True)
    line = f"cd {shlex.quote(str(work))}; clear; {_typed(command)}; touch done; sleep 600"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    size = ("-x", str(COLUMNS), "-y", str(ROWS))
    _tmux(server, "new-session", "-d", *size, line, PATH=path, TERM="xterm-256color")
    try:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            is_last = done.exists()
            rows = _tmux(server, "capture-pane", "-e", "-p").split("\n")[:ROWS]
            yield tuple(rows + [""] * (ROWS - len(rows)))
            if is_last:
                return
            time.sleep(LOOK_SECONDS)
        raise SystemExit(f"{command!r} took longer than {PATIENCE_SECONDS} s")
    finally:
        _tmux(server, "kill-server")


def _typed(command: str) -> str:
    return f"printf '\\033[1;32m$\\033[0m %s\\n' {shlex.quote(command)}; {command}"


def _tmux(server: str, *arguments: str, **environment: str) -> str:
    command = ("tmux", "-L", server, "-f", "/dev/null", *arguments)
    done = subprocess.run(  # noqa: S603 - arguments of our own
        command, check=True, capture_output=True, text=True, env={**os.environ, **environment}
    )
    return done.stdout


def in_time(scene: Sequence[Screen], seconds: float) -> list[Screen]:
    """Shortens a scene: evenly to so many seconds, of which the last ones show its end."""
    playing = max(1, round((seconds - PAUSE_SECONDS) * FRAMES_A_SECOND))
    count = min(playing, len(scene))
    shown = [scene[round(place * (len(scene) - 1) / max(1, count - 1))] for place in range(count)]
    return [*shown, *[scene[-1]] * (round(seconds * FRAMES_A_SECOND) - count)]


def drawn(frames: Sequence[Screen]) -> str:
    """Draws frames as an SVG that repeats: each row's texts, shown while they stood there."""
    lasts = len(frames) / FRAMES_A_SECOND
    width, height = COLUMNS * ADVANCE + 2 * MARGIN, ROWS * LINE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" {FONT}>',
        "<title>A run of AvatarRig in a terminal, and its export</title>",
        f'<rect width="100%" height="100%" rx="8" fill="#{_hex(MONOKAI.background_color)}"/>',
    ]
    for row in range(ROWS):
        for begin, end, text in _stretches([frame[row] for frame in frames]):
            body = "".join(_spans(text))
            if not body:
                continue
            times = f"0;{begin / len(frames):.4f};{end / len(frames):.4f}"
            parts.append(
                f'<text y="{MARGIN + LINE * row + 14}" xml:space="preserve">{body}'
                f'<animate attributeName="display" values="none;inline;none" keyTimes="{times}" '
                f'dur="{lasts:.0f}s" calcMode="discrete" repeatCount="indefinite"/></text>'
            )
    return "\n".join([*parts, "</svg>", ""])


def _stretches(texts: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    begin = 0
    for place in range(1, len(texts) + 1):
        if place == len(texts) or texts[place] != texts[begin]:
            yield begin, place, texts[begin]
            begin = place


def _spans(row: str) -> Iterator[str]:
    text = Text.from_ansi(row)
    text.rstrip()
    column = 0
    for segment in text.render(Console(color_system="truecolor", force_terminal=True), end=""):
        style = segment.style
        if segment.text.strip():
            colour = MONOKAI.foreground_color
            if style is not None and style.color is not None:
                colour = style.color.downgrade(ColorSystem.TRUECOLOR).get_truecolor(MONOKAI)
            bold = ' font-weight="bold"' if style is not None and style.bold else ""
            dim = ' opacity=".6"' if style is not None and style.dim else ""
            yield (
                f'<tspan x="{MARGIN + column * ADVANCE:.1f}" fill="#{_hex(colour)}"{bold}{dim}>'
                f"{escape(segment.text)}</tspan>"
            )
        column += segment.cell_length


def _hex(colour: tuple[int, int, int]) -> str:
    return "".join(f"{part:02x}" for part in colour)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Records the README's commands as a picture.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=30.0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
