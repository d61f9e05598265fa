"""The live page of a pipeline with some photos, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import quote

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, expect
from support.aggregators.aggregating import Aggregator, producer, send
from support.kafka import with_topics
from support.references import reference
from support.rendered import rendered
from support.waiting import PATIENCE

from aggregators.settings import AggregatorSettings
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.embedded.ports import choose_ports
from avatarrig.page.editing.access import Access
from avatarrig.page.settings import PageSettings
from avatarrig.wire import Reject, encode
from avatarrig.wire.topics import REJECTS

PATIENCE_MS = 1000 * PATIENCE
Scheme = Literal["light", "dark"]
expect.set_options(timeout=PATIENCE_MS)
HOSTILE = "<img src=x onerror=alert(1)>/../%2e \"' & 人"
SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844},
}


class Pipeline:
    """A broker with some photos, and an aggregator that serves the page."""

    def __init__(self, broker: EmbeddedBroker, folder: Path, *, people: bool = False) -> None:
        self.kafka = with_topics(broker, 2)
        self.folder = folder
        self.run = folder / "run"
        self._port = choose_ports().client
        self._sent = 0
        self._people = people
        self.watched = folder / "watched"
        self.watched.mkdir()
        self.access = Access.begin(folder / "access")
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def subject(self, name: str) -> str:
        return f"{self.url}/subject?name={quote(name, safe='')}"

    def link(self, url: str) -> str:
        """A link that lets whoever opens it change things."""
        return f"{url}#open={self.access.invite()}"

    def start(self) -> None:
        settings = AggregatorSettings(
            kafka=self.kafka,
            worker="0",
            window_days=30,
            page=PageSettings(
                port=self._port,
                overlays=(str(self.run),),
                watched=str(self.watched),
                people=self._people,
                private=str(self.folder / "access"),
            ),
        )
        self.worker = Aggregator(settings, self.folder)
        self.worker.wait_until("working")

    def observe(self, count: int, subject: str = "Anna") -> None:
        with producer(self.kafka) as client:
            numbers = range(self._sent, self._sent + count)
            send(client, [rendered(number, subject=subject) for number in numbers])
        self._sent += count

    def reject(self, path: str, message: str) -> None:
        reject = Reject(
            reason="unreadable",
            message=message,
            attempts=3,
            rejected_at=1.76e9,
            reference=reference(path, subject="Anna"),
        )
        with producer(self.kafka) as client:
            client.send(REJECTS, key=path.encode(), value=encode(reject))
            client.flush()


class Witness:
    """Notes what must not happen while a page is open."""

    def __init__(self, page: Page, own: str) -> None:
        self._own = own
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        # A restart of the server is told there, too; tests that restart it say so.
        # So is what drawing in software warns of.
        if message.type in {"error", "warning"} and "GL Driver Message" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith(f"{self._own}/"):
            self.complaints.append(f"asked elsewhere: {request.url}")


def opened(browser: Browser, url: str, scheme: Scheme, size: str) -> Page:
    """A page in a context of its own, once it follows the pipeline."""
    page = browser.new_context(viewport=SIZES[size], color_scheme=scheme).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    expect(page.locator("#connection")).to_have_text("live")
    return page
