"""A signal that comes at the worst of moments: while its event's own lock is held."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from avatarrig.process.signals import Interruption

LONG_ENOUGH = 60.0

AT_THE_WORST_MOMENT = """
import os, signal
{make}
with stop._cond:
    os.kill(os.getpid(), signal.SIGTERM)
    ran = True  # the handler has run by now
assert stop.wait(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="a process sends itself no SIGTERM there")
@pytest.mark.parametrize(
    "make",
    [
        "from avatarrig.process.child import stop_on_signals; stop = stop_on_signals()",
        "from avatarrig.process.signals import *; to = stop_on_signals(); stop = to.__enter__()",
    ],
    ids=["child", "command"],
)
def test_a_signal_is_heard_while_the_main_thread_holds_the_lock_of_its_event(make: str) -> None:
    script = AT_THE_WORST_MOMENT.format(make=make)
    subprocess.run([sys.executable, "-c", script], check=True, timeout=LONG_ENOUGH)


def test_a_signal_is_heard_where_no_thread_is_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when Python ends."""

    def refused(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("_thread.start_new_thread", refused)
    with Interruption() as interruption:
        interruption.be_polite()
        signal.raise_signal(signal.SIGTERM)
        assert interruption.stop.is_set()


def test_a_second_signal_insists_however_soon_it_comes() -> None:
    with Interruption() as interruption:
        interruption.be_polite()
        signal.raise_signal(signal.SIGTERM)
        assert interruption.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert interruption.stop.wait(LONG_ENOUGH)
