"""``avatarrig topics``: create the pipeline's topics ahead of time, or look at them."""

from __future__ import annotations

import sys

import click
import msgspec
from rich.table import Table

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.kafka import KafkaArguments, kafka_options
from avatarrig.cli.screen.console import make_console
from avatarrig.cli.screen.printable import say
from avatarrig.errors import CommandError
from avatarrig.kafka.topics import TopicState, create_topics, describe_topics
from avatarrig.wire.topics import DEFAULT_PARTITIONS, pipeline_topics


@click.group("topics")
def topics() -> None:
    """Create the pipeline's topics ahead of time, or look at them."""


@topics.command("create")
@kafka_options
@click.option(
    "--partitions",
    type=click.IntRange(1, 1000),
    default=DEFAULT_PARTITIONS,
    show_default=True,
    help="Partitions of each topic: the ceiling of detector replicas.",
)
@click.option(
    "--replication",
    type=click.IntRange(1, 100),
    help="Copies of each partition; the brokers' default unless told otherwise.",
)
def create_command(*, kafka: KafkaArguments, partitions: int, replication: int | None) -> None:
    """Create the topics that are missing, and check those that are there.

    Doing it again is harmless.
    """
    with fail_clearly():
        create_topics(kafka.required(), pipeline_topics(partitions), replication=replication)
    names = ", ".join(topic.name for topic in pipeline_topics(partitions))
    say(f"there, with {partitions} partitions each: {names}")


@topics.command("describe")
@kafka_options
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def describe_command(*, kafka: KafkaArguments, as_json: bool) -> None:
    """Show partitions, copies and how many are in sync, and what holds for each topic."""
    with fail_clearly():
        described = describe_topics(kafka.required(), pipeline_topics())
        if not described:
            raise CommandError("none of the topics is there: avatarrig topics create makes them")
    if as_json:
        sys.stdout.write(msgspec.json.encode(described).decode() + "\n")
    else:
        make_console().print(_table(described))


def _table(described: list[TopicState]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("topic", "partitions", "copies", "in sync", "without leader"):
        table.add_column(column, justify="left" if column == "topic" else "right")
    for state in described:
        cells = (state.partitions, state.replicas, state.in_sync, state.leaderless)
        table.add_row(state.topic, *map(str, cells))
    return table
