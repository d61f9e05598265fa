"""Formats a node's storage, once."""

from __future__ import annotations

import base64
import shutil
import subprocess
import uuid
from pathlib import Path

from avatarrig.broker.distribution import Distribution
from avatarrig.broker.errors import BrokerError
from avatarrig.broker.process import java_environment
from avatarrig.broker.settings import PROPERTIES_FILE, STORAGE_FOLDER

FORMAT_LIMIT_S = 60.0
HALF_DONE = "data.formatting"

TRANSACTION_VERSION = 1
"""Under version 2, Kafka 4.4's default, transactions of clients that do not speak it (as
kafka-python does not) stay open for ever when their coordinator restarts uncleanly: it counts
them as completed, but no partition gets the marker, and readers wait for it."""


def new_cluster_id() -> str:
    """Returns a random cluster id as Kafka writes them: base64url, 22 characters."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
        # Kafka's own never begin with a dash: tools would take them for an option.
        if not text.startswith("-"):
            return text


def is_formatted(folder: Path) -> bool:
    """Whether the node's folder holds storage that was formatted completely."""
    return (folder / STORAGE_FOLDER / "meta.properties").is_file()


def format_storage(
    distribution: Distribution, folder: Path, cluster_id: str, *arguments: str
) -> None:
    """Formats storage aside and moves it in place, so that a kill leaves nothing half-done.

    Args:
        distribution: Apache Kafka.
        folder: The node's folder, with its properties written.
        cluster_id: See `new_cluster_id`.
        arguments: More arguments for Kafka's storage tool, such as ``--add-scram``.

    Raises:
        BrokerError: The storage tool failed.
    """
    if (folder / STORAGE_FOLDER).exists():
        raise BrokerError(
            f"{folder / STORAGE_FOLDER} holds records but no meta.properties, so it is damaged: "
            "restore that file, or move the directory away to start with an empty broker."
        )
    aside = folder / HALF_DONE
    shutil.rmtree(aside, ignore_errors=True)
    rendered = (folder / PROPERTIES_FILE).read_text("ascii")
    properties = folder / "formatting.properties"
    properties.write_text(f"{rendered}log.dirs={HALF_DONE}\n", "ascii")
    command = distribution.command(
        "kafka.tools.StorageTool",
        "format",
        "-t",
        cluster_id,
        "-c",
        properties.name,
        "--feature",
        f"transaction.version={TRANSACTION_VERSION}",
        *arguments,
    )
    try:
        subprocess.run(  # noqa: S603 - Kafka's own program
            command,
            cwd=folder,
            env=java_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=FORMAT_LIMIT_S,
            check=True,
        )
        aside.rename(folder / STORAGE_FOLDER)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or getattr(error, "output", None) or ""
        raise BrokerError(
            f"The broker's storage in {folder} cannot be made: {error} {said}".rstrip()
        ) from error
    finally:
        properties.unlink(missing_ok=True)
