"""A name that no other service of the machine has in a group."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatarrig.pipeline.services.service import instance_name


@pytest.mark.parametrize(
    "group", ["avatarrig.detectors", "team/a", "../../elsewhere", "x" * 300, "写真" * 60, "a%2Fb"]
)
def test_services_of_a_group_have_names_of_their_own_whatever_it_is_called(
    group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that share a name take each other's photos away, and neither gets on."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with instance_name(group) as first, instance_name(group) as second:
        assert first != second
        assert {path.name for path in tmp_path.iterdir()} == {"temporary"}
    with instance_name(group) as again:
        assert again == first
