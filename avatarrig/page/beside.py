"""The page beside a worker: what it shows is read from Kafka, as anybody could."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from avatarrig.kafka.deciding.service import decide_about
from avatarrig.kafka.lag import KafkaWatch
from avatarrig.page.editing.access import Access
from avatarrig.page.editing.changes import Changes
from avatarrig.page.operations import Operations
from avatarrig.page.page import Page
from avatarrig.page.server import serving
from avatarrig.views.catalogue import Asked
from avatarrig.views.cataloguing import Cataloguing
from avatarrig.views.feed import observations_by_now
from avatarrig.views.watch import Watching

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from aiohttp import web
    from prometheus_client import CollectorRegistry

    from avatarrig.kafka.lag import Watched
    from avatarrig.kafka.settings import KafkaSettings
    from avatarrig.page.settings import PageSettings
    from avatarrig.wire.estimate import Estimate


@asynccontextmanager
async def page_beside(
    settings: PageSettings,
    kafka: KafkaSettings,
    *,
    groups: Mapping[str, str],
    registry: CollectorRegistry,
    watched: Watched,
) -> AsyncIterator[Callable[[], None]]:
    """Serves the page, and what machines ask for, while the context is open.

    Args:
        settings: Where.
        groups: Groups of the worker to what they read.
        watched: Hears how far behind these are.

    Yields:
        What to call when the worker works.

    Raises:
        AddressInUseError: The page cannot be where it was told to be.
    """
    operations = Operations(registry)
    with Watching(kafka) as watching, Cataloguing(kafka) as photos:
        observed = partial(observations_by_now, kafka)
        page = Page(watching, photos, settings, observed=observed, kafka=kafka.bootstrap_servers)
        routes = [
            *page.routes(),
            *_changes(settings, kafka, photos, page.keep),
            *operations.routes(),
        ]
        async with serving(settings, routes):
            with KafkaWatch(kafka, watched, groups):
                yield operations.ready


def _changes(
    settings: PageSettings,
    kafka: KafkaSettings,
    photos: Cataloguing,
    keep: Callable[[Estimate], str],
) -> list[web.AbstractRouteDef]:
    """What may be changed; nothing where nobody may."""
    if not settings.private:
        return []
    access = Access(Path(settings.private))

    def path_of(subject: str, photo: str) -> str | None:
        asked = Asked(subject=subject, image_id=photo)
        found = photos.ask()[0].shelf(asked, 0, 1).photos
        return found[0].path if found else None

    decide = partial(decide_about, kafka, photos.known)
    return Changes(settings, access, decide, path_of, keep).routes()
