"""Reads the commands and examples out of the documentation.

A fenced block that cannot be run as it stands has a comment above it that says why:
``<!-- not run: REASON -->``, or ``<!-- needs the models -->`` for Python that loads them.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import msgspec
from support.rendered import write_rendered_run

ROOT = Path(__file__).parents[3]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_FENCE = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<mark>[^>]*) -->\n\s*)?```(?P<language>\w+)[^\n]*\n"
    r"(?P<code>.*?)\n *```$",
    re.MULTILINE | re.DOTALL,
)
_INLINE = re.compile(r"`(?P<code>avatarrig [^`\n]*|--[a-z][^`\n]*)`")


class Block(msgspec.Struct, frozen=True):
    """A fenced block.

    Attributes:
        page: Path within the repository.
        line: Line on which it begins.
        language: Such as ``sh`` or ``python``.
        code: What is in it, without its indentation.
        not_run: Why it cannot be run as it stands; empty where it can.
        needs_models: Whether it loads MediaPipe's models.
    """

    page: str
    line: int
    language: str
    code: str
    not_run: str
    needs_models: bool

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command; comments are left out."""
        joined = self.code.replace("\\\n", " ") if self.language == "sh" else self.code
        lines = (
            shlex.split(_posix(line, self.language), comments=True) for line in joined.splitlines()
        )
        return [words for words in lines if words]


def blocks(page: Path, *languages: str) -> list[Block]:
    """Lists a page's fenced blocks in these languages."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page=page.relative_to(ROOT).as_posix(),
            line=text.count("\n", 0, match.start("code")),
            language=match["language"],
            code=re.sub(f"^{match['indent']}", "", match["code"], flags=re.MULTILINE),
            not_run=(match["mark"] or "").partition("not run: ")[2],
            needs_models=match["mark"] == "needs the models",
        )
        for match in _FENCE.finditer(text)
        if match["language"] in languages
    ]


def mentions(page: Path) -> list[str]:
    """Lists the commands and options that stand within a page's sentences."""
    return [match["code"] for match in _INLINE.finditer(page.read_text(encoding="utf-8"))]


def _posix(line: str, language: str) -> str:
    return line.replace("\\", "/") if language == "powershell" else line


def checkout_with_runs(folder: Path) -> Path:
    """Makes a folder look like a checkout in which everything was run."""
    for name in ("scripts", "requirements", "inputs", "docs", "tests", "deploy", ".ci"):
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    for run in ("Demo", "Anna"):
        write_rendered_run(folder / "outputs" / "runs" / run, 3)
    (folder / "outputs/runs/Anna/audit.csv").write_text("image,label\n")
    return folder
