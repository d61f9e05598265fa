"""three-vrm in a browser, as one loads avatars with it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, Route

SIZE = 600
_ADDRESS = "http://viewer.test"
_BACKGROUND = np.array([221, 0, 221])
_TYPES = {".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm"}
_PATIENCE = 120_000  # milliseconds


class Shown:
    """An avatar that a page shows.

    Args:
        page: The page.
        told: What three-vrm understood of it.
        errors: What the page complained of.
    """

    def __init__(self, page: Page, told: dict[str, Any], errors: list[str]) -> None:
        self._page = page
        self.told = told
        self.errors = errors

    def picture(self) -> np.ndarray:
        """What is seen: (600, 600, 3)."""
        data = self._page.locator("canvas").screenshot()
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    def outline(self) -> np.ndarray:
        """Where the avatar is: (600, 600)."""
        apart = np.abs(self.picture().astype(int) - _BACKGROUND).max(axis=2)
        seen: np.ndarray = apart > 24
        return seen

    def move(self) -> None:
        """Bends arms and a leg, opens the mouth, lets springs settle."""
        self._page.evaluate("window.move()")

    def play(self, second: float) -> dict[str, list[float]]:
        """Plays the first clip up to some second; gives the places of all bones."""
        places: dict[str, list[float]] = self._page.evaluate("s => window.play(s)", second)
        return places


class Viewer:
    """Opens avatars, each on a page of its own.

    Args:
        browser: The browser.
        folder: Where the page and node_modules lie.
    """

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._folder = folder

    def open(self, file: Path, *, tall: float) -> Shown:
        """Opens an avatar, and shows so much of the scene."""
        page = self._browser.new_page(viewport={"width": SIZE, "height": SIZE})
        page.set_default_timeout(_PATIENCE)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.route(f"{_ADDRESS}/**", lambda route: self._answer(route, file))
        page.goto(f"{_ADDRESS}/viewer.html")
        page.wait_for_function("window.ready")
        told = page.evaluate("([url, tall]) => window.load(url, tall)", ["/avatar.glb", tall])
        return Shown(page, told, errors)

    def _answer(self, route: Route, file: Path) -> None:
        name = route.request.url.removeprefix(_ADDRESS).lstrip("/")
        path = file if name == "avatar.glb" else self._folder / name
        if not path.is_file():
            route.fulfill(status=404)
            return
        kind = _TYPES.get(path.suffix, "application/octet-stream")
        route.fulfill(status=200, content_type=kind, body=path.read_bytes())
