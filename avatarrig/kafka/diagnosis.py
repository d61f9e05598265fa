"""Says within five seconds whether address, TLS or credentials were refused."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

from avatarrig.kafka.errors import ConnectionRefusedByKafkaError
from avatarrig.kafka.handshake import (
    UNSUPPORTED_SASL_MECHANISM,
    NotKafkaError,
    Offer,
    ask_mechanisms,
    authenticate,
)
from avatarrig.kafka.settings import KafkaSettings

LIMIT_S = 4.5
"""For all addresses and steps together."""

CONNECT_S = 1.5
RETRY_S = 0.1


def diagnose_connection(settings: KafkaSettings) -> None:
    """Connects step by step and says which step was refused; returns where none is.

    One address that works is enough, as it is for the clients.

    Args:
        settings: Where Kafka is and how to prove who we are.

    Raises:
        ConnectionRefusedByKafkaError: With what to do; never with the password.
        TransportSettingError: A certificate file cannot be used.
    """
    context = settings.ssl_context()
    deadline = time.monotonic() + LIMIT_S
    refusals = []
    for host, port in settings.addresses:
        try:
            _diagnose(settings, context, host, port, deadline)
        except ConnectionRefusedByKafkaError as refusal:
            refusals.append(refusal)
        else:
            return
    # The refusal that came furthest tells most.
    order = ("address", "protocol", "tls", "credentials")
    raise max(refusals, key=lambda refusal: order.index(refusal.part))


def await_connection(settings: KafkaSettings, timeout_ms: int) -> None:
    """Waits until a connection works, as long as that may still come about.

    Run before kafka-python's clients are made: they hide refused credentials behind a
    time-out, and one whose constructor fails leaves its sockets and its thread behind.

    Args:
        timeout_ms: How long an address may refuse, or be silent; TLS and credentials
            that are refused once stay refused.

    Raises:
        ConnectionRefusedByKafkaError: As `diagnose_connection`.
    """
    deadline = time.monotonic() + timeout_ms / 1000
    while True:
        try:
            diagnose_connection(settings)
        except ConnectionRefusedByKafkaError as refusal:
            if refusal.part in {"tls", "credentials"} or time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(RETRY_S)


def _diagnose(
    settings: KafkaSettings, context: ssl.SSLContext | None, host: str, port: int, deadline: float
) -> None:
    address = f"{host}:{port}"
    with contextlib.closing(_connect(host, port, deadline)) as plain:
        plain.settimeout(_left(deadline))
        with contextlib.closing(_encrypt(plain, context, host, address)) as connection:
            try:
                offer = ask_mechanisms(connection, settings.sasl_mechanism or "PLAIN")
            except OSError as error:
                raise _no_answer(settings, address, error, deadline) from error
            _check_offer(settings, offer, address)
            if settings.sasl:
                _authenticate(connection, settings, address)


def _connect(host: str, port: int, deadline: float) -> socket.socket:
    address = f"{host}:{port}"
    try:
        return socket.create_connection((host, port), timeout=min(CONNECT_S, _left(deadline)))
    except socket.gaierror as error:
        raise ConnectionRefusedByKafkaError(
            "address", f"Kafka at {address}: the host name is unknown. Check bootstrap_servers."
        ) from error
    except TimeoutError as error:
        raise ConnectionRefusedByKafkaError(
            "address",
            f"Kafka at {address}: nothing answers. Check host, port, firewall and network.",
        ) from error
    except OSError as error:
        raise ConnectionRefusedByKafkaError(
            "address",
            f"Kafka at {address}: no connection ({error.strerror or error}). "
            "Is it running, and are host and port right?",
        ) from error


def _encrypt(
    plain: socket.socket, context: ssl.SSLContext | None, host: str, address: str
) -> socket.socket:
    if context is None:
        return plain
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise ConnectionRefusedByKafkaError(
            "tls",
            f"Kafka at {address}: its certificate is not trusted ({error.verify_message}). "
            "Set cafile to the authority that signed it, and use the host name it is made for.",
        ) from error
    except (TimeoutError, ConnectionError) as error:
        raise _silent(address, error) from error
    except OSError as error:
        raise ConnectionRefusedByKafkaError(
            "tls",
            f"Kafka at {address}: TLS fails ({getattr(error, 'reason', None) or error}). The "
            "port may speak plain text: then set security_protocol to PLAINTEXT or "
            "SASL_PLAINTEXT. Or it asks for a client certificate: set certfile and keyfile.",
        ) from error


def _silent(address: str, error: OSError) -> ConnectionRefusedByKafkaError:
    return ConnectionRefusedByKafkaError(
        "protocol",
        f"{address} is reached but does not answer ({str(error) or 'nothing came in time'}). Check "
        "the port, and whether the broker is still starting.",
    )


def _no_answer(
    settings: KafkaSettings, address: str, error: OSError, deadline: float
) -> ConnectionRefusedByKafkaError:
    host, _, port = address.rpartition(":")
    if not settings.tls and _speaks_tls(host, int(port), deadline):
        return ConnectionRefusedByKafkaError(
            "tls",
            f"Kafka at {address}: the port speaks TLS. Set security_protocol to SSL or SASL_SSL.",
        )
    if isinstance(error, ssl.SSLError):
        return ConnectionRefusedByKafkaError(
            "tls",
            f"Kafka at {address}: TLS was refused ({error.reason}). "
            "It may ask for a client certificate: set certfile and keyfile.",
        )
    said = str(error) if isinstance(error, NotKafkaError) else "no answer in time"
    return ConnectionRefusedByKafkaError(
        "protocol",
        f"{address} is reached but does not answer as Kafka does ({said}). "
        "Check the port, and whether the broker is still starting.",
    )


def _speaks_tls(host: str, port: int, deadline: float) -> bool:
    # Only to tell what listens there: nothing is sent over it, so nothing need be trusted.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(OSError, ConnectionRefusedByKafkaError):
        with contextlib.closing(_connect(host, port, deadline)) as plain:
            plain.settimeout(_left(deadline))
            context.wrap_socket(plain, server_hostname=host).close()
        return True
    return False


def _check_offer(settings: KafkaSettings, offer: Offer, address: str) -> None:
    if settings.sasl and not offer.mechanisms:
        raise ConnectionRefusedByKafkaError(
            "credentials",
            f"Kafka at {address} takes no credentials on this port. Set security_protocol to "
            f"{'SSL' if settings.tls else 'PLAINTEXT'}, or use the port that takes them.",
        )
    if not settings.sasl and offer.mechanisms:
        raise ConnectionRefusedByKafkaError(
            "credentials",
            f"Kafka at {address} asks for credentials ({', '.join(offer.mechanisms)}). Set "
            f"security_protocol to {'SASL_SSL' if settings.tls else 'SASL_PLAINTEXT'}, "
            "sasl_mechanism, username and password.",
        )
    if settings.sasl and offer.error == UNSUPPORTED_SASL_MECHANISM:
        raise ConnectionRefusedByKafkaError(
            "credentials",
            f"Kafka at {address} does not offer {settings.sasl_mechanism}; "
            f"it offers {', '.join(offer.mechanisms)}. Set sasl_mechanism to one of them.",
        )


def _authenticate(connection: socket.socket, settings: KafkaSettings, address: str) -> None:
    hangs_up = False
    try:
        refusal = authenticate(connection, settings)
    except TimeoutError as error:
        raise _silent(address, error) from error
    except OSError as error:
        refusal, hangs_up = str(error), True
    if refusal is not None:
        raise ConnectionRefusedByKafkaError(
            "credentials",
            f"Kafka at {address} refuses the credentials of user {settings.username!r} "
            f"({settings.sasl_mechanism}): {refusal}. Check username, password and mechanism.",
            may_pass=hangs_up,
        )


def _left(deadline: float) -> float:
    return max(0.05, deadline - time.monotonic())
