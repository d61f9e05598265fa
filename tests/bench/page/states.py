"""Takes pictures of the live page in named states, for a person to look at.

It drives a page that is served by now, such as that of ``avatarrig up inputs/datasets/Demo --out
/tmp/live --debug-overlays``, on a desktop and a phone, light and dark. Beside the pictures it says
what a machine can see: console errors, what is cut off at the right, elements of the page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import FilePayload, Page, ViewportSize

sys.path.insert(0, str(Path(__file__).parents[2]))
from support.browser.chromium import chromium
from support.command import DEMO

SCREENS = {
    "desktop-light": ({"width": 1280, "height": 900}, "light"),
    "desktop-dark": ({"width": 1280, "height": 900}, "dark"),
    "phone-light": ({"width": 390, "height": 844}, "light"),
    "phone-dark": ({"width": 390, "height": 844}, "dark"),
}
WITHOUT_WEBGL = """
  const getContext = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
    return kind.startsWith("webgl") ? null : getContext.call(this, kind, ...more);
  };
"""
Reach = Callable[["Visit"], None]


class Visit:
    """A browser's visit to a page, with a key or without."""

    def __init__(self, page: Page, url: str, subject: str, key: str) -> None:
        self.page, self.url, self.subject, self.key = page, url, subject, key

    def go(self, path: str, *, unlocked: bool = True) -> None:
        self.page.goto(f"{self.url}{path}")
        if unlocked and self.key:
            self.page.evaluate("key => localStorage.setItem('avatarrig-key', key)", self.key)
            self.page.reload()
        self.page.wait_for_selector("#connection[data-state=live]")

    def of_subject(self, *, unlocked: bool = True) -> None:
        self.go(f"/subject?name={self.subject}", unlocked=unlocked)
        self.page.wait_for_selector("#photos li")

    def view(self, number: int = 0, *, unlocked: bool = True) -> None:
        self.of_subject(unlocked=unlocked)
        self.page.locator("#photos .picture").nth(number).click()
        self.page.wait_for_selector("#viewer[open]")


def overview_locked(visit: Visit) -> None:
    visit.go("/", unlocked=False)


def overview_unlocked(visit: Visit) -> None:
    visit.go("/")


def overview_searched(visit: Visit) -> None:
    visit.go("/")
    visit.page.fill("#photo-search", "01")
    visit.page.wait_for_timeout(1500)


def nothing_found(visit: Visit) -> None:
    visit.go("/")
    visit.page.fill("#photo-search", "no such photo")
    visit.page.wait_for_timeout(1500)


def wrong_key(visit: Visit) -> None:
    visit.go("/", unlocked=False)
    visit.page.fill("#key", "wrong")
    visit.page.click("#unlock button")
    visit.page.wait_for_selector("#unlock-words:not(:empty)")


def used_link(visit: Visit) -> None:
    visit.page.goto(f"{visit.url}/#open=used-before")
    visit.page.wait_for_selector("#unlock-words:not(:empty)")


def from_a_phone(visit: Visit) -> None:
    visit.go("/")
    if visit.page.locator("#from-phone").is_visible():  # not on a phone itself
        visit.page.click("#from-phone")
        visit.page.wait_for_selector("#phone p")


def photos_added(visit: Visit) -> None:
    """The same photo each time: it is added once."""
    visit.go("/")
    whose = visit.page.locator("#whose")
    if whose.count():
        whose.fill(visit.subject)
    photo = min(DEMO.glob("*.jpg"))
    visit.page.set_input_files("#files", [photo])
    visit.page.wait_for_selector("#sent-words:not(:empty)")


def nothing_sent_was_a_photo(visit: Visit) -> None:
    visit.go("/")
    files = [("notes.txt", b"text"), ("film.mp4", b"film"), ("fake.jpg", b"no picture")]
    visit.page.set_input_files(
        "#files",
        [FilePayload(name=name, mimeType="image/jpeg", buffer=data) for name, data in files],
    )
    visit.page.locator("#unsent li").nth(2).wait_for()


def subject_whole(visit: Visit) -> None:
    visit.of_subject()


def subject_locked(visit: Visit) -> None:
    visit.of_subject(unlocked=False)


def subject_turned(visit: Visit) -> None:
    visit.of_subject()
    if visit.page.locator("[data-solid=yes]").is_visible():
        visit.page.click("[data-solid=yes]")
        visit.page.wait_for_selector("#solid canvas")


def subject_without_webgl(visit: Visit) -> None:
    visit.page.add_init_script(WITHOUT_WEBGL)
    visit.of_subject()


