"""Where the page is served, and what it may show."""

from __future__ import annotations

import msgspec

from avatarrig.errors import AvatarRigError


class AddressInUseError(AvatarRigError, RuntimeError):
    """The web server cannot have the address that it was told to listen on."""


class PageSettings(msgspec.Struct, frozen=True):
    """Where the page is served, and what it may show.

    Attributes:
        host: Address that it is bound to.
        port: None for no page.
        names: Host names under which it may be asked for, besides addresses and ``localhost``.
        overlays: Run directories whose overlays it may show.
        watched: Where photos are taken from, for a person; empty where that is not known here.
        people: Whether each first-level folder there holds the photos of somebody else.
        private: Folder with the token of those who may change something; empty where nobody may.
        models: Folder to look for the faces' model files in first; empty for none.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    names: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()
    watched: str = ""
    people: bool = False
    private: str = ""
    models: str = ""

    @property
    def inbox(self) -> str | None:
        """The watched folder, where photos can be put into it from the page."""
        return self.watched if self.watched and "://" not in self.watched else None

    @property
    def no_inbox(self) -> str:
        """Why no photo can be put anywhere from the page; empty where it can."""
        if not self.watched:
            return (
                "no folder is watched by this command: photos are added where avatarrig ingest or "
                "avatarrig up runs"
            )
        if self.inbox is None:
            return f"photos are taken from a store: put them into {self.watched}"
        return ""
