"""Where a service's metrics are served: the same options for every command that serves them."""

from __future__ import annotations

import click

from avatarrig.cli.options.gathering import gathered
from avatarrig.cli.options.web import check_address
from avatarrig.pipeline.services.measured import MetricsAddress


def check_metrics_address(metrics: MetricsAddress) -> None:
    """Refuses an address of the metrics that cannot be had.

    Raises:
        CommandError: Somebody else listens there, or it is no address of this machine.
    """
    check_address("--metrics-port", metrics.host, metrics.port, "or leave the option out")


def _address(*, metrics_host: str, metrics_port: int | None) -> MetricsAddress:
    return MetricsAddress(metrics_host, metrics_port)


metrics_options = gathered(
    "metrics",
    _address,
    click.option(
        "--metrics-host",
        default="127.0.0.1",
        show_default=True,
        help="Address that /metrics, /health and /ready listen at.",
    ),
    click.option(
        "--metrics-port",
        type=click.IntRange(1, 65535),
        help="Serve /metrics for Prometheus, /health and /ready at this port.",
        show_default="they are not served",
    ),
)
"""Gives a command the options; it is called with one argument ``metrics`` for them all."""
