"""How fast references are published, and photos found, hashed and published."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from bench.figures import Figure

from avatarrig.kafka.clients import open_producer
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics
from avatarrig.wire import PhotoReference
from avatarrig.wire.topics import pipeline_topics
from producers.publish import described, publish
from producers.references import Dataset

DEMO = Path(__file__).parents[3] / "inputs" / "datasets" / "Demo"
REFERENCES = 100_000
PHOTOS = 150
PHOTO_BYTES = 4_000_000
"""As a 12 MP camera writes them."""
ROUNDS = 3


def producing() -> list[Figure]:
    """References a second, and bytes a second against reading and hashing the same files."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker(Path(folder) / "kafka") as broker:
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        create_topics(kafka, pipeline_topics())
        rate = _publish_references(kafka)
        photos = [_photo_figures(kind, Path(folder) / kind, kafka) for kind in KINDS]
    return [
        Figure(
            name="producer: references, without hashing",
            value=rate,
            unit="references/s",
            at_least=5_000,
        ),
        *(figure for figures in photos for figure in figures),
    ]


def _photo_figures(kind: str, folder: Path, kafka: KafkaSettings) -> list[Figure]:
    photos = _photos(folder, KINDS[kind]())
    bytes_in_all = sum(photo.stat().st_size for photo in photos)
    ratios, speeds = [], []
    for _ in range(ROUNDS):
        plain, published = _read_and_hash(photos), _publish(photos, kafka)
        ratios.append(plain / published)
        speeds.append(bytes_in_all / published / 1e6)
    return [
        Figure(
            name=f"producer: photos, hashed ({kind})",
            value=sorted(speeds)[ROUNDS // 2],
            unit="MB/s",
        ),
        Figure(
            name=f"producer ÷ plain reading and hashing, files not cached ({kind})",
            value=sorted(ratios)[ROUNDS // 2],
            at_least=0.9,
        ),
    ]


def _publish_references(kafka: KafkaSettings) -> float:
    producer = open_producer(kafka)
    publish(_references(1000), producer)  # connects
    begun = time.perf_counter()
    publish(_references(REFERENCES), producer)
    spent = time.perf_counter() - begun
    producer.close()
    return REFERENCES / spent


def _references(number: int) -> Iterator[PhotoReference]:
    for count in range(number):
        yield PhotoReference(
            image_id=f"{count:06}",
            uri=f"file:///photos/album/{count:06}.jpg",
            dataset="bench",
            path=f"album/{count:06}.jpg",
            subject="bench",
            content_hash="0" * 64,
            size=PHOTO_BYTES,
            found_at=1.75e9,
        )


def _large_picture() -> bytes:
    """As a camera writes them: pixels nearly all through."""
    rng = np.random.default_rng(0)
    picture = cv2.resize(rng.integers(0, 256, (94, 126, 3), np.uint8), (4032, 3024))
    noisy = cv2.add(picture, rng.integers(0, 24, picture.shape, np.uint8))
    quality = 100
    while len(photo := cv2.imencode(".jpg", noisy, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]) > (
        PHOTO_BYTES
    ):
        quality -= 2
    return photo.tobytes()


def _small_picture() -> bytes:
    """As phones write them that put a film behind a photo."""
    real = next(DEMO.glob("*.jpg")).read_bytes()
    return real + secrets.token_bytes(PHOTO_BYTES - len(real))


KINDS = {"large pictures": _large_picture, "small ones with data behind": _small_picture}


def _photos(folder: Path, photo: bytes) -> list[Path]:
    """Writes the photo so often, each time with another comment."""
    folder.mkdir()
    files = [folder / f"{number:04}.jpg" for number in range(PHOTOS)]
    for file in files:
        file.write_bytes(photo[:2] + b"\xff\xfe\0\x12" + secrets.token_bytes(16) + photo[2:])
    return files


def _publish(photos: list[Path], kafka: KafkaSettings) -> float:
    _forget(photos)
    producer = open_producer(kafka)
    begun = time.perf_counter()
    publish(described(photos[0].parent, Dataset(name="bench")), producer)
    spent = time.perf_counter() - begun
    producer.close()
    return spent


def _read_and_hash(photos: list[Path]) -> float:
    _forget(photos)
    begun = time.perf_counter()
    for file in photos:
        with file.open("rb") as opened:
            hashlib.file_digest(opened, "sha256")
    return time.perf_counter() - begun


def _forget(photos: list[Path]) -> None:
    """Has the system forget the files' content, so that it comes from the disk."""
    for file in photos:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
