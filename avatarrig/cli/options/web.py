"""Where the web page is served: the same options for every command that serves it."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import click

from avatarrig.cli.options.gathering import gathered
from avatarrig.cli.screen.printable import say
from avatarrig.errors import CommandError, ExitCode
from avatarrig.page.editing.access import Access, access_folder
from avatarrig.page.editing.links import address_of, is_loopback, opening_link
from avatarrig.page.settings import PageSettings
from avatarrig.photos.object_store import lies_in_store

DEFAULT_PORT = 6066


def check_address(option: str, host: str, port: int | None, otherwise: str) -> None:
    """Refuses an address that cannot be had, before anything is started for it.

    Args:
        port: Port to listen at; None for none.
        otherwise: What else to do than to name another port.

    Raises:
        CommandError: Somebody else listens there, or it is no address of this machine.
    """
    if port is None:
        return
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found[:1]:
            with socket.socket(family, kind, protocol) as tried:
                if os.name == "posix":
                    tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(address)
    except (OSError, UnicodeError) as error:
        if isinstance(error, socket.gaierror | UnicodeError):
            why, other = "there is no such host", "another host, such as 127.0.0.1"
        else:
            why, other = error.strerror or str(error), f"another port, {otherwise}"
        raise CommandError(
            f"{option} {port}: nothing can be served at {host}:{port} ({why}): name {other}",
            ExitCode.WRONG_USAGE,
        ) from error


def check_page_address(page: PageSettings) -> None:
    """Refuses an address of the page that cannot be had.

    Raises:
        CommandError: Somebody else listens there, or it is no address of this machine.
    """
    check_address("--web-port", page.host, page.port, "or 0 for no page")


def _page(
    *,
    web_host: str,
    web_port: int,
    web_name: tuple[str, ...],
    web_overlays: tuple[str, ...],
    web_edit: bool | None,
) -> PageSettings:
    for place in web_overlays:
        if lies_in_store(place):
            raise click.UsageError(
                f"--web-overlays: the page shows what lies in folders, not in {place}: copy the "
                "overlays into one, or mount the store"
            )
    may_edit = is_loopback(web_host) if web_edit is None else web_edit
    private = str(access_folder(web_port)) if web_port and may_edit else ""
    return PageSettings(web_host, web_port or None, web_name, web_overlays, private=private)


def announce_page(page: PageSettings) -> None:
    """Says where the page is, and how somebody may change things there.

    Raises:
        CommandError: Nobody could be let in: this user's state folder cannot be written.
    """
    if page.port is None:
        return
    say(f"skeletons: {address_of(page.host, page.port)}")
    if not page.private:
        return
    try:
        link = opening_link(page.host, page.port, Access.begin(Path(page.private)))
    except OSError as error:
        raise CommandError(
            f"{page.private} cannot be written ({error.strerror}): it would hold the key of those "
            "who may change things on the page; serve it with --no-web-edit"
        ) from error
    say("to add photos there, or to leave some out, open it once by this link:")
    say(f"  {link}")
    if not is_loopback(page.host) and sys.stdout.isatty():
        from avatarrig.pictures.qr import qr_lines

        for line in qr_lines(link):
            say(line)


web_options = gathered(
    "page",
    _page,
    click.option(
        "--web-host",
        default="127.0.0.1",
        show_default=True,
        help="Address that the web page listens at; others than this machine's own loopback let "
        "everybody look who reaches it.",
    ),
    click.option(
        "--web-port",
        type=click.IntRange(0, 65535),
        default=DEFAULT_PORT,
        show_default=True,
        help="Its port; 0 serves no page.",
    ),
    click.option(
        "--web-name",
        multiple=True,
        help="Host name under which it may be asked for, besides addresses and localhost.",
    ),
    click.option(
        "--web-overlays",
        type=click.Path(file_okay=False),
        multiple=True,
        help="Folder that detectors write to (their --out): its overlays are shown. Those in a "
        "store are not.",
    ),
    click.option(
        "--web-edit/--no-web-edit",
        default=None,
        show_default="where the page is served to this machine alone",
        help="Let those add photos on the page, and leave some out, who open it by the link that "
        "is printed, which is good once.",
    ),
)
"""Gives a command the options; it is called with one argument ``page`` for them all."""
