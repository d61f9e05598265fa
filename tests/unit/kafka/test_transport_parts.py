"""Settings of the transport, and what is said of servers that are no Kafka."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import msgspec
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from avatarrig.kafka import diagnosis, topics
from avatarrig.kafka.diagnosis import diagnose_connection
from avatarrig.kafka.errors import ConnectionRefusedByKafkaError, TransportSettingError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics
from avatarrig.wire.topics import Topic

SECURE = KafkaSettings(
    bootstrap_servers="a:1,b:2",
    security_protocol="SASL_SSL",
    sasl_mechanism="SCRAM-SHA-256",
    username="alice",
    password="hunter2",
)


@pytest.mark.parametrize(
    "servers",
    ["a:1,b:2", "a:1, b:2, ", "PLAINTEXT://a:1,EXTERNAL_2://b:2/", "kafka://a:1,b:2"],
)
def test_a_list_of_addresses_is_understood_as_brokers_and_people_write_it(servers: str) -> None:
    settings = KafkaSettings(bootstrap_servers=servers)
    assert settings.addresses == [("a", 1), ("b", 2)]
    assert settings.client_options()["bootstrap_servers"] == ["a:1", "b:2"]


@pytest.mark.parametrize("servers", ["", ",", "a:1,,", "http://a:1", "https://a:1/"])
def test_what_is_no_address_is_named(servers: str) -> None:
    with pytest.raises(TransportSettingError, match=r"bootstrap_servers.*host:port"):
        KafkaSettings(bootstrap_servers=servers)


def test_addresses_are_read() -> None:
    settings = KafkaSettings(bootstrap_servers="kafka-1:9092, [::1]:9093")
    assert settings.addresses == [("kafka-1", 9092), ("::1", 9093)]


NO_HOSTS = ["a..b:1", ".:1", f"{'a' * 64}.b:1", f"{'é' * 64}:1", "a b:1", "a\0b:1", "\udcff:1"]
NO_PORTS = ["a:²", "a:٣", "a:-1", "a:1_0", "a:65536", "a:" + "1" * 5000]


@pytest.mark.parametrize("servers", [*NO_HOSTS, *NO_PORTS])
def test_what_cannot_be_looked_up_is_no_address(servers: str) -> None:
    with pytest.raises(TransportSettingError, match=r"bootstrap_servers.*host:port") as refused:
        KafkaSettings(bootstrap_servers=f"good:9092,{servers}")
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("servers", ["", "kafka", "kafka:", ":9092", "kafka:x", "a:1,,b:2", "a:0"])
def test_an_address_that_cannot_be_read_is_named(servers: str) -> None:
    with pytest.raises(TransportSettingError, match=r"bootstrap_servers.*host:port"):
        KafkaSettings(bootstrap_servers=servers)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"security_protocol": "TLS"}, "security_protocol is 'TLS'.*SASL_SSL"),
        ({"security_protocol": "SASL_SSL"}, "sasl_mechanism is None.*SCRAM-SHA-256"),
        (
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "username": "a"},
            "username and a password",
        ),
        ({"password": "p"}, "security_protocol is PLAINTEXT"),
        ({"security_protocol": "SSL", "cafile": "/no/ca.pem"}, "cafile.*/no/ca.pem"),
        ({"security_protocol": "SSL", "keyfile": "/no/key.pem"}, "keyfile.*/no/key.pem"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(TransportSettingError, match=named):
        KafkaSettings(bootstrap_servers="kafka:9092", **wrong)


def test_the_password_is_never_shown() -> None:
    for shown in (repr(SECURE), str(SECURE), f"{SECURE}", repr([SECURE])):
        assert "hunter2" not in shown
        assert "alice" in shown


def test_settings_travel_to_another_process() -> None:
    assert msgspec.json.decode(msgspec.json.encode(SECURE), type=KafkaSettings) == SECURE


def test_clients_get_address_tls_and_credentials() -> None:
    options = SECURE.client_options()
    assert options["bootstrap_servers"] == ["a:1", "b:2"]
    assert options["sasl_plain_password"] == "hunter2"
    assert options["ssl_context"].verify_mode == ssl.CERT_REQUIRED
    assert options["ssl_context"].check_hostname


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    settings = KafkaSettings(
        bootstrap_servers="a:1", security_protocol="SSL", cafile=str(tmp_path / "ca.pem")
    )
    with pytest.raises(TransportSettingError, match=r"ca\.pem"):
        settings.ssl_context()


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    """OpenSSL would ask the terminal, and wait for ever."""
    issued = trustme.CA().issue_cert("kafka")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    plain = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    (tmp_path / "key.pem").write_bytes(
        plain.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
    )
    settings = KafkaSettings(
        bootstrap_servers="a:1",
        security_protocol="SSL",
        certfile=str(tmp_path / "cert.pem"),
        keyfile=str(tmp_path / "key.pem"),
    )
    with pytest.raises(TransportSettingError, match=r"keyfile: .*encrypted.*openssl pkey"):
        settings.ssl_context()


@contextlib.contextmanager
def server(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """Answers one connection after another until the test ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def serve() -> None:
            while True:
                connection, _ = listening.accept()
                with connection:
                    if ended.is_set():
                        return
                    with contextlib.suppress(OSError):
                        answer(connection)

        serving = threading.Thread(target=serve)
        serving.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        ended.set()
        socket.create_connection(listening.getsockname()).close()
        serving.join()


