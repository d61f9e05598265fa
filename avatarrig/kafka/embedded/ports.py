"""Chooses loopback ports and remembers them, so that clients find a restarted broker again."""

from __future__ import annotations

import secrets
import socket
import sys
import threading
import time
from pathlib import Path

import msgspec

from avatarrig.files import read_file
from avatarrig.kafka.embedded.errors import BrokerError
from avatarrig.kafka.embedded.settings import HOST, Ports
from avatarrig.kafka.own_broker import write_private
from avatarrig.wire import decode_json

LOWEST, HIGHEST = 20_000, 32_767
"""Below the ports that systems hand out for outgoing connections (32768 on Linux, 49152
elsewhere): nobody's connection takes the port of a broker that restarts, and no client on
this machine connects to itself while the broker is down."""

ATTEMPTS = 200
POLL_S = 0.05


def choose_ports() -> Ports:
    """Returns two free ports. Raises BrokerError: Hardly any port is free."""
    client = _choose(excluded=0)
    return Ports(client, _choose(excluded=client))


def remembered_ports(file: Path) -> Ports:
    """Returns the ports that the file remembers where they are free, else new ones.

    Args:
        file: Where `remember_ports` wrote them; may be absent or damaged.
    """
    try:
        ports = decode_json(read_file(file), Ports)
    except (OSError, msgspec.DecodeError):
        return choose_ports()
    if ports.client == ports.controller or not (
        is_free(ports.client) and is_free(ports.controller)
    ):
        return choose_ports()
    return ports


def await_ports(ports: Ports, seconds: float, ending: threading.Event) -> Ports:
    """Waits until the ports of a broker that has just ended are free; returns them.

    They may lag behind its end: the kernel takes down what it had open one by one.

    Args:
        ending: Ends the wait, whether they are free or not.

    Raises:
        BrokerError: One is not free after that time.
    """
    deadline = time.monotonic() + seconds
    for port in (ports.client, ports.controller):
        while not is_free(port) and not ending.wait(POLL_S):
            if time.monotonic() > deadline:
                raise BrokerError(
                    f"Port {port} on {HOST}, which the embedded Kafka had, is taken by another "
                    "program: end that program and run the same command again, it resumes"
                )
    return ports


def remember_ports(file: Path, ports: Ports) -> None:
    """Writes the ports for the next start.

    Raises:
        OSError: They cannot be written.
    """
    write_private(file, msgspec.json.encode(ports))


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket() as probe:
        if sys.platform != "win32":
            # As Java does: connections that linger after a restart do not block the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError:
            return False
    return True


def _choose(excluded: int) -> int:
    for _ in range(ATTEMPTS):
        port = secrets.choice(range(LOWEST, HIGHEST + 1))
        if port != excluded and is_free(port):
            return port
    raise BrokerError(f"no free port between {LOWEST} and {HIGHEST} on {HOST}")
