"""A name that no other service of the machine has in a group."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from avatarrig.errors import CommandError, ExitCode
from avatarrig.pipeline.services.service import instance_name


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("group", ["avatarrig.detectors", "team_a-2", "x" * 100])
def test_services_of_a_group_have_names_of_their_own_and_the_same_again(group: str) -> None:
    """Two that share a name take each other's photos away, and neither gets on."""
    with instance_name(group) as first, instance_name(group) as second:
        assert first != second
    with instance_name(group) as again:
        assert again == first


@pytest.mark.parametrize(
    "group", ["", "team/a", "../../elsewhere", "x" * 300, "写真", "a b", "a\n"]
)
def test_a_group_that_kafka_does_not_take_is_refused(group: str, folder: Path) -> None:
    """Kafka's client would say of it that Kafka does not answer, again and again."""
    with pytest.raises(CommandError, match=r"--group .*letters") as refused, instance_name(group):
        pass
    assert refused.value.exit_code is ExitCode.WRONG_USAGE
    assert len(str(refused.value)) < 300
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("host", ["zoë's pc", "", "x" * 300, "写真", "nas-2.home_net"])
def test_every_machine_has_a_name_that_kafka_takes(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    with instance_name("group") as first, instance_name("group") as second:
        assert first != second
        for name in (first, second):
            assert re.fullmatch("[A-Za-z0-9._-]{1,120}", name)
        assert first == host or host != "nas-2.home_net"
