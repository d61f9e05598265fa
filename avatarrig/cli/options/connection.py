"""Which Kafka a command talks to: a run's embedded one, or one by its address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from avatarrig.cli.options.kafka import KafkaArguments, kafka_options
from avatarrig.errors import CommandError, ExitCode
from avatarrig.kafka.embedded import BrokerError, EmbeddedBroker, running_broker
from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.runs import RunDirectory


def broker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command ``--run`` and the options of `kafka_options`."""
    run = click.option(
        "--run",
        "run_directory",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Run directory whose embedded Apache Kafka is asked, running or not.",
    )
    return run(kafka_options(command))


@contextmanager
def reach(run_directory: Path | None, kafka: KafkaArguments) -> Iterator[KafkaSettings]:
    """Gives access to the Kafka asked for; a run's own is started where it is not running.

    ``--run`` goes before a Kafka that only environment or settings file name.

    Raises:
        CommandError: Neither or both were named, or it cannot be had.
    """
    if run_directory is not None and kafka.named:
        raise CommandError(
            "name one Kafka: --run RUN_DIRECTORY or --bootstrap-servers HOST:PORT",
            ExitCode.WRONG_USAGE,
        )
    try:
        if run_directory is None:
            yield kafka.required()
        else:
            with _of_run(RunDirectory(run_directory)) as settings:
                yield settings
    except (BrokerError, TransportError) as error:
        raise CommandError(str(error)) from error


def is_at_work(run_directory: Path | None) -> bool:
    """Tells whether anything can be at work on the Kafka asked for.

    The embedded broker of a run ends with it: where it does not run, nobody works, whatever its
    groups remember of their members.
    """
    return run_directory is None or running_broker(RunDirectory(run_directory).broker) is not None


@contextmanager
def _of_run(run: RunDirectory) -> Iterator[KafkaSettings]:
    if not run.broker.is_dir():
        raise CommandError(
            f"{run.path} has no broker data: it used another Kafka (--bootstrap-servers names "
            "it), or is no run directory"
        )
    running = running_broker(run.broker)
    if running is not None:
        yield running
        return
    with EmbeddedBroker(run.broker) as broker:
        yield KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
