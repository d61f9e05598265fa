"""Where the page is served, and what it may show."""

from __future__ import annotations

import msgspec


class PageSettings(msgspec.Struct, frozen=True):
    """Where the page is served, and what it may show.

    Attributes:
        host: Address that it is bound to.
        port: None for no page.
        names: Host names under which it may be asked for, besides addresses and ``localhost``.
        overlays: Run directories whose overlays it may show.
        watched: Where photos are taken from, for a person; empty where that is not known here.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    names: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()
    watched: str = ""
