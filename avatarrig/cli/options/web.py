"""Where the web page is served: the same options for every command that serves it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from avatarrig.page.settings import PageSettings
from avatarrig.photos.object_store import lies_in_store

DEFAULT_PORT = 6066
_OPTIONS = (
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


def web_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options; it is called with one argument ``page`` for them all."""

    @functools.wraps(command)
    def gathered(
        *,
        web_host: str,
        web_port: int,
        web_name: tuple[str, ...],
        web_overlays: tuple[str, ...],
        **given: Any,  # noqa: ANN401 - click's parameters
    ) -> Any:  # noqa: ANN401 - the command's own
        for place in web_overlays:
            if lies_in_store(place):
                raise click.UsageError(
                    f"--web-overlays: the page shows what lies in folders, not in {place}: copy "
                    "the overlays into one, or mount the store"
                )
        page = PageSettings(web_host, web_port or None, web_name, web_overlays)
        return command(page=page, **given)

    decorated: Callable[..., Any] = gathered
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
