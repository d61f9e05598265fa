"""The few Kafka requests that tell why a connection fails; the client keeps that to itself."""

from __future__ import annotations

import socket
import struct
import time

import msgspec
from kafka.net.sasl import get_sasl_mechanism

from avatarrig.kafka.settings import KafkaSettings

SASL_HANDSHAKE, SASL_AUTHENTICATE = 17, 36
"""API keys."""

UNSUPPORTED_SASL_MECHANISM = 33
SHORTEST_ANSWER, LONGEST_ANSWER = 5, 1 << 20


_FOREIGN = "the answer is none of Kafka's"


class NotKafkaError(OSError):
    """What answers does not speak Kafka's protocol, or hangs up."""


class Offer(msgspec.Struct, frozen=True):
    """What a listener says about authentication.

    Attributes:
        error: Kafka's error code for the mechanism asked for; 0 where it is fine.
        mechanisms: What it offers; empty where it asks for no credentials.
    """

    error: int
    mechanisms: tuple[str, ...]


def ask_mechanisms(connection: socket.socket, mechanism: str) -> Offer:
    """Sends a SaslHandshake (version 1).

    Raises:
        NotKafkaError: The answer is none of Kafka's.
        OSError: The connection broke or timed out.
    """
    answer = _request(connection, SASL_HANDSHAKE, 1, _text(mechanism))
    try:
        error, count = struct.unpack_from(">hi", answer)
        at, mechanisms = 6, []
        for _ in range(count):
            (length,) = struct.unpack_from(">h", answer, at)
            if length < 0:
                raise NotKafkaError(_FOREIGN)
            mechanisms.append(answer[at + 2 : at + 2 + length].decode("utf-8"))
            at += 2 + length
    except (struct.error, UnicodeDecodeError) as unreadable:
        raise NotKafkaError(_FOREIGN) from unreadable
    return Offer(error, tuple(mechanisms))


def authenticate(connection: socket.socket, settings: KafkaSettings) -> str | None:
    """Sends the credentials, after `ask_mechanisms` on the same connection.

    Returns:
        None where they were accepted, otherwise what the broker says.

    Raises:
        NotKafkaError: The broker hung up.
        OSError: The connection broke or timed out.
    """
    mechanism = get_sasl_mechanism(settings.sasl_mechanism)(
        sasl_mechanism=settings.sasl_mechanism,
        sasl_plain_username=settings.username,
        sasl_plain_password=settings.password,
    )
    while not mechanism.is_done():
        token: bytes = mechanism.auth_bytes()
        body = struct.pack(">i", len(token)) + token
        answer = _request(connection, SASL_AUTHENTICATE, 0, body)
        try:
            (error, length) = struct.unpack_from(">hh", answer)
            at = 4 + max(length, 0)
            if error:
                return answer[4:at].decode("utf-8", "replace") or f"error {error}"
            (size,) = struct.unpack_from(">i", answer, at)
        except struct.error as unreadable:
            raise NotKafkaError(_FOREIGN) from unreadable
        try:
            mechanism.receive(answer[at + 4 : at + 4 + max(size, 0)])
        except ValueError as refused:
            return str(refused)
        except LookupError as missing:
            return f"its answer lacks {missing}"
    return None


def _request(connection: socket.socket, api: int, version: int, body: bytes) -> bytes:
    message = struct.pack(">hhi", api, version, 1) + _text("avatarrig") + body
    connection.sendall(struct.pack(">i", len(message)) + message)
    (size,) = struct.unpack(">i", _receive(connection, 4))
    if not SHORTEST_ANSWER <= size <= LONGEST_ANSWER:
        raise NotKafkaError(_FOREIGN)
    answer = _receive(connection, size)
    return answer[4:]


def _receive(connection: socket.socket, size: int) -> bytes:
    """Receives so many bytes, within the connection's time-out for all of them together."""
    limit = connection.gettimeout()
    give_up = None if limit is None else time.monotonic() + limit
    received = b""
    while len(received) < size:
        if give_up is not None and time.monotonic() > give_up:
            raise TimeoutError("it answers too slowly")
        chunk = connection.recv(size - len(received))
        if not chunk:
            raise NotKafkaError("it hangs up")
        received += chunk
    return received


def _text(value: str) -> bytes:
    encoded = value.encode("utf-8")
    return struct.pack(">h", len(encoded)) + encoded
