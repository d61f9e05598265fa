"""How to reach a Kafka: addresses, TLS and credentials, the same for every client."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from avatarrig.kafka.errors import TransportSettingError
from avatarrig.kafka.own_broker import USERNAME, own_broker_at
from avatarrig.wire.packing import shortened

SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
SASL_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_SASL_FIELDS = ("security_protocol", "sasl_mechanism", "username", "password")
_LISTENER = re.compile(r"(?:[A-Z][A-Z0-9_]*|kafka)://")
_HOST = re.compile(r"[^/\s\0]+")
_PORT = re.compile(r"[0-9]{1,5}")
_MOST_QUOTED = 80


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where Kafka is and how to prove who we are; checked when made.

    Attributes:
        bootstrap_servers: ``host:port``, several separated by commas.
        security_protocol: One of `SECURITY_PROTOCOLS`.
        sasl_mechanism: One of `SASL_MECHANISMS`; for the ``SASL_`` protocols.
        username: SASL user name.
        password: SASL password; never shown.
        cafile: PEM file with the authorities to trust; None for the system's.
        certfile: PEM file with the client's certificate, where the broker asks for one.
        keyfile: PEM file with its private key.
        check_hostname: Whether the broker's certificate must name the host.

    Raises:
        TransportSettingError: A setting is wrong, or one that belongs with it is missing.
    """

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    username: str | None = None
    password: str | None = None
    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    check_hostname: bool = True

    def __post_init__(self) -> None:
        _ = self.addresses  # or refuses what cannot be read
        self._take_own_secret()
        _one_of("security_protocol", self.security_protocol, SECURITY_PROTOCOLS)
        if self.sasl:
            _one_of("sasl_mechanism", self.sasl_mechanism, SASL_MECHANISMS)
            if not self.username or not self.password:
                raise TransportSettingError(
                    f"{self.security_protocol} needs a username and a password"
                )
        elif self.sasl_mechanism or self.username or self.password:
            raise TransportSettingError(
                "credentials are given but security_protocol is "
                f"{self.security_protocol}: set SASL_SSL (or SASL_PLAINTEXT) to use them"
            )
        for name in ("cafile", "certfile", "keyfile"):
            path = getattr(self, name)
            if path and not Path(path).is_file():
                raise TransportSettingError(f"{name}: there is no file {path}")

    def _take_own_secret(self) -> None:
        """Where the address is that of this user's own embedded broker, its secret is known."""
        ports = [port for host, port in self.addresses if host in _LOOPBACK]
        if self.security_protocol != "PLAINTEXT" or len(ports) != len(self.addresses):
            return
        broker = next(filter(None, map(own_broker_at, ports)), None)
        if broker is not None:
            fields = ("SASL_PLAINTEXT", "PLAIN", USERNAME, broker.secret)
            for name, value in zip(_SASL_FIELDS, fields, strict=True):
                msgspec.structs.force_setattr(self, name, value)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"KafkaSettings({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Every field but the password, for msgspec's and rich's own ways of showing it too."""
        fields = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return [(name, "***" if name == "password" and value else value) for name, value in fields]

    @property
    def sasl(self) -> bool:
        """Whether clients authenticate themselves."""
        return self.security_protocol.startswith("SASL_")

    @property
    def tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.security_protocol.endswith("SSL")

    @property
    def servers(self) -> list[str]:
        """Bootstrap addresses, each ``host:port``, as they are written but for what goes around it.

        A broker's listeners name a protocol before the address, and a list may end with a comma.
        """
        texts = self.bootstrap_servers.strip().removesuffix(",").split(",")
        return [_LISTENER.sub("", text.strip()).rstrip("/") for text in texts]

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Bootstrap hosts, IPv6 ones without brackets, and ports.

        Raises:
            TransportSettingError: One is no ``host:port``.
        """
        return [_address(text) for text in self.servers]

    def ssl_context(self) -> ssl.SSLContext | None:
        """Returns what kafka-python, aiokafka and Faust need for TLS; None without TLS.

        Raises:
            TransportSettingError: A certificate file cannot be used.
        """
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.cafile)
            if self.certfile:
                context.load_cert_chain(self.certfile, self.keyfile, _refuse_to_ask)
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(name for name in (self.cafile, self.certfile, self.keyfile) if name)
            raise TransportSettingError(
                f"the TLS files cannot be used ({files}): {error}"
            ) from error
        context.check_hostname = self.check_hostname
        return context

    def client_options(self) -> Mapping[str, Any]:
        """Returns kafka-python's options for address, TLS and credentials."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.servers,
            "security_protocol": self.security_protocol,
        }
        if self.tls:
            options["ssl_context"] = self.ssl_context()
        if self.sasl:
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options


def _refuse_to_ask() -> NoReturn:
    """Keeps OpenSSL from asking the terminal for a passphrase, which a service never answers.

    Raises:
        TransportSettingError: Always; it is called where the key needs one.
    """
    raise TransportSettingError(
        "keyfile: the private key is encrypted: give one without a passphrase that nobody but "
        "this user may read (openssl pkey -in KEY -out PLAIN)"
    )


def _one_of(name: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise TransportSettingError(f"{name} is {value!r}; choose one of {', '.join(allowed)}")


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not _HOST.fullmatch(host) or not _is_name(host) or not _PORT.fullmatch(port):
        raise _no_address(text)
    if not 0 < int(port) < 1 << 16:
        raise _no_address(text)
    return host.removeprefix("[").removesuffix("]"), int(port)


def _is_name(host: str) -> bool:
    """Whether a host's name can be looked up: its parts have 1 to 63 characters that may be."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _no_address(text: str) -> TransportSettingError:
    return TransportSettingError(
        f"bootstrap_servers: {shortened(text, _MOST_QUOTED)!r} is no address; write host:port, for "
        "example localhost:9092, and commas between several"
    )
