"""Names that travel in records: of subjects, of datasets, of the folders that hold photos."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import click

from avatarrig.wire.bounds import MOST_NAME_CHARACTERS
from avatarrig.wire.identity import subject_name


class NameType(click.ParamType):
    """A subject's or a dataset's name."""

    name = "text"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Checks that it is one."""
        text = str(value)
        if not text.strip():
            self.fail("a name cannot be blank", param, ctx)
        if len(text) > MOST_NAME_CHARACTERS:
            self.fail(
                f"{text[:40]}… has {len(text)} characters, {MOST_NAME_CHARACTERS} are the most",
                param,
                ctx,
            )
        if not _is_text(text):
            self.fail(f"{_shown(text)} has bytes that are no UTF-8", param, ctx)
        return text


NAME = NameType()


class SubjectType(NameType):
    """Names a subject that is known already."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Gives the name in the form in which subjects are compared."""
        return subject_name(super().convert(value, param, ctx))


SUBJECT = SubjectType()


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Refuses a folder whose path cannot be written down, or leads nowhere.

    Raises:
        click.BadParameter: It has bytes that are no UTF-8, or links that lead to each other.
    """
    path = os.path.realpath(folder)
    if not _is_text(path):
        raise click.BadParameter(
            f"{_shown(path)} has bytes that are no UTF-8, as disks of older systems have them: "
            "rename the folder"
        )
    if _is_loop(path):
        raise click.BadParameter(
            f"{_shown(os.fspath(folder))} is a link that leads back to itself: name another folder"
        )


def _is_loop(path: str) -> bool:
    try:
        Path(path).stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(text: str) -> str:
    return repr(text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
