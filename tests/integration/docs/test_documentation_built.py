"""What the documentation's examples in Python say is true, and its site can be built."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.cli.documentation import PAGES, ROOT, Block, blocks, checkout_with_runs

SITE_SECONDS = 240
PYTHON = [block for page in PAGES for block in blocks(page, "python")]
ELSEWHERE = re.compile(r"[a-z]+://|mailto:")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout_with_runs(tmp_path_factory.mktemp("checkout"))


def test_there_are_examples() -> None:
    assert PYTHON


@pytest.mark.parametrize(
    "block",
    [block for block in PYTHON if not block.needs_models],
    ids=lambda block: f"{block.page}:{block.line}",
)
def test_examples_in_python_run(block: Block, checkout: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", block.code],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr


class Fetched(HTMLParser):
    """Collects what a browser fetches to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") in {"canonical", "next", "prev"}:
            return
        if tag != "a":
            self.addresses += [given[key] or "" for key in ("src", "href") if key in given]


def test_the_site_is_built_without_a_warning_and_fetches_from_nowhere_else(tmp_path: Path) -> None:
    site = tmp_path / "site"
    process = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=SITE_SECONDS,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    for page in site.rglob("*.html"):
        parser = Fetched()
        parser.feed(page.read_text(encoding="utf-8"))
        foreign = [address for address in parser.addresses if ELSEWHERE.match(address)]
        assert not [each for each in foreign if not each.startswith("data:")], page
    settings = (site / "reference/settings/index.html").read_text(encoding="utf-8")
    assert "AVATARRIG_RUN_WORKERS" in settings
    commands = (site / "reference/commands/index.html").read_text(encoding="utf-8")
    assert "--debug-overlays" in commands
    assert (site / "reference/schemas/Observation.schema.json").is_file()
