"""The end of a run: what is half-written is removed when nobody writes any more."""

from __future__ import annotations

import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from avatarrig.kafka.settings import KafkaSettings
from avatarrig.pipeline import session
from avatarrig.pipeline.session import Session
from avatarrig.process.signals import Interruption


def given(it: object, *_: object, **__: object) -> object:
    """Whatever is asked."""
    return it


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session of which all is done when it has begun."""
    made: dict[str, object] = {
        "_memberships": nullcontext(),
        "_create_topics": True,
        "_caught_up": SimpleNamespace(poll=lambda _: ()),
        "_publishing": (
            SimpleNamespace(start=lambda _: None, stop=lambda: None),
            SimpleNamespace(is_mending=False),
            None,
        ),
        "_is_done": True,
    }
    nothing = ("_kafka", "_enter", "_take", "_start_what_is_needed", "_look_after", "_tell")
    for step, it in (made | dict.fromkeys(nothing)).items():
        monkeypatch.setattr(Session, step, functools.partial(given, it))
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:9")
    run = SimpleNamespace(
        request=SimpleNamespace(kafka=kafka, tells_measured=False),
        directory=SimpleNamespace(logs=None),
    )
    progress = SimpleNamespace(take=lambda *_: (), counts=SimpleNamespace(waiting=0))
    display = SimpleNamespace(note=print)
    return Session(cast("Any", run), cast("Any", progress), cast("Any", display), started=0.0)


def test_what_is_half_written_is_removed_when_the_results_are_written(
    done: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are written beside while the parts end, and may take longer than those."""
    is_waited_for, is_written = threading.Event(), threading.Event()
    removed: list[bool] = []

    class Beside(ThreadPoolExecutor):
        def __exit__(self, *error: object) -> None:
            is_waited_for.set()
            self.shutdown()

    def write() -> str:
        is_waited_for.wait()
        is_written.set()
        return "results"

    monkeypatch.setattr(session, "ThreadPoolExecutor", Beside)
    vars(done._directory)["remove_unfinished"] = lambda: removed.append(is_written.is_set())
    assert done.carry_out(Interruption(), write) == "results"
    assert removed == [True]
