"""A detector that cannot be loaded says why, and what helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from processors.detector_port import DetectorUnusableError, find_detector


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that is to be written, on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "broken_detector_module.py"


def test_a_missing_library_of_the_system_is_named_with_what_to_install(broken: Path) -> None:
    broken.write_text("import ctypes\nctypes.CDLL('libSuchAsEGL.so.1')\n")
    with pytest.raises(DetectorUnusableError, match=r"libSuchAsEGL\.so\.1.*apt-get install") as one:
        find_detector("broken_detector_module:open_detector")
    assert "libegl1 libgles2" in str(one.value)


def test_a_missing_module_is_named_without_advice_that_does_not_help(broken: Path) -> None:
    broken.write_text("import no_such_module_anywhere\n")
    with pytest.raises(DetectorUnusableError, match="no_such_module_anywhere") as one:
        find_detector("broken_detector_module:open_detector")
    assert "apt-get" not in str(one.value)


@pytest.mark.parametrize("specification", ["", "module", "module:", ":name", "a b:c"])
def test_what_is_no_module_and_function_is_refused(specification: str) -> None:
    with pytest.raises(DetectorUnusableError, match="is no module:function"):
        find_detector(specification)


def test_a_function_that_is_not_there_is_named() -> None:
    with pytest.raises(DetectorUnusableError, match="no function math:open_detector"):
        find_detector("math:open_detector")