def charts_by_time(visit: Visit) -> None:
    visit.of_subject()
    visit.page.click("[data-across=time]")


def photo_open(visit: Visit) -> None:
    visit.view()


def photo_open_locked(visit: Visit) -> None:
    visit.view(unlocked=False)


def photo_left_out(visit: Visit) -> None:
    visit.view(1)
    visit.page.click("#viewer-buttons button")
    visit.page.wait_for_selector("#viewer-verdict.out")


def photos_left_out_alone(visit: Visit) -> None:
    visit.of_subject()
    visit.page.wait_for_selector("#photo-reason option[value=left_out]", state="attached")
    visit.page.select_option("#photo-reason", "left_out")
    visit.page.wait_for_timeout(1500)


def photo_put_back(visit: Visit) -> None:
    photos_left_out_alone(visit)
    visit.page.locator("#photos .small").first.click()
    visit.page.wait_for_selector("#told:not([hidden])")


def photo_not_of_the_person(visit: Visit) -> None:
    visit.view(2)
    visit.page.locator("#viewer-buttons button").nth(1).click()
    visit.page.wait_for_selector("#viewer-verdict.out")


def photo_of_the_person_after_all(visit: Visit) -> None:
    visit.of_subject()
    visit.page.select_option("#photo-reason", "somebody_else")
    visit.page.wait_for_timeout(1500)
    visit.page.locator("#photos .small").first.click()
    visit.page.wait_for_selector("#told:not([hidden])")


def compared(visit: Visit) -> None:
    visit.go(f"/compare?a={visit.subject}", unlocked=False)


def nobody_of_that_name(visit: Visit) -> None:
    visit.page.goto(f"{visit.url}/subject?name=Nobody")


STATES: tuple[Reach, ...] = (
    overview_locked,
    overview_unlocked,
    overview_searched,
    nothing_found,
    wrong_key,
    used_link,
    from_a_phone,
    photos_added,
    nothing_sent_was_a_photo,
    subject_whole,
    subject_locked,
    subject_turned,
    subject_without_webgl,
    charts_by_time,
    photo_open,
    photo_open_locked,
    photo_left_out,
    photos_left_out_alone,
    photo_put_back,
    photo_not_of_the_person,
    photo_of_the_person_after_all,
    compared,
    nobody_of_that_name,
)
"""Those that change something are followed by the one that takes it back."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="where the page is, such as http://127.0.0.1:6066")
    parser.add_argument("subject", help="one that it shows")
    parser.add_argument("--key", type=Path, help="the file `token` of the command that serves it")
    parser.add_argument("--out", type=Path, default=Path("out/page-states"))
    parser.add_argument("--screens", nargs="*", default=[*SCREENS], choices=[*SCREENS])
    parser.add_argument("--states", nargs="*", default=[], help="only these")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    key = given.key.read_text().strip() if given.key else ""
    with chromium("--use-angle=swiftshader", "--enable-unsafe-swiftshader") as browser:
        for screen in given.screens:
            size, scheme = SCREENS[screen]
            for reach in STATES:
                if given.states and reach.__name__ not in given.states:
                    continue
                phone = screen.startswith("phone")
                context = browser.new_context(
                    viewport=ViewportSize(width=size["width"], height=size["height"]),
                    color_scheme="dark" if scheme == "dark" else "light",
                    has_touch=phone,
                    is_mobile=phone,
                )
                seen = _look(Visit(context.new_page(), given.url, given.subject, key), reach)
                name = f"{reach.__name__}-{screen}.png"
                seen["page"].screenshot(path=given.out / name, full_page=not seen["viewing"])
                print(f"{name}: {seen['words']}", flush=True)
                context.close()


def _look(visit: Visit, reach: Reach) -> dict[str, Any]:
    said: list[str] = []
    visit.page.set_default_timeout(60_000)
    visit.page.on("pageerror", lambda error: said.append(f"error: {error}"))
    try:
        reach(visit)
    except Exception as error:  # noqa: BLE001 - the other states are looked at all the same
        said.append(f"not reached: {str(error).splitlines()[0]}")
    visit.page.wait_for_timeout(700)
    wide, window, elements = visit.page.evaluate(
        "[document.documentElement.scrollWidth, innerWidth, document.querySelectorAll('*').length]"
    )
    if wide > window:
        said.append(f"{wide - window} pixels beyond the right edge")
    viewing = visit.page.locator("#viewer[open]").count() > 0
    words = f"{elements} elements" + "".join(f"; {each}" for each in said)
    return {"page": visit.page, "viewing": viewing, "words": words}


if __name__ == "__main__":
    main()
