"""Settings: a flag goes before the environment, that before the file, that before the default."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from avatarrig.cli import ENVIRONMENT_PREFIX, avatarrig, with_command
from avatarrig.cli.options.kafka import PASSWORD_VARIABLE

pytestmark = pytest.mark.usefixtures("in_a_folder_of_its_own")


@pytest.fixture
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def call(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(
        avatarrig,
        with_command(arguments),
        auto_envvar_prefix=ENVIRONMENT_PREFIX,
        env=environment,
        prog_name="avatarrig",
    )


def listed(*arguments: str, **environment: str) -> dict[str, tuple[str | None, str]]:
    result = call("settings", "--json", *arguments, **environment)
    assert result.exit_code == 0, result.output
    settings = msgspec.json.decode(result.stdout)
    return {each["name"]: (each["value"], each["source"]) for each in settings}


def write(tmp_path: Path, text: str, name: str = "avatarrig.toml") -> str:
    (tmp_path / name).write_text(text)
    return name


def test_without_anything_the_defaults_hold_and_say_so() -> None:
    settings = listed()
    assert settings["run.pose_model"] == ("full", "default")
    assert settings["kafka.bootstrap_servers"] == (None, "default")


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    write(tmp_path, '[run]\nworkers = 2\noverlay_thr = 0.5\n[kafka]\nusername = "ann"\n')
    settings = listed(AVATARRIG_RUN_WORKERS="3", AVATARRIG_KAFKA_CAFILE="ca.pem")
    assert settings["run.workers"] == ("3", "AVATARRIG_RUN_WORKERS")
    assert settings["run.overlay_thr"] == ("0.5", "avatarrig.toml")
    assert settings["kafka.username"] == ("ann", "avatarrig.toml")
    assert settings["kafka.cafile"] == ("ca.pem", "AVATARRIG_KAFKA_CAFILE")


def test_measured_lengths_may_stand_in_the_file_and_the_environment(tmp_path: Path) -> None:
    write(tmp_path, '[run]\nmeasure = ["forearm=26cm", "left thigh=41cm+-1cm"]\n')
    value, source = listed()["run.measure"]
    assert source == "avatarrig.toml"
    assert value == "forearm=26cm, left thigh=41cm+-1cm"
    assert listed(AVATARRIG_UP_MEASURE="hand=19cm")["up.measure"][1] == "AVATARRIG_UP_MEASURE"


def test_a_flag_goes_before_both_and_kafkas_settings_hold_for_every_command(tmp_path: Path) -> None:
    write(tmp_path, '[kafka]\nbootstrap_servers = "of-the-file"\n')
    for command in (["status"], ["rejects", "list"], ["rejects", "replay"]):
        assert "'of-the-file'" in call(*command).stderr
        variable = {"AVATARRIG_KAFKA_BOOTSTRAP_SERVERS": "of-the-environment"}
        assert "'of-the-environment'" in call(*command, **variable).stderr
        flag = call(*command, "--bootstrap-servers", "of-the-flag", **variable)
        assert "'of-the-flag'" in flag.stderr
        assert flag.exit_code == 2


def test_a_variable_that_sets_nothing_is_told_of_with_what_it_may_mean() -> None:
    said = call("settings", AVATARRIG_WORKERS="3", AVATARRIG_KAFKA_CA_FILE="x", AVATARRIG_CONFIG="")
    assert "AVATARRIG_WORKERS in the environment sets nothing: " in said.stderr
    assert "AVATARRIG_RUN_WORKERS" in said.stderr
    assert "AVATARRIG_KAFKA_CA_FILE in the environment sets nothing: AVATARRIG_KAFKA_CAFILE" in (
        said.stderr
    )
    assert said.stderr.count("sets nothing") == 2
    assert not call("settings", AVATARRIG_RUN_WORKERS="3").stderr


def test_another_file_can_be_named_and_run_need_not_be(tmp_path: Path) -> None:
    name = write(tmp_path, "[run]\nworkers = 0\n", "other.toml")
    for arguments in (["--config", name, "."], [f"--config={name}", "."]):
        assert "other.toml: workers in [run]: 0" in call(*arguments).stderr
    assert "other.toml: workers in [run]: 0" in call(".", AVATARRIG_CONFIG=name).stderr


def test_the_users_own_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "config" / "avatarrig").mkdir(parents=True)
    write(tmp_path / "config" / "avatarrig", "[run]\nworkers = 5\n")
    assert listed()["run.workers"][0] == "5"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[run]\nworkrs = 2\n", "workrs in [run] is no setting. [run] has blendshapes"),
        ("[rnu]\nworkers = 2\n", "[rnu] is no command"),
        ("workers = 2\n", "no command"),
        ("[run]\nworkers = 0\n", "workers in [run]: 0 is not in the range"),
        ("[run]\nworkers = 1.5\n", "workers in [run]: '1.5' is not a valid"),
        ("[run]\nworkers = [1]\n", "workers in [run] is [1]; it takes one value"),
        ('[run]\nsave_masks = "perhaps"\n', "save_masks in [run]: 'perhaps'"),
        ('[run]\nmeasure = ["forearm=26m"]\n', "measure in [run]: nobody's forearm"),
        ('[run]\npose_model = "huge"\n', "pose_model in [run]: 'huge' is not one of 'lite'"),
        ('[run]\nbootstrap_servers = "a:1"\n', "It belongs in [kafka]"),
        ('[kafka]\npassword = "secret"\n', "name that in password_file"),
        ('[kafka]\nsecurity_protocol = "TLS"\n', "security_protocol in [kafka]: 'TLS'"),
        ("[rejects.list]\nreasn = 1\n", "reasn in [rejects.list]"),
        ("[run\n", "line 1"),
    ],
)
def test_what_does_not_fit_is_refused_at_start_by_file_and_setting(
    tmp_path: Path, text: str, hint: str
) -> None:
    write(tmp_path, text)
    result = call("settings")
    assert result.exit_code == 2
    assert "avatarrig.toml" in result.stderr
    assert hint in result.stderr
    assert "secret" not in result.stderr.replace("password_file", "")


def test_a_wrong_value_of_the_environment_is_refused_by_the_name_of_its_variable() -> None:
    result = call(".", AVATARRIG_RUN_WORKERS="many")
    assert result.exit_code == 2
    assert "--workers" in result.stderr
    assert "AVATARRIG_RUN_WORKERS" in result.stderr


def test_a_password_is_never_shown_and_never_a_flag() -> None:
    settings = listed(**{PASSWORD_VARIABLE: "hunter2"})
    assert settings["kafka.password"] == ("set", "AVATARRIG_KAFKA_PASSWORD")
    assert "hunter2" not in repr(settings)
    assert call("status", "--password", "hunter2").exit_code == 2


def test_a_password_file_that_is_missing_is_named() -> None:
    secured = {
        "AVATARRIG_KAFKA_BOOTSTRAP_SERVERS": "a:1",
        "AVATARRIG_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "AVATARRIG_KAFKA_SASL_MECHANISM": "PLAIN",
        "AVATARRIG_KAFKA_USERNAME": "ann",
    }
    result = call("status", "--password-file", "nowhere.txt", **secured)
    assert result.exit_code == 2
    assert "password_file: nowhere.txt" in result.stderr
    assert "needs a username and a password" in call("status", **secured).stderr


def test_a_runs_own_kafka_goes_before_one_that_was_not_typed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    variable = {"AVATARRIG_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    assert "no broker data" in call("status", "--run", "run", **variable).stderr
    both = call("status", "--run", "run", "--bootstrap-servers", "127.0.0.1:1")
    assert "name one Kafka" in both.stderr


def test_a_misspelt_command_is_no_dataset(tmp_path: Path) -> None:
    assert "Did you mean the command 'report'?" in call("reprot", "run").output
    assert "Did you mean" not in call("photos of anna").output
    (tmp_path / "reports").mkdir()
    assert "Did you mean" not in call("reports", "--workers", "0").output
