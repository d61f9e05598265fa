"""The command, run as a person does."""

from __future__ import annotations

import pytest
from support.command import Command


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(tmp_path_factory.mktemp("command"))
