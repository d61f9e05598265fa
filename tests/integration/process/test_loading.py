"""Processes load what they use, since each loads it anew at every start."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("modules", "left_out"),
    [
        ("avatarrig", ("numpy", "avatarrig.body.estimator", "avatarrig.runs")),
        ("avatarrig.cli", ("kafka", "avatarrig.body.estimator", "avatarrig.runs")),
    ],
    ids=["the package", "the command line"],
)
def test_what_is_not_used_is_not_loaded(modules: str, left_out: tuple[str, ...]) -> None:
    assert not set(left_out) & _loaded_by(f"import {modules}")


@pytest.mark.parametrize("command", ["export", "fit", "report", "compare", "review", "exclude"])
def test_commands_that_may_do_without_kafka_do_not_load_its_library(command: str) -> None:
    assert "kafka" not in _loaded_by(f"import avatarrig.cli.commands.{command}")


def test_settings_of_kafka_are_there_without_its_library() -> None:
    assert "kafka" not in _loaded_by("import avatarrig.kafka.errors, avatarrig.kafka.settings")


_WITHOUT_A_PAGE = """
import asyncio
from prometheus_client import CollectorRegistry
from aggregators import __main__ as aggregator, worker
from aggregators.settings import AggregatorSettings
from avatarrig.kafka.settings import KafkaSettings

async def serve():
    settings = AggregatorSettings(kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    async with aggregator._page_beside(settings, CollectorRegistry()) as ready:
        ready()

asyncio.run(serve())
"""


def test_an_aggregator_that_serves_no_page_loads_none() -> None:
    loaded = _loaded_by(_WITHOUT_A_PAGE)
    assert "aggregators.app" in loaded
    assert not {"avatarrig.page.beside", "avatarrig.page.page", "avatarrig.views"} & loaded


def _loaded_by(program: str) -> set[str]:
    """Modules that a new interpreter has once it ran a program."""
    program += "\nimport json, sys\njson.dump(sorted(sys.modules), sys.stdout)"
    process = subprocess.run(
        (sys.executable, "-c", program), capture_output=True, text=True, check=True
    )
    return set(json.loads(process.stdout))


def test_the_package_gives_its_public_names_when_they_are_asked_for() -> None:
    import avatarrig  # what it has is asked of it as a program does

    assert {"Estimator", "Run", "load_run"} <= set(dir(avatarrig))
    assert avatarrig.load_run.__module__ == "avatarrig.runs.loaded"
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = avatarrig.nothing
