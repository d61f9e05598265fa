"""The command, run as a person does."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import paced_command
from support.cli.paced_command import DETECTION_SECONDS
from support.command import RUN_SECONDS, Command


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(tmp_path_factory.mktemp("command"))


@pytest.fixture(scope="session")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command without models, for what is not theirs: what it sees in photos is made up."""
    return Command(
        tmp_path_factory.mktemp("made-up"),
        {"PYTHONPATH": str(Path(__file__).parents[1]), DETECTION_SECONDS: str(RUN_SECONDS)},
        module=paced_command.MODULE,
    )
