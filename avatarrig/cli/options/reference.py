"""Who is meant in photos that show others as well: the same options for run, up, ingest, detect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from avatarrig.cli.options.gathering import Decorator, gathered
from avatarrig.cli.options.naming import NAME
from avatarrig.pipeline.request import Asking

if TYPE_CHECKING:
    from avatarrig.detectors.faces.refused import Point


class _Place(click.ParamType):
    """A place in a picture."""

    name = "X,Y"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Point:
        """Reads two shares."""
        if isinstance(value, tuple):
            return value
        try:
            across, down = (float(part) for part in str(value).split(","))
        except ValueError:
            across = down = -1.0
        if not (0.0 <= across <= 1.0 and 0.0 <= down <= 1.0):
            self.fail(
                f"{value!r} is no place in a picture: give two shares of its width and height, "
                "such as 0.3,0.4",
                param,
                ctx,
            )
        return across, down


_REFERENCE = click.option(
    "--reference",
    "references",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A photo of the person, or a folder of some: of photos that show others as well, only "
    "this person counts. May be given several times; three are better than one. Faces are "
    "compared on this machine, and only if this is given.",
)
_REFERENCE_AT = click.option(
    "--reference-at",
    "places",
    multiple=True,
    type=_Place(),
    help="Which face is meant in a reference that shows several, in shares of its width and "
    "height; one for each such reference, or one for each of all, in their order.",
)
_PERSON = click.option(
    "--person",
    type=NAME,
    help="The person's name as photo programs and Google Photos wrote it into the photos or "
    "beside them: only where it stands does a photo count.",
)


def asking_options(*, person: bool = True) -> Decorator:
    """Gives a command the options; it is called with one argument ``asking`` for them all.

    Args:
        person: Whether names in files matter, which those who find the photos read.
    """
    options = (_REFERENCE, _REFERENCE_AT, *([_PERSON] if person else []))
    return gathered("asking", _asking, *options)


def _asking(
    *,
    references: tuple[Path, ...],
    places: tuple[tuple[float, float], ...],
    person: str | None = None,
) -> Asking:
    if places and not references:
        raise click.UsageError("--reference-at needs a --reference")
    return Asking(references, places, (person or "").strip())


def check_one_person(asking: Asking, *, subject_from_folder: bool) -> None:
    """Refuses to look for one person in everybody's folders.

    Raises:
        click.UsageError: Both are asked for.
    """
    if subject_from_folder and (asking.references or asking.person):
        raise click.UsageError(
            "--reference and --person mean one person, --subject-from-folder several: give one "
            "or the other"
        )
