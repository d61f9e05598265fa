"""The aggregator's settings are refused with the name of what is wrong."""

from __future__ import annotations

import msgspec
import pytest

from aggregators.settings import AggregatorSettings


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "truncated"),
        (b"{}", "kafka"),
        (b'{"kafka": {"bootstrap_servers": "nowhere"}}', "host:port"),
        (b'{"kafka": {"bootstrap_servers": "a:1"}, "grup": "x"}', "grup"),
        (b'{"kafka": {"bootstrap_servers": "a:1"}, "page": {"port": 0}}', "page.port"),
        (b'{"kafka": {"bootstrap_servers": "a:1"}, "window_days": 0}', "window_days"),
        (b'{"kafka": {"bootstrap_servers": "a:1"}, "group": ""}', "group"),
        (b'{"kafka": {"bootstrap_servers": "a:1"}, "stuck_after": 0}', "stuck_after"),
    ],
)
def test_settings_that_do_not_fit_are_named(text: bytes, complaint: str) -> None:
    with pytest.raises(msgspec.DecodeError, match=complaint):
        msgspec.json.decode(text, type=AggregatorSettings)
