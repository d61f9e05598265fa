"""Addresses that nothing can be served at are told before anything is started."""

from __future__ import annotations

import socket

import pytest

from avatarrig.cli.options.web import check_address
from avatarrig.errors import CommandError, ExitCode


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "é" * 64, "\udcff"])
def test_a_name_that_no_host_has_is_told(host: str) -> None:
    with pytest.raises(CommandError, match=r"no such host.*name another host") as refused:
        check_address("--web-port", host, 6066, "or 0 for no page")
    assert refused.value.exit_code is ExitCode.WRONG_USAGE


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=r"name another port, or 0 for no page"):
            check_address("--web-port", "127.0.0.1", port, "or 0 for no page")
