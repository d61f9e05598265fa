"""A real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Opens Debian's Chromium, and closes it afterwards.

    Args:
        arguments: For the browser, beside those that it always gets.
    """
    program = shutil.which("chromium")
    assert program is not None, "install chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", *arguments]
        )
        yield browser
        browser.close()
