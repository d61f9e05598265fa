"""A canvas of characters: lines in braille dots, and any other character between them."""

from __future__ import annotations

from typing import Final, NamedTuple

DOTS_ACROSS: Final = 2
DOTS_DOWN: Final = 4
"""Dots of one braille character."""

_BLANK: Final = 0x2800
_BITS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_ASCII: Final = str.maketrans(
    {
        "━": "=", "─": "-", "┄": ".", "┃": "|", "│": "|", "┆": ":", "●": "o", "○": "o", "·": "-",
        "▁": "_", "▂": "_", "▃": "-", "▄": "-", "▅": "-", "▆": "=", "▇": "=", "█": "#",
        "–": "-", "×": "x", "…": "~", "→": ">", "↗": "^", "↘": "v",
    }
)  # fmt: skip


class Cell(NamedTuple):
    """One character and what it belongs to, which gives it its colour."""

    character: str
    tone: str


EMPTY: Final = Cell(" ", "")


class Canvas:
    """A grid of characters. What lies outside is cut off.

    Args:
        columns: Characters across.
        rows: Characters down.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self._columns = columns
        self._rows = rows
        self._dots: dict[tuple[int, int], int] = {}
        self._cells: dict[tuple[int, int], Cell] = {}
        self._tones: dict[tuple[int, int], str] = {}

    def dot(self, x: int, y: int, tone: str) -> None:
        """Sets a braille dot; 2 across and 4 down are one character."""
        where = (x // DOTS_ACROSS, y // DOTS_DOWN)
        if self._is_inside(*where):
            bit = _BITS[y % DOTS_DOWN][x % DOTS_ACROSS]
            self._dots[where] = self._dots.get(where, 0) | bit
            self._tones[where] = tone

    def line(self, start: tuple[float, float], end: tuple[float, float], tone: str) -> None:
        """Draws a line of dots; both ends are included."""
        across, down = end[0] - start[0], end[1] - start[1]
        steps = max(1, round(max(abs(across), abs(down))))
        for step in range(steps + 1):
            share = step / steps
            self.dot(round(start[0] + share * across), round(start[1] + share * down), tone)

    def put(self, column: int, row: int, text: str, tone: str) -> None:
        """Writes characters over whatever is there."""
        for place, character in enumerate(text):
            if self._is_inside(column + place, row):
                self._cells[column + place, row] = Cell(character, tone)

    def cells(self) -> list[list[Cell]]:
        """Returns the rows, from the top down."""
        return [
            [self._cell(column, row) for column in range(self._columns)]
            for row in range(self._rows)
        ]

    def _cell(self, column: int, row: int) -> Cell:
        where = (column, row)
        if where in self._cells:
            return self._cells[where]
        if where in self._dots:
            return Cell(chr(_BLANK + self._dots[where]), self._tones[where])
        return EMPTY

    def _is_inside(self, column: int, row: int) -> bool:
        return 0 <= column < self._columns and 0 <= row < self._rows


def to_ascii(text: str) -> str:
    """Replaces box, block and braille characters, for terminals that have none."""
    plain = text.translate(_ASCII)
    return "".join(_ascii(character) for character in plain)


def _ascii(character: str) -> str:
    code = ord(character)
    if _BLANK <= code < _BLANK + 256:
        return "." if code > _BLANK else " "
    return character if character.isascii() else "?"
