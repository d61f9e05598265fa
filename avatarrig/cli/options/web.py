"""Where the web page is served: the same options for every command that serves it."""

from __future__ import annotations

import click

from avatarrig.cli.options.gathering import gathered
from avatarrig.page.settings import PageSettings
from avatarrig.photos.object_store import lies_in_store

DEFAULT_PORT = 6066


def _page(
    *,
    web_host: str,
    web_port: int,
    web_name: tuple[str, ...],
    web_overlays: tuple[str, ...],
) -> PageSettings:
    for place in web_overlays:
        if lies_in_store(place):
            raise click.UsageError(
                f"--web-overlays: the page shows what lies in folders, not in {place}: copy the "
                "overlays into one, or mount the store"
            )
    return PageSettings(web_host, web_port or None, web_name, web_overlays)


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
)
"""Gives a command the options; it is called with one argument ``page`` for them all."""
