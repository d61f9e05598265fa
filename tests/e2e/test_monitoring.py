"""A real Prometheus scrapes the running services, and finds all that dashboard and rules name."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.command import DEMO, Command
from support.deploy.ports import distinct_ports
from support.deploy.scraping import Scrape, get, get_json
from support.waiting import PATIENCE, wait_for

from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.metrics.reference import all_metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
METRIC = re.compile(r"\bavatarrig_[a-z_]+")
MAY_BE_SILENT = ("avatarrig_detector_deaths", "avatarrig_rejects")
"""Have no series until something goes wrong."""


def dashboard_queries() -> list[str]:
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "avatarrig.json").read_text())
    return [
        target["expr"].replace("$__rate_interval", "1m")
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]


def rule_queries() -> list[str]:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())
    return [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


class Monitored:
    """Services at work, and the Prometheus that watches them."""

    def __init__(self, urls: dict[str, str], prometheus: str) -> None:
        self.urls = urls
        self._prometheus = prometheus

    def query(self, expression: str) -> list[Any]:
        asked = urllib.parse.urlencode({"query": expression})
        status, answer = get_json(f"{self._prometheus}/api/v1/query?{asked}")
        assert (status, answer["status"]) == (200, "success"), (expression, answer)
        result: list[Any] = answer["data"]["result"]
        return result


@pytest.fixture(scope="module")
def monitored(
    kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Monitored]:
    folder = tmp_path_factory.mktemp("monitored")
    photos = folder / "photos"
    photos.mkdir()
    for number in range(3):
        shutil.copy(DEMO / f"{number:03}.jpg", photos)
    (photos / "broken.jpg").write_text("no photo")
    ports = dict(zip(("ingest", "detect", "aggregate", "prom"), distinct_ports(4), strict=True))
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    with contextlib.ExitStack() as stack:
        command = Command(
            folder,
            {
                "AVATARRIG_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
                "AVATARRIG_INGEST_METRICS_PORT": str(ports["ingest"]),
                "AVATARRIG_DETECT_METRICS_PORT": str(ports["detect"]),
                "AVATARRIG_AGGREGATE_WEB_PORT": str(ports["aggregate"]),
            },
        )
        assert command.run("topics", "create").returncode == 0
        for arguments in (
            ("aggregate",),
            ("detect", "--workers", "1", "--allow-root", str(photos)),
            ("ingest", str(photos), "--watch"),
        ):
            stack.enter_context(running(command, *arguments))
        config = scraping(folder, ports)
        stack.enter_context(prometheus(config, folder / "series", ports["prom"]))
        yield Monitored(urls, urls["prom"])


@contextlib.contextmanager
def running(command: Command, *arguments: str) -> Iterator[None]:
    log = command.folder / f"{arguments[0]}.log"
    with log.open("wb") as file:
        process = command.start(*arguments, stdout=file, stderr=file)
    try:
        yield
        assert process.poll() is None, log.read_text()
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0, log.read_text()


def scraping(folder: Path, ports: dict[str, int]) -> Path:
    """The committed configuration, scraping often, at this test's addresses."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    shutil.copy(DEPLOY / "prometheus" / "rules.yml", folder)
    for job in config["scrape_configs"]:
        job.pop("dns_sd_configs", None)
        port = ports[job["job_name"].removeprefix("avatarrig-")]
        job["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    return file


@contextlib.contextmanager
def prometheus(config: Path, data: Path, port: int) -> Iterator[None]:
    process = subprocess.Popen(
        (
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={data}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        )
    )
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/-/ready"))
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def answers(url: str) -> bool:
    try:
        return get(url)[0] == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def settled(monitored: Monitored) -> Monitored:
    """All photos are in an estimate, and Prometheus has seen it."""
    wait_for(lambda: len(monitored.query('up{job=~"avatarrig-.*"} == 1')) == 3)
    wait_for(lambda: monitored.query("sum(avatarrig_estimates) >= 1"))
    return monitored


def is_ready(url: str) -> bool:
    return get(f"{url}/ready")[0] == 200


def reaches_kafka(url: str) -> bool:
    return Scrape.of(url).value("avatarrig_kafka_up") == 1


def test_every_service_is_ready(settled: Monitored) -> None:
    for name in ("ingest", "detect", "aggregate"):
        assert get_json(f"{settled.urls[name]}/health") == (200, {"status": "alive"})
        wait_for(functools.partial(is_ready, settled.urls[name]))


def test_photos_are_counted_on_their_way(settled: Monitored) -> None:
    published = {"name": "avatarrig_ingest_photos_total", "result": "published"}
    wait_for(lambda: Scrape.of(settled.urls["ingest"]).value(**published) == 4)
    wait_for(lambda: Scrape.of(settled.urls["detect"]).value("avatarrig_detect_photos_total") == 4)
    detect = Scrape.of(settled.urls["detect"])
    assert detect.value("avatarrig_detect_photos_total", result="person") == 3
    assert detect.value("avatarrig_rejects_total", stage="detect") == 1
    assert detect.value("avatarrig_replicas", part="detector", state="working") == 1
    for name in ("ingest", "detect", "aggregate"):
        wait_for(functools.partial(reaches_kafka, settled.urls[name]))


def test_every_query_of_the_dashboard_has_an_answer(settled: Monitored) -> None:
    for query in dashboard_queries():
        if METRIC.search(query)[0].startswith(MAY_BE_SILENT):  # type: ignore[index]
            settled.query(query)  # it is at least understood
        else:
            wait_for(functools.partial(settled.query, query), why=functools.partial(str, query))


def test_every_rule_is_understood_and_none_fires(settled: Monitored) -> None:
    for query in rule_queries():
        settled.query(query)
    assert settled.query('ALERTS{alertstate="firing"}') == []


def test_every_metric_that_is_named_is_exposed(settled: Monitored) -> None:
    named = {
        name for query in dashboard_queries() + rule_queries() for name in METRIC.findall(query)
    }
    recorded = {"avatarrig"}  # avatarrig:consumer_lag:max is made by the rules

    def missing() -> set[str]:
        exposed = set().union(
            *(Scrape.of(settled.urls[name]).names for name in ("ingest", "detect", "aggregate"))
        )
        return {n for n in named - exposed - recorded if not n.startswith(MAY_BE_SILENT)}

    wait_for(lambda: not missing(), why=missing)


def test_the_dashboard_shows_every_metric() -> None:
    shown = " ".join(dashboard_queries())
    missing = {
        metric.name
        for metrics in all_metrics().values()
        for metric in metrics
        if metric.name not in shown
    }
    assert not missing