def refusal(settings: KafkaSettings) -> ConnectionRefusedByKafkaError:
    with pytest.raises(ConnectionRefusedByKafkaError) as refused:
        diagnose_connection(settings)
    return refused.value


def test_a_port_where_nothing_listens_is_a_wrong_address() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        found = refusal(KafkaSettings(bootstrap_servers=address))
    assert found.part == "address"
    assert address in str(found)


def test_a_server_that_speaks_something_else_is_no_kafka() -> None:
    with server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as at:
        found = refusal(KafkaSettings(bootstrap_servers=at))
    assert found.part == "protocol"
    assert "does not answer as Kafka does" in str(found)


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert diagnosis.LIMIT_S < 5.0
    monkeypatch.setattr(diagnosis, "LIMIT_S", 0.3)
    silent = threading.Event()
    try:
        with server(lambda _: silent.wait(60)) as at:
            found = refusal(KafkaSettings(bootstrap_servers=at))
            silent.set()
    finally:
        silent.set()
    assert found.part == "protocol"


def framed(body: bytes) -> bytes:
    """An answer as Kafka frames it: its size, the number of the request, what it says."""
    answer = struct.pack(">i", 1) + body
    return struct.pack(">i", len(answer)) + answer


PLAIN_IS_OFFERED = struct.pack(">hih", 0, 1, 5) + b"PLAIN"


@pytest.mark.parametrize(
    ("said", "mechanism"),
    [
        ([struct.pack(">hi", 0, (1 << 31) - 1) + struct.pack(">h", -2) * 100], None),
        ([PLAIN_IS_OFFERED, b"\0"], "PLAIN"),
        ([PLAIN_IS_OFFERED, struct.pack(">hh", 0, 100)], "PLAIN"),
        (
            [
                struct.pack(">hih", 0, 1, 13) + b"SCRAM-SHA-256",
                struct.pack(">hhi", 0, 0, 3) + b"a=b",
            ],
            "SCRAM-SHA-256",
        ),
    ],
    ids=["endless list of nothing", "one byte", "cut off", "no nonce"],
)
def test_answers_that_make_no_sense_are_refused(said: list[bytes], mechanism: str | None) -> None:
    def answer(connection: socket.socket) -> None:
        for each in said:
            connection.recv(1 << 16)
            connection.sendall(framed(each))
        connection.recv(1)

    secured: dict[str, Any] = {}
    if mechanism is not None:
        secured = {"sasl_mechanism": mechanism, "username": "alice", "password": "hunter2"}
        secured["security_protocol"] = "SASL_PLAINTEXT"
    with server(answer) as at:
        found = refusal(KafkaSettings(bootstrap_servers=at, **secured))
    assert found.part in {"protocol", "credentials"}
    assert "hunter2" not in str(found)


def test_a_server_that_answers_byte_by_byte_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "LIMIT_S", 0.3)
    ended = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(struct.pack(">i", 1 << 20))
        while not ended.wait(0.02):
            connection.sendall(b"x")

    try:
        with server(answer) as at:
            found = refusal(KafkaSettings(bootstrap_servers=at))
            ended.set()
    finally:
        ended.set()
    assert found.part == "protocol"


def test_plain_text_settings_on_a_tls_port_are_recognised() -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(1)

    with server(answer) as at:
        found = refusal(KafkaSettings(bootstrap_servers=at))
    assert found.part == "tls"
    assert "SASL_SSL" in str(found)


def test_a_certificate_of_a_stranger_is_not_trusted() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    def answer(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True).close()

    with server(answer) as at:
        found = refusal(KafkaSettings(bootstrap_servers=at, security_protocol="SSL"))
    assert found.part == "tls"
    assert "cafile" in str(found)


def test_a_broker_that_has_not_heard_of_a_new_topic_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([[], [], *10 * [[{"name": "new", "partitions": [0, 1], "error_code": 0}]]])
    client = MagicMock()
    client.describe_topics.side_effect = lambda _: next(answers)
    client.describe_cluster.return_value = {"brokers": [1, 2, 3]}
    client.create_topics.return_value = {"topics": [{"name": "new", "error_code": 0}]}
    monkeypatch.setattr(topics, "admin_client", lambda _: contextlib.nullcontext(client))
    assert create_topics(SECURE, [Topic("new", 2)])
    request, _ = client.create_topics.call_args
    assert request[0]["new"]["replication_factor"] == 3
    assert request[0]["new"]["configs"]["min.insync.replicas"] == "2"
