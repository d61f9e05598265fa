"""One root for all errors; what libraries raise becomes one of them at its border."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType
from typing import cast

import kafka.errors
import pytest

import aggregators
import avatarrig
import avatarrig.errors
import processors
import producers
from avatarrig.cli.errors import fail_clearly
from avatarrig.errors import AvatarRigError, CommandError, ExitCode
from avatarrig.kafka.border import told_by
from avatarrig.kafka.errors import (
    CompressionError,
    DataDamagedError,
    KafkaTroubleError,
    RightsMissingError,
    TransportError,
    TransportSettingError,
)
from avatarrig.photos.object_store import StoreAwayError, reaching
from avatarrig.runs import RunStorageError

OURS = ("avatarrig", "producers", "processors", "aggregators")
NOT_FOR_PEOPLE = {"NotKafkaError", "_StoppedError"}
"""Never leave the module that raises them."""
STORE_ERRORS = ("botocore.exceptions", "aiohttp.client_exceptions", "aiobotocore.httpchecksum")

ROOT = Path(__file__).parents[2]


def all_modules() -> list[ModuleType]:
    return [
        importlib.import_module(module.name)
        for package in (avatarrig, producers, processors, aggregators)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.name.endswith(("__main__", ".guard"))
    ]


def errors_of(modules: list[ModuleType]) -> set[type[BaseException]]:
    return {
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, BaseException) and kind.__module__.startswith(OURS)
    }


def test_every_error_has_the_one_root() -> None:
    strangers = {
        kind.__name__ for kind in errors_of(all_modules()) if not issubclass(kind, AvatarRigError)
    }
    assert strangers <= NOT_FOR_PEOPLE


def test_the_tree_that_is_drawn_is_that_of_the_classes() -> None:
    kinds = {kind for kind in errors_of(all_modules()) if issubclass(kind, AvatarRigError)}
    lines = (avatarrig.errors.__doc__ or "").splitlines()
    found = (re.match(r"^([ │]*[├└]── )(\w+)", line) for line in lines)
    drawn = [(len(match[1]) // 4 - 1, match[2]) for match in found if match]
    parents: list[str] = [AvatarRigError.__name__]
    edges = set()
    for depth, name in drawn:
        del parents[depth + 1 :]
        edges.add((parents[-1], name))
        parents.append(name)
    real = {
        (base.__name__, kind.__name__)
        for kind in kinds - {AvatarRigError}
        for base in kind.__bases__
        if issubclass(base, AvatarRigError)
    }
    assert edges == real
    assert len(drawn) == len(set(drawn))


def test_the_tree_names_the_module_of_each_class() -> None:
    kinds = {kind for kind in errors_of(all_modules()) if issubclass(kind, AvatarRigError)}
    lines = (avatarrig.errors.__doc__ or "").splitlines()
    drawn = dict(line.split("── ")[1].split() for line in lines if "── " in line)
    assert drawn == {
        kind.__name__: kind.__module__.removeprefix("avatarrig.")
        for kind in kinds - {AvatarRigError}
    }


def library_errors(module: ModuleType, root: type[Exception]) -> list[type[Exception]]:
    members = inspect.getmembers(module, inspect.isclass)
    return [kind for _, kind in members if issubclass(kind, root)]


@pytest.mark.parametrize(
    "kind",
    library_errors(kafka.errors, kafka.errors.KafkaError),
    ids=lambda kind: kind.__name__,
)
def test_each_error_of_kafkas_library_becomes_ours(kind: type[Exception]) -> None:
    ours: type[TransportError] = KafkaTroubleError
    if issubclass(kind, kafka.errors.CorruptRecordError):
        ours = DataDamagedError
    elif issubclass(kind, kafka.errors.UnsupportedCodecError):
        ours = CompressionError
    elif issubclass(kind, kafka.errors.AuthorizationError):
        ours = RightsMissingError
    with pytest.raises(ours), told_by("Kafka at here"):
        raise kind.__new__(kind)


def store_errors() -> list[type[Exception]]:
    return [
        kind
        for name in STORE_ERRORS
        for kind in library_errors(importlib.import_module(name), Exception)
        if not kind.__module__.startswith("builtins") and "Warning" not in kind.__name__
    ]


@pytest.mark.parametrize("kind", store_errors(), ids=lambda kind: kind.__name__)
def test_each_error_of_the_stores_libraries_becomes_ours(kind: type[Exception]) -> None:
    told = type(kind.__name__, (kind,), {"__str__": lambda _: "", "__module__": kind.__module__})
    with pytest.raises(StoreAwayError, match="s3://b/k"), reaching("s3://b/k"):
        raise cast("Exception", told.__new__(told))  # type: ignore[call-overload]


def test_a_fault_of_this_program_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError), told_by("Kafka"), reaching("s3://b/k"):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (TransportError("Kafka is away"), ExitCode.FAILED, "Kafka is away"),
        (TransportSettingError("no such setting"), ExitCode.WRONG_USAGE, "no such setting"),
        (
            CommandError("nothing", ExitCode.NOTHING_PROCESSED),
            ExitCode.NOTHING_PROCESSED,
            "nothing",
        ),
        (
            RunStorageError(28, "no space left", "run/a.json"),
            ExitCode.FAILED,
            "run/a.json: no space",
        ),
        (AvatarRigError("it is away", remedy="wait"), ExitCode.FAILED, "it is away: wait"),
    ],
)
def test_an_error_ends_a_command_with_its_words_and_its_code(
    error: AvatarRigError, code: ExitCode, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, fail_clearly():
        raise error
    assert ended.value.code == code
    assert words in capsys.readouterr().err


def test_what_is_no_error_for_people_shows_its_trace() -> None:
    with pytest.raises(ZeroDivisionError), fail_clearly():
        raise ZeroDivisionError


def test_message_and_remedy_are_told_apart() -> None:
    error = AvatarRigError("it is away", remedy="wait")
    assert (error.message, error.remedy, str(error)) == ("it is away", "wait", "it is away: wait")
    assert RunStorageError(28, "full", "a").errno == 28


def test_nobody_beyond_the_border_knows_the_errors_of_kafkas_library() -> None:
    outside = {
        path.relative_to(ROOT).as_posix()
        for room in ("avatarrig", "producers", "processors", "aggregators")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"^(from|import) kafka\.errors", path.read_text(), re.MULTILINE)
    }
    assert {path for path in outside if not path.startswith("avatarrig/kafka/")} == set()
    assert "avatarrig/kafka/border.py" in outside
