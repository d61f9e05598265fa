"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import time
from collections.abc import Generator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from support.texts import texts

pytest_plugins = [
    "support.kafka",
    "support.photos",
    "support.real_photos",
    "support.replicas",
    "support.deploy.s3",
]

# Unit tests are for running all the time; and how long an example takes says more about the
# machine than about the code.
settings.register_profile("quick", max_examples=25, deadline=None)
settings.load_profile("quick")
st.register_type_strategy(str, texts())

_CPU_SECONDS: dict[str, float] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Adds up what the tests themselves take of this process, suite by suite."""
    before = time.process_time()
    try:
        return (yield)
    finally:
        _add({item.nodeid.split("/")[1]: time.process_time() - before})


def _add(spent: dict[str, float]) -> None:
    for suite, seconds in spent.items():
        _CPU_SECONDS[suite] = _CPU_SECONDS.get(suite, 0.0) + seconds


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Adds what another process has added up."""
    _add(getattr(node, "workeroutput", {}).get("cpu", {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["cpu"] = dict(_CPU_SECONDS)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    spent = ", ".join(f"{suite} {seconds:.1f} s" for suite, seconds in _CPU_SECONDS.items())
    terminalreporter.write_line(f"CPU of the tests' bodies: {spent or 'none'}")
