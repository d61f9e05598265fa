"""Which Kafka, and how to prove who we are: the same options for every command."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from avatarrig.cli.options.gathering import gathered
from avatarrig.errors import CommandError, ExitCode
from avatarrig.kafka.errors import TransportError, TransportSettingError
from avatarrig.kafka.settings import SASL_MECHANISMS, SECURITY_PROTOCOLS, KafkaSettings

SECTION = "kafka"
"""Table of the settings file with these settings."""

PREFIX = "AVATARRIG_KAFKA_"
PASSWORD_VARIABLE = f"{PREFIX}PASSWORD"


class KafkaOption(click.Option):
    """An option that the table ``[kafka]`` of the settings file sets for every command."""

    def consume_value(
        self, ctx: click.Context, opts: Mapping[str, click.Parameter]
    ) -> tuple[Any, ParameterSource]:
        """Looks into the table where neither flag nor environment says anything."""
        value, source = super().consume_value(ctx, opts)
        if source < ParameterSource.DEFAULT_MAP:
            return value, source
        table = (ctx.find_root().default_map or {}).get(SECTION) or {}
        if self.name in table:
            return table[self.name], ParameterSource.DEFAULT_MAP
        return value, source


def _option(name: str, **details: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        f"--{name.replace('_', '-')}",
        name,
        cls=KafkaOption,
        envvar=f"{PREFIX}{name.upper()}",
        allow_from_autoenv=False,
        **details,
    )


_FILE = click.Path(dir_okay=False)
_OPTIONS: dict[str, dict[str, Any]] = {
    "bootstrap_servers": {"help": "Apache Kafka to use, host:port, commas between several."},
    "security_protocol": {
        "type": click.Choice(SECURITY_PROTOCOLS),
        "default": "PLAINTEXT",
        "show_default": True,
        "help": "How Kafka is spoken to.",
    },
    "sasl_mechanism": {"type": click.Choice(SASL_MECHANISMS), "help": "How to log in."},
    "username": {"help": f"Who logs in; the password is in {PASSWORD_VARIABLE}, or in a file."},
    "password_file": {"type": _FILE, "help": "File that holds the password and nothing else."},
    "cafile": {"type": _FILE, "help": "PEM file with the authorities to trust for TLS."},
    "certfile": {"type": _FILE, "help": "PEM file with a client certificate."},
    "keyfile": {"type": _FILE, "help": "PEM file with its private key."},
}
NAMES = tuple(_OPTIONS)


class KafkaArguments:
    """What a command was told about Kafka, from wherever it was told.

    Args:
        given: Values by the names of the options.
        named: Whether the command line itself names the servers.
    """

    def __init__(self, given: Mapping[str, Any], *, named: bool) -> None:
        self._given = dict(given)
        self.named = named

    def optional(self) -> KafkaSettings | None:
        """The Kafka that was named, None where none was.

        Raises:
            CommandError: The settings do not fit together.
        """
        if not self._given["bootstrap_servers"]:
            return None
        rest = {name: value for name, value in self._given.items() if name != "password_file"}
        try:
            return KafkaSettings(**rest, password=self._password())
        except TransportSettingError as error:
            raise CommandError(str(error), ExitCode.WRONG_USAGE) from error

    def found(self) -> KafkaSettings | None:
        """The Kafka that was named, or that this user's ``avatarrig up`` runs; None: neither."""
        from avatarrig.kafka.embedded import default_data_folder, running_broker

        return self.optional() or running_broker(default_data_folder())

    def required(self) -> KafkaSettings:
        """The Kafka that was named, or that this user's ``avatarrig up`` runs, once reached.

        Raises:
            CommandError: None was named, or it refuses address, TLS or credentials: said at
                once, within five seconds.
        """
        kafka = self.found()
        if kafka is None:
            raise CommandError(
                f"name a Kafka: --bootstrap-servers HOST:PORT, {PREFIX}BOOTSTRAP_SERVERS, or "
                f"bootstrap_servers under [{SECTION}] in the settings file; or start one with "
                "avatarrig up DIR or avatarrig broker",
                ExitCode.WRONG_USAGE,
            )
        check_connection(kafka)
        return kafka

    def _password(self) -> str | None:
        file = self._given["password_file"]
        if file is None:
            # Where nobody logs in, the variable is somebody else's business.
            return os.environ.get(PASSWORD_VARIABLE) if self._given["username"] else None
        try:
            return Path(file).read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(
                f"password_file: {file} cannot be read: {error}", ExitCode.WRONG_USAGE
            ) from error


def check_connection(kafka: KafkaSettings) -> None:
    """Reaches a Kafka, or says within five seconds what was refused.

    Raises:
        CommandError: Address, TLS or credentials; the message says which and what to do.
    """
    from avatarrig.kafka.diagnosis import diagnose_connection

    try:
        diagnose_connection(kafka)
    except TransportError as error:
        raise CommandError(str(error)) from error


def _arguments(**given: Any) -> KafkaArguments:
    source = click.get_current_context().get_parameter_source("bootstrap_servers")
    return KafkaArguments(given, named=source is ParameterSource.COMMANDLINE)


kafka_options = gathered(
    "kafka", _arguments, *(_option(name, **details) for name, details in _OPTIONS.items())
)
"""Gives a command the options; it is called with one argument ``kafka`` for them all."""
