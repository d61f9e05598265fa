"""Whose estimate a command works with, and where that is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avatarrig.body.rig.lengths import EstimateRefusedError
from avatarrig.cli.options.kafka import KafkaArguments
from avatarrig.errors import CommandError, ExitCode
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.pipeline.estimate_source import SourcedEstimate, estimate_in, estimate_on


def find_estimate(run: Path | None, subject: str | None, kafka: KafkaArguments) -> SourcedEstimate:
    """Finds an estimate in a run directory, or on Kafka where none is named.

    Raises:
        EstimateRefusedError: There is none of that person, or of several people and none is named.
        CommandError: No Kafka was named, or it cannot be reached.
    """
    return estimate_in(run, subject) if run is not None else estimate_on(asked(kafka), subject)


def asked(kafka: KafkaArguments) -> KafkaSettings:
    """The Kafka to ask where no run directory was named.

    Raises:
        CommandError: None was named, and none runs here, or it cannot be reached.
    """
    if kafka.found() is None:
        raise CommandError(
            "name the run directory, which was named with --out; or a Kafka to ask, with "
            "--bootstrap-servers HOST:PORT",
            ExitCode.WRONG_USAGE,
        )
    return kafka.required()


@contextmanager
def refused_by(where: str) -> Iterator[None]:
    """Names the place in what is said of an estimate that cannot be used."""
    try:
        yield
    except EstimateRefusedError as error:
        said = str(error)
        raise CommandError(said if where in said else f"{where}: {said}") from error
