"""``avatarrig compare``: two runs beside each other, such as one person before and after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from avatarrig.body.comparison import differences
from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.naming import SUBJECT
from avatarrig.cli.screen.printable import say
from avatarrig.pipeline.estimate_source import whole_estimate_in
from avatarrig.process.printable import printable
from avatarrig.runs import write_atomically

if TYPE_CHECKING:
    from avatarrig.body.comparison import Difference

CARD_NAME: Final = "comparison.png"
_LABEL: Final = 18
_COLUMN: Final = 16
_RUN: Final = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("compare")
@click.argument("first", type=_RUN)
@click.argument("second", type=_RUN)
@click.option("--subject", type=SUBJECT, help="Whose skeletons, where there are several people's.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="PNG file to write; comparison.png in SECOND unless told otherwise.",
)
def compare(first: Path, second: Path, subject: str | None, out: Path | None) -> None:
    """Compare the skeletons of two runs: one person before and after, or two people.

    Prints each bone of both with its 90 % interval, and whether they differ by more than chance.
    Writes a picture card with both over each other.
    """
    from avatarrig.pictures.comparison import draw_card

    with fail_clearly():
        estimates = (whole_estimate_in(first, subject), whole_estimate_in(second, subject))
        names = _names(first, second)
        for line in _table(differences(estimates[0].stats, estimates[1].stats), names):
            say(line)
        card = out or second / CARD_NAME
        write_atomically(card, draw_card(*estimates, names))
        say(str(card))


def _names(first: Path, second: Path) -> tuple[str, str]:
    """The folders' names; as much of the paths as tells them apart."""
    parts = first.resolve().parts, second.resolve().parts
    for length in range(1, max(map(len, parts)) + 1):
        names = "/".join(parts[0][-length:]), "/".join(parts[1][-length:])
        if names[0] != names[1]:
            return names
    return str(first), str(second)


def _table(rows: list[Difference], names: tuple[str, str]) -> list[str]:
    if not rows:
        return ["there is no bone that both know: too few photos of one of them"]
    heads = [_cut(printable(name)) for name in names]
    lines = [f"{'':<{_LABEL}} {heads[0]:<{_COLUMN}} {heads[1]:<{_COLUMN}} difference"]
    for row in rows:
        percent = f"{row.percent:+.1f} %"
        verdict = "differs" if row.apart else "may be chance"
        lines.append(
            f"{row.label:<{_LABEL}} {_value(row.first, row.first_interval):<{_COLUMN}} "
            f"{_value(row.second, row.second_interval):<{_COLUMN}} {percent:>8}  {verdict}"
        )
    return [*lines, "in shoulder widths, with 90 % intervals"]


def _value(ratio: float, interval: tuple[float, float]) -> str:
    return f"{ratio:.2f} {interval[0]:.2f}-{interval[1]:.2f}"


def _cut(name: str) -> str:
    return name if len(name) <= _COLUMN else f"…{name[1 - _COLUMN :]}"
