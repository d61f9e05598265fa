"""What the documentation says can be typed, and leads where it says."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import click
import pytest
from support.cli.documentation import PAGES, ROOT, Block, blocks, checkout_with_runs, mentions

from avatarrig.cli import ENVIRONMENT_PREFIX, avatarrig, with_command
from avatarrig.cli.examples import EXAMPLES
from avatarrig.cli.options.settings_file import read_settings_file

SHELL = [block for page in PAGES for block in blocks(page, "sh", "powershell")]
TOML = [block for page in PAGES for block in blocks(page, "toml")]
SUITES = {"unit", "integration", "e2e", "chaos"}
ELSEWHERE = re.compile(r"[a-z]+://|mailto:")


def name_of(block: Block) -> str:
    return f"{block.page}:{block.line}"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout_with_runs(tmp_path_factory.mktemp("checkout"))


@pytest.fixture
def in_checkout(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(checkout)
    for variable in os.environ:
        if variable.startswith(ENVIRONMENT_PREFIX):
            monkeypatch.delenv(variable)
    return checkout


@pytest.fixture(autouse=True)
def nothing_is_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are parsed to the end, but not run; photos, shares and secrets may be missing."""
    monkeypatch.setattr(click.Command, "invoke", lambda _command, _context: None)
    monkeypatch.setattr(click.Path, "convert", lambda _type, value, *_: value)


def check_avatarrig(words: list[str]) -> None:
    if {"-h", "--help", "--version"} & set(words):
        words = [word for word in words if word not in {"-h", "--help", "--version"}]
        names = [name for name, _ in walk()]
        assert words == [] or " ".join(words) in names, words
        return
    avatarrig.main(with_command(words), "avatarrig", standalone_mode=False)


def check_script(words: list[str]) -> None:
    script = ROOT / words[0]
    assert os.access(script, os.X_OK) or script.suffix == ".py"
    if script.name == "test":
        suites = [word for word in words[1:] if not word.startswith("-")]
        assert not suites or suites[0] in SUITES


def check_pip(words: list[str]) -> None:
    for option, value in pairwise(words):
        if option == "-r":
            assert (ROOT / value).is_file()


def check_python(words: list[str]) -> None:
    match words:
        case ["-m", "venv", *_]:
            return
        case ["-m", "pip", *rest]:
            check_pip(rest)
        case [script, *rest]:
            check_script([script, *rest])
        case _:
            pytest.fail(f"python {words}")


def check_files(words: list[str]) -> None:
    """Files that are named with a pattern are there; what is copied to need not be."""
    for word in words:
        if any(sign in word for sign in "?*["):
            assert list(ROOT.glob(word)), word


def check_named_files(words: list[str]) -> None:
    """Files and folders of this repository that are named with -f or -k are there."""
    for option, value in pairwise(words):
        if option in {"-f", "--file", "-k", "--kustomize"}:
            assert (ROOT / value).exists(), value


def anything(words: list[str]) -> None:
    """Not a program of this repository: nothing to check."""
    del words


PROGRAMS: dict[str, Callable[[list[str]], None]] = {
    "avatarrig": check_avatarrig,
    "python": check_python,
    "python3": check_python,
    "py": check_python,
    "pip": check_pip,
    "cp": check_files,
    "export": anything,
    "mkdir": anything,
    "openssl": anything,
    "systemctl": anything,
    ".": anything,
    "apt-get": anything,
    "blender": anything,
    "mkdocs": anything,
    "curl": anything,
    "docker": check_named_files,
    "kubectl": check_named_files,
}


def check(words: list[str]) -> None:
    while words[0] == "sudo" or re.fullmatch(r"[A-Z][A-Z_]*=.*", words[0]):
        words = words[1:]
    program = words[0].rpartition("/")[2] or words[0]
    if words[0].startswith(("scripts/", ".ci/", "tests/")):
        check_script(words)
        return
    assert program in PROGRAMS, f"tell this test how to check {program!r}"
    PROGRAMS[program](words[1:])


@pytest.mark.parametrize("block", SHELL, ids=name_of)
def test_commands_can_be_typed(block: Block, in_checkout: Path) -> None:
    for words in block.commands:
        try:
            check(words)
        except click.ClickException as error:
            pytest.fail(f"{block.page}:{block.line}: {shlex.join(words)}: {error.message}")


@pytest.mark.parametrize(
    "command",
    [
        "avatarrig photos --no-such-option",
        "avatarrig fit",
        "avatarrig export run --format obj",
        "avatarrig topics remove",
        "docker compose -f deploy/nowhere.yaml up",
        "scripts/nowhere",
        "scripts/test nosuite",
        "frobnicate",
    ],
)
def test_a_command_that_cannot_be_typed_would_be_noticed(command: str, in_checkout: Path) -> None:
    with pytest.raises((AssertionError, click.ClickException)):
        check(shlex.split(command))


def walk(group: click.Group = avatarrig, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Lists all commands by what is typed after ``avatarrig``."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield prefix + name, command
        if isinstance(command, click.Group):
            yield from walk(command, f"{prefix}{name} ")


def options_of(*commands: click.Command) -> set[str]:
    return {
        option
        for command in commands
        for parameter in command.get_params(click.Context(command))
        for option in (*parameter.opts, *parameter.secondary_opts)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_and_options_in_sentences_exist(page: Path) -> None:
    commands = dict(walk())
    every = options_of(avatarrig, *commands.values())
    for mention in mentions(page):
        words = mention.split()
        named = [part for word in words for part in re.findall(r"^--[a-z-]*[a-z]", word)]
        if words[0] != "avatarrig":
            some = [option for option in every if option.startswith(named[0])]
            assert named[0] in every or ("…" in mention and some), mention
            continue
        known = [name for name in commands if f"{mention[10:]} ".startswith(f"{name} ")]
        command = commands[max(known, key=len)] if known else commands["run"]
        assert known or words[1] == words[1].upper() or words[1].startswith("-"), mention
        if "…" not in mention:
            assert set(named) <= options_of(command, avatarrig), mention


@pytest.mark.parametrize("block", TOML, ids=name_of)
def test_settings_files_can_be_read(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "avatarrig.toml"
    file.write_text(block.code, encoding="utf-8")
    assert read_settings_file(file, dict(walk()).get)


def test_every_block_that_is_not_run_says_why() -> None:
    assert all(len(block.not_run) > 10 for block in SHELL if block.not_run)
    assert {block.page for block in SHELL} >= {"README.md", "docs/tutorial.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if ELSEWHERE.match(target):
            continue
        path, _, heading = target.partition("#")
        file = page if not path else (page.parent / path).resolve()
        assert file.exists(), target
        if heading:
            assert heading in anchors(file), target


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_of_the_repository_that_are_named_are_there(page: Path) -> None:
    named = re.findall(
        r"`((?:\./)?(?:scripts|tests|docs|deploy|avatarrig|producers|processors|aggregators|"
        r"requirements|\.ci)/[\w./-]*)",
        page.read_text(encoding="utf-8"),
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", [name for name, _ in walk()])
def test_the_help_of_each_command_ends_with_an_example_that_can_be_typed(name: str) -> None:
    command = dict(walk())[name]
    shown = command.get_help(click.Context(command, info_name=f"avatarrig {name}"))
    assert EXAMPLES[name]
    for example in EXAMPLES[name]:
        assert example in shown
        assert max(len(line) for line in example.splitlines()) < 96
        program, *words = shlex.split(example)
        assert program == "avatarrig"
        check_avatarrig(words)


def test_there_are_examples_for_commands_that_exist_alone() -> None:
    assert set(EXAMPLES) == {name for name, _ in walk()}
