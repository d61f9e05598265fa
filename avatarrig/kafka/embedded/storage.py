"""Formats a node's storage, once."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import shutil
import subprocess
import uuid
from pathlib import Path

from avatarrig.files import read_file
from avatarrig.kafka.embedded.distribution import Distribution
from avatarrig.kafka.embedded.errors import BrokerEndedError, BrokerError, StorageDamagedError
from avatarrig.kafka.embedded.jars import KAFKA_VERSION
from avatarrig.kafka.embedded.process import java_environment
from avatarrig.kafka.embedded.settings import PROPERTIES_FILE, STORAGE_FOLDER
from avatarrig.process.supervision import KILLED

FORMAT_LIMIT_S = 60.0
HALF_DONE = "data.formatting"
SET_ASIDE = "data.damaged"

IDENTITY_FILE = "meta.properties"
BOOTSTRAP_FILE = "bootstrap.checkpoint"
_DIGEST_BYTES = 32

VERSION_FILE = "kafka-version"
"""In the storage: the Kafka that made it."""

UNMARKED = "4.4.0"
"""Made storage without such a file."""


def new_cluster_id() -> str:
    """Returns a random cluster id as Kafka writes them: base64url, 22 characters."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
        # Kafka's own never begin with a dash: tools would take them for an option.
        if not text.startswith("-"):
            return text


def is_formatted(folder: Path) -> bool:
    """Whether the node's folder holds storage that was formatted completely."""
    return (folder / STORAGE_FOLDER / IDENTITY_FILE).is_file()


def require_readable(folder: Path) -> None:
    """Makes sure that this Kafka can read a node's storage.

    Raises:
        BrokerError: A newer Kafka made it, in a format that this one does not know.
        StorageDamagedError: It cannot be told which.
        OSError: It cannot be read.
    """
    storage = folder / STORAGE_FOLDER
    try:
        made_by = read_file(storage / VERSION_FILE).decode("ascii", "replace").strip()
    except FileNotFoundError:
        made_by = UNMARKED
    except IsADirectoryError as error:
        raise StorageDamagedError(
            f"{storage} is damaged ({error.filename}: {error.strerror}): move it away to start "
            "with an empty broker."
        ) from error
    if _numbers(made_by) > _numbers(KAFKA_VERSION):
        raise BrokerError(
            f"{storage} was made by Kafka {made_by}, and Kafka {KAFKA_VERSION} cannot read it: "
            "move that folder away to start with an empty broker. A run fills it again from its "
            "files when its command is given once more."
        )


def set_storage_aside(folder: Path) -> Path:
    """Moves a node's records away, so that it starts empty; an earlier such folder is replaced.

    Args:
        folder: The node's folder; the node does not run.

    Returns:
        Where they are now.

    Raises:
        OSError: They cannot be moved.
    """
    aside = folder / SET_ASIDE
    shutil.rmtree(aside, ignore_errors=True)
    return (folder / STORAGE_FOLDER).rename(aside)


def storage_state(folder: Path) -> bytes:
    """Digests how the records of a node's topics lie: each file's name, size and time of change.

    It is the same as long as nothing was written there; Kafka's own topics are left out, which
    each start writes to.

    Args:
        folder: The node's folder; the node does not run.
    """
    digest = hashlib.sha256()
    with contextlib.suppress(OSError):
        for file in sorted((folder / STORAGE_FOLDER).glob("[!_]*/*.log")):
            lies = file.stat()
            digest.update(
                f"{file.parent.name}/{file.name} {lies.st_size} {lies.st_mtime_ns}\n".encode()
            )
        return digest.digest()
    return b""


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]{1,9}", version)]


def format_storage(
    distribution: Distribution, folder: Path, cluster_id: str, *arguments: str
) -> None:
    """Formats storage aside and moves it in place, so that a kill leaves nothing half-done.

    Args:
        folder: The node's folder, with its properties written.
        cluster_id: See `new_cluster_id`.
        arguments: More arguments for Kafka's storage tool, such as ``--add-scram``.

    Raises:
        BrokerError: The storage tool failed.
        StorageDamagedError: There are records without the file that tells whose.
    """
    if (folder / STORAGE_FOLDER).exists():
        raise StorageDamagedError(
            f"{folder / STORAGE_FOLDER} holds records but no meta.properties, so it is damaged: "
            "restore that file, or move the directory away to start with an empty broker."
        )
    aside = folder / HALF_DONE
    shutil.rmtree(aside, ignore_errors=True)
    rendered = (folder / PROPERTIES_FILE).read_text("ascii")
    bootstrap = None if arguments else _kept_bootstrap(distribution)
    try:
        if bootstrap is None:
            _ask_tool(distribution, folder, rendered, cluster_id, *arguments)
            if not arguments:
                _keep_bootstrap(distribution, aside / BOOTSTRAP_FILE)
        else:
            _lay_out(aside, cluster_id, _node_id(rendered), bootstrap)
        (aside / VERSION_FILE).write_text(KAFKA_VERSION, "ascii")
        aside.rename(folder / STORAGE_FOLDER)
    except OSError as error:
        raise BrokerError(f"The broker's storage in {folder} cannot be made: {error}") from error


def bootstrap_file(distribution: Distribution) -> Path:
    """Where it is kept beside the jars what Kafka's storage tool writes for this version."""
    return distribution.jars[0].parent / BOOTSTRAP_FILE


def _kept_bootstrap(distribution: Distribution) -> bytes | None:
    try:
        data = read_file(bootstrap_file(distribution))
    except OSError:
        return None
    digest, content = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    return content if hashlib.sha256(content).digest() == digest else None


def _keep_bootstrap(distribution: Distribution, written: Path) -> None:
    """Keeps the features of a new cluster, which are the same for all of this version."""
    with contextlib.suppress(OSError):  # the tool is asked again then
        content = written.read_bytes()
        kept = bootstrap_file(distribution)
        part = kept.with_name(f".{kept.name}.{uuid.uuid4().hex}")
        part.write_bytes(hashlib.sha256(content).digest() + content)
        part.replace(kept)


def _lay_out(aside: Path, cluster_id: str, node_id: str, bootstrap: bytes) -> None:
    """Lays storage out as the tool does, which takes a second of CPU for it."""
    aside.mkdir(mode=0o700)
    (aside / BOOTSTRAP_FILE).write_bytes(bootstrap)
    (aside / IDENTITY_FILE).write_text(
        f"version=1\ncluster.id={cluster_id}\nnode.id={node_id}\ndirectory.id={new_cluster_id()}\n",
        "ascii",
    )


def _node_id(properties: str) -> str:
    return next(
        line.partition("=")[2] for line in properties.splitlines() if line.startswith("node.id=")
    )


def _ask_tool(
    distribution: Distribution, folder: Path, rendered: str, cluster_id: str, *arguments: str
) -> None:
    properties = folder / "formatting.properties"
    properties.write_text(f"{rendered}log.dirs={HALF_DONE}\n", "ascii")
    command = distribution.command(
        "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", properties.name, *arguments
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
    except subprocess.CalledProcessError as error:
        raise BrokerEndedError(
            f"The broker's storage in {folder} cannot be made: {error} {error.stderr}".rstrip(),
            was_killed=error.returncode in KILLED,
        ) from error
    except subprocess.SubprocessError as error:
        raise BrokerError(f"The broker's storage in {folder} cannot be made: {error}") from error
    finally:
        properties.unlink(missing_ok=True)
