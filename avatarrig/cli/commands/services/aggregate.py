"""``avatarrig aggregate``: one aggregator worker, as a service."""

from __future__ import annotations

import click

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.kafka import KafkaArguments, kafka_options
from avatarrig.cli.options.web import announce_page, check_page_address, web_options
from avatarrig.cli.options.window import WINDOW
from avatarrig.page.settings import PageSettings
from avatarrig.pipeline.services.aggregate import AggregateRequest
from avatarrig.pipeline.services.aggregate import aggregate as carry_out
from avatarrig.process.logs import configure_logs
from avatarrig.process.signals import stop_on_signals
from avatarrig.wire.topics import AGGREGATORS

window_option = click.option(
    "--window",
    type=WINDOW,
    default="30d",
    show_default=True,
    help="Estimate the newest days apart as well, by capture time.",
)


@click.command("aggregate", context_settings={"show_default": True})
@kafka_options
@click.option(
    "--group",
    default=AGGREGATORS,
    help="Consumer group; another group estimates from the start, independently.",
)
@window_option
@web_options
def aggregate(*, kafka: KafkaArguments, group: str, window: int, page: PageSettings) -> None:
    """Run an aggregator worker until Ctrl-C or SIGTERM.

    Workers of a group share the subjects; one does thousands of observations a second.
    """
    configure_logs()
    with fail_clearly(), stop_on_signals() as stop:
        check_page_address(page)
        request = AggregateRequest(kafka=kafka.required(), group=group, window=window, page=page)
        carry_out(request, stop, lambda: announce_page(page))
