"""What a run needs of whoever shows it to people."""

from __future__ import annotations

from typing import Protocol, Self

from avatarrig.pipeline.results import Estimates
from avatarrig.runs import RunDirectory
from avatarrig.views.progress import Progress
from avatarrig.views.view import View


class Display(Protocol):
    """Shows how a run goes."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, view: View) -> None:
        """Shows the present state."""

    def note(self, message: str) -> None:
        """Says something that stays."""


class Screen(Protocol):
    """Where a run is shown, from its beginning to its results."""

    def display(self) -> Display:
        """Returns what shows progress; it is entered while the run goes on."""

    def results(
        self,
        run: RunDirectory,
        progress: Progress,
        estimates: Estimates,
        elapsed: float,
        departed: int,
    ) -> None:
        """Says what came out, what is rejected or excluded and why, and where the files are.

        Args:
            departed: Photos that are no longer in the dataset, and count all the same.
        """

    def note(self, message: str) -> None:
        """Says something that stays."""
