"""Links that let a browser change things, each good once."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Final

from avatarrig.errors import AvatarRigError

if TYPE_CHECKING:
    from avatarrig.page.editing.access import Access

_SOMEWHERE: Final = {4: "192.0.2.1", 6: "2001:db8::1"}
"""Addresses for documentation (RFC 5737, RFC 3849): nothing is sent there, a route is chosen."""


class NotReachableError(AvatarRigError, ValueError):
    """No other device can reach the page; the message says what to do."""


def is_loopback(host: str) -> bool:
    """Tells whether what listens at an address is reached from this machine alone."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address_of(host: str, port: int, scheme: str = "http") -> str:
    """Where a browser finds what listens at a host and port.

    Args:
        host: That it is bound to; of all addresses, the one towards other machines is taken.
    """
    try:
        bound = ipaddress.ip_address(host)
    except ValueError:
        return f"{scheme}://{host}:{port}/"
    address = _towards_others(bound.version) or bound if bound.is_unspecified else bound
    if address.is_unspecified:
        return f"{scheme}://localhost:{port}/"
    written = f"[{address}]" if isinstance(address, ipaddress.IPv6Address) else str(address)
    return f"{scheme}://{written}:{port}/"


def opening_link(host: str, port: int, access: Access, scheme: str = "http") -> str:
    """Makes a link that lets whoever opens it first change things."""
    return f"{address_of(host, port, scheme)}#open={access.invite()}"


def link_to(host: str, port: int, access: Access, scheme: str = "http") -> str:
    """Makes such a link for another device.

    Raises:
        NotReachableError: The page listens on this machine alone.
    """
    if is_loopback(host):
        raise NotReachableError(
            "the page is served to this machine alone: start the command with --web-host 0.0.0.0 "
            "--web-edit, and open its link here"
        )
    return opening_link(host, port, access, scheme)


def _towards_others(version: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    family = {4: socket.AF_INET, 6: socket.AF_INET6}[version]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((_SOMEWHERE[version], 9))
            return ipaddress.ip_address(probe.getsockname()[0])
    except (OSError, ValueError):
        return None
