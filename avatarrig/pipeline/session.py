"""The live part of a run: starts all parts, watches, and stops them again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import islice
from typing import TypeVar

import structlog

from aggregators.settings import AggregatorSettings
from avatarrig.errors import CommandError, ExitCode
from avatarrig.kafka.clients import open_producer, open_reader
from avatarrig.kafka.diagnosis import diagnose_connection
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.errors import DataDamagedError, TransportError
from avatarrig.kafka.reading import Message, Reader, from_beginning, reading
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client, create_missing, partitions_in
from avatarrig.page.settings import PageSettings
from avatarrig.pipeline.coordinator import Coordinator
from avatarrig.pipeline.decisions.standings import Standings
from avatarrig.pipeline.finished import UNVERIFIED
from avatarrig.pipeline.groups import membership, waiting_photos
from avatarrig.pipeline.measuring import tell_measured
from avatarrig.pipeline.parts import aggregator, members, replicas, sandbox_settings
from avatarrig.pipeline.publishing import Publishing, RunPhotos
from avatarrig.pipeline.request import PreparedRun
from avatarrig.pipeline.restoring import Restorer
from avatarrig.pipeline.screen import Display
from avatarrig.process.signals import Interruption
from avatarrig.process.supervision import ChildState
from avatarrig.runs import read_decisions
from avatarrig.runs.estimates import write_estimates
from avatarrig.views.progress import FOLLOWED, Progress
from avatarrig.views.view import view_of
from avatarrig.wire.counted import counted
from avatarrig.wire.topics import (
    AGGREGATORS,
    DEFAULT_PARTITIONS,
    detector_group,
    pipeline_topics,
)
from processors.settings import ReplicaSettings
from producers.publish import Evenly
from producers.scan import DatasetError, scan

ESTIMATE_SECONDS = 2.0
"""While photos flow, the estimate's file is written at most so often."""
CATCH_UP_SECONDS = 15.0
STOP_SECONDS = 4.0
"""Ctrl-C ends a run within 5 s; what is not finished by then is redone by the next start."""
FEWEST_PARTITIONS = 4
"""Of topics in a run's own Kafka: a later start may have a few more replicas."""
POLL_SECONDS = 0.1
REST_SECONDS = 0.25
MANY_WAIT = 32
"""While more photos wait, the topics are read now and then: each look costs Kafka more than it
tells a person sooner."""
ResultT = TypeVar("ResultT")
_log = structlog.get_logger(__name__)


class Session:
    """Everything of a run that must be stopped again.

    Args:
        started: When the run began, on the monotonic clock.
        detection_expected: Whether a detector will have to look at a photo, as far as is known.
    """

    def __init__(
        self,
        run: PreparedRun,
        progress: Progress,
        display: Display,
        *,
        started: float,
        detection_expected: bool = True,
    ) -> None:
        self._run = run
        self._request = run.request
        self._directory = run.directory
        self._progress = progress
        self._display = display
        self._started = started
        self._detection_expected = detection_expected
        self._stage = ""
        self._scanning = True
        self._detecting = False
        self._aggregating = False
        self._unwritten = False
        self._written_at = 0.0
        self._restarts: dict[str, int] = {}

    def carry_out(self, interruption: Interruption, finish: Callable[[], ResultT]) -> ResultT:
        """Processes the photos and waits for the estimate that contains them all.

        Args:
            finish: Writes what came of it; where all is done, while the parts end.
        """
        with ExitStack() as stack:
            # When all parts have ended, and what came of it is written.
            stack.callback(self._directory.remove_unfinished)
            beside = stack.enter_context(ThreadPoolExecutor(1, "finish"))
            self._enter("starting Apache Kafka")
            parts = stack.enter_context(
                Coordinator(
                    self._display.note,
                    drain=STOP_SECONDS,
                    log_directory=self._directory.logs,
                    on_state=self._tell_restart,
                )
            )
            kafka = self._kafka(parts)
            if self._request.kafka is not None:
                # Nobody else shall wait for the brokers to miss these members.
                stack.enter_context(self._memberships(kafka))
                stack.callback(parts.stop_parts)
            else:
                kafka = self._started_beside(parts, kafka)
            if is_new := parts.patiently(lambda: self._create_topics(kafka)):
                parts.release()  # nothing is done, and nothing waits
            if self._request.tells_measured:
                parts.patiently(lambda: self._tell_measured(kafka))
            self._enter("looking at what is done")
            reader = parts.patiently(lambda: self._caught_up(kafka, stack))
            pending = frozenset() if is_new else parts.patiently(lambda: self._waiting(kafka))
            publishing, photos, standings = parts.patiently(
                lambda: self._publishing(kafka, stack, pending)
            )
            parts.release()
            publishing.start(parts.background)
            stack.callback(publishing.stop)
            self._enter("detecting")
            interruption.be_polite()

            def step() -> bool:
                news = self._progress.take(_polled(reader), time.monotonic())
                if news:
                    parts.moved()
                self._take(publishing, photos)
                self._start_what_is_needed(parts, photos, kafka)
                self._look_after(news=news)
                if self._progress.counts.waiting > MANY_WAIT:
                    interruption.stop.wait(REST_SECONDS)
                return self._is_done(standings) and not photos.is_mending

            parts.work(interruption.stop, step)
            self._enter("stopping")
            self._tell(photos)
            finishing = None if interruption.requested else beside.submit(finish)
        return finish() if finishing is None else finishing.result()

    def _tell(self, photos: RunPhotos) -> None:
        """Says what was wrong with the run's files."""
        if photos.mended:
            self._display.note(
                f"files of {counted(photos.mended, 'photo')} were missing or damaged, and are "
                "made again"
            )
        for path, why in photos.unmendable.items():
            self._display.note(f"files of {path} cannot be made again: {why}")
        if photos.unverified:
            self._display.note(UNVERIFIED.format(photos.unverified))

    @contextmanager
    def _memberships(self, kafka: KafkaSettings) -> Iterator[None]:
        """Leaves the groups of the run's parts when these have ended."""
        names = members(self._replica(kafka), self._request.workers)
        with (
            membership(kafka, detector_group(self._run.identity.run), names),
            membership(kafka, AGGREGATORS, [self._run.identity.run]),
        ):
            yield

    def _caught_up(self, kafka: KafkaSettings, stack: ExitStack) -> Reader:
        """Reads what the topics hold by now.

        It gives up in time: a transaction that its dead owner left open hides what follows it
        until the broker ends it, and waiting only saves work.
        """
        consumer = stack.enter_context(reading(kafka))
        topics = [channel.topic for channel in FOLLOWED]
        reader = Reader(consumer, FOLLOWED, from_beginning(consumer, *topics))
        self._progress.begin(reader.ends)
        give_up = time.monotonic() + CATCH_UP_SECONDS
        while reader.behind and time.monotonic() < give_up:
            self._progress.take(reader.poll(POLL_SECONDS), time.monotonic())
        return reader

    def _tell_measured(self, kafka: KafkaSettings) -> None:
        asked, subject = self._request.estimate, self._run.dataset.subject_of("")
        tell_measured(kafka, subject, asked.height, asked.measured)

    def _kafka(self, parts: Coordinator) -> KafkaSettings:
        if self._request.kafka is not None:
            diagnose_connection(self._request.kafka)
            return parts.use(self._request.kafka)
        return parts.launch(
            EmbeddedBroker(
                self._directory.broker,
                on_progress=lambda progress: self._enter(progress.words),
                expendable=True,  # a run has its observations in files as well
            )
        )

    def _create_topics(self, kafka: KafkaSettings) -> bool:
        """Creates the topics that are missing; tells whether none was there.

        A broker of the run's own gets few partitions: each costs it 7 ms of its start.
        """
        with admin_client(kafka) as client:
            partitions = self._request.partitions or partitions_in(client)
            if partitions is None and self._request.kafka is None:
                partitions = max(FEWEST_PARTITIONS, 2 * self._request.workers)
            return create_missing(client, pipeline_topics(partitions or DEFAULT_PARTITIONS))

    def _started_beside(self, parts: Coordinator, kafka: KafkaSettings) -> KafkaSettings:
        """Has parts load what they need while Kafka starts; returns how that is reached."""
        photos = 0
        with suppress(DatasetError):  # publishing tells of it
            some = islice(scan(self._request.dataset), self._request.workers)
            photos = sum(1 for _ in some)
        if photos and self._detection_expected:
            self._start_detecting(parts, kafka, photos, held=True)
        if photos:
            self._start_aggregating(parts, kafka, held=True)
        reached = parts.await_broker()
        if not parts.has_parts:
            self._detecting = self._aggregating = False
        return reached

    def _start_detecting(
        self, parts: Coordinator, kafka: KafkaSettings, count: int, *, held: bool = False
    ) -> None:
        self._detecting = True
        parts.start(replicas(self._replica(kafka), count), held=held)

    def _start_aggregating(
        self, parts: Coordinator, kafka: KafkaSettings, *, held: bool = False
    ) -> None:
        self._aggregating = True
        parts.start([aggregator(self._aggregator(kafka))], held=held)
        if self._request.web_port is not None:
            self._display.note(f"live page: http://127.0.0.1:{self._request.web_port}/")

    def _tell_restart(self, state: ChildState) -> None:
        if state.restarts > self._restarts.get(state.name, 0):
            self._restarts[state.name] = state.restarts
            if state.ended_with == ExitCode.TRY_AGAIN:  # Kafka was away, which is told by itself
                return
            log = self._directory.logs / f"{state.name}.log"
            self._display.note(f"{state.name} ended and was started again; its log is {log}")

    def _waiting(self, kafka: KafkaSettings) -> frozenset[str]:
        """Names the photos that an earlier start left to the detectors."""
        group = detector_group(self._run.identity.run)
        # Not only stable offsets: a transaction that a killed broker left half-finished would
        # hide them for long, and a photo too many does no harm.
        with closing(
            open_reader(kafka, group_id=group, isolation_level="read_uncommitted")
        ) as detectors:
            return waiting_photos(detectors, self._run.identity.run, self._run.dataset.asked)

    def _publishing(
        self, kafka: KafkaSettings, stack: ExitStack, pending: frozenset[str]
    ) -> tuple[Publishing, RunPhotos, Standings]:
        producer = open_producer(kafka)
        stack.callback(producer.close, timeout=1)
        photos = RunPhotos(
            self._progress,
            self._directory,
            fingerprint=self._run.fingerprint,
            wanted=self._request.detecting.wanted,
            pending=pending,
            restore=self._restorer(kafka, stack),
        )
        publishing = Publishing(
            self._request.dataset,
            self._run.dataset,
            photos,
            Evenly(producer),
            max_images=self._request.max_images,
            leave_out=(self._directory.path,),
            clips=self._request.clips,
        )
        standings = Standings(
            self._directory,
            self._progress,
            producer,
            fingerprint=self._run.fingerprint,
            decisions=read_decisions(self._directory),
            prune=self._run.prune,
            restore=self._restorer(kafka, stack),
            period=self._request.period,
        )
        return publishing, photos, standings

    @staticmethod
    def _restorer(kafka: KafkaSettings, stack: ExitStack) -> Restorer:
        """One for each thread: a consumer is of one alone."""
        restorer = Restorer(lambda: open_reader(kafka))
        stack.callback(restorer.close)
        return restorer

    def _aggregator(self, kafka: KafkaSettings) -> AggregatorSettings:
        return AggregatorSettings(
            kafka=kafka,
            group=AGGREGATORS,
            worker=self._run.identity.run,  # the same at every start of the same run
            window_days=self._request.estimate.window_days,
            page=PageSettings(
                port=self._request.web_port, overlays=(str(self._directory.path.resolve()),)
            ),
            die_with_parent=True,
        )

    def _replica(self, kafka: KafkaSettings) -> ReplicaSettings:
        sandbox = sandbox_settings(
            self._request.detecting,
            photo_roots=(str(self._request.dataset.resolve()),),
            run_directory=str(self._directory.path.resolve()),
        )
        return ReplicaSettings(
            kafka=kafka,
            group=detector_group(self._run.identity.run),
            run=self._run.identity.run,
            sandbox=sandbox,
        )

    def _is_done(self, standings: Standings) -> bool:
        if self._scanning or not self._progress.all_processed:
            return False
        if self._progress.counts.found and not standings.settle():
            self._stage = "taking photos out of the estimate, or back in"
            return False
        if self._progress.counts.observed and not self._progress.estimates_complete:
            self._stage = "finishing the estimate"
            return False
        return True

    def _take(self, publishing: Publishing, photos: RunPhotos) -> None:
        if lost := self._progress.take_lost():
            publishing.again(lost)
            self._display.note(
                f"{counted(len(lost), 'photo')} of this run were forgotten meanwhile, and are "
                "still in its folder: they are taken anew"
            )
        if publishing.failure is not None:
            raise CommandError(str(publishing.failure), ExitCode.WRONG_USAGE)
        finished = publishing.finished  # before the queue is emptied, so that none is missed
        while not photos.found.empty():
            self._progress.found(photos.found.get())
        self._scanning = not finished

    def _start_what_is_needed(
        self, parts: Coordinator, photos: RunPhotos, kafka: KafkaSettings
    ) -> None:
        """Leaves out what has nothing to do: a finished run shows its result at once."""
        if photos.detection_needed and not self._detecting:
            self._start_detecting(parts, kafka, self._request.workers)
        estimating = self._detecting or not (self._scanning or self._progress.estimates_complete)
        if estimating and not self._aggregating:
            self._start_aggregating(parts, kafka)

    def _look_after(self, *, news: bool) -> None:
        self._show()
        self._unwritten |= news
        now = time.monotonic()
        if self._unwritten and now - self._written_at >= ESTIMATE_SECONDS:
            self._unwritten = False
            self._written_at = now
            write_estimates(self._directory, self._progress.estimates())

    def _enter(self, stage: str) -> None:
        self._stage = stage
        self._show()

    def _show(self) -> None:
        view = view_of(
            self._progress,
            stage=self._stage,
            scanning=self._scanning,
            now=time.monotonic(),
            started=self._started,
        )
        self._display.show(view)


def _polled(reader: Reader) -> Sequence[Message]:
    """What came since; nothing while Kafka is away, which the coordinator looks after."""
    try:
        return reader.poll(POLL_SECONDS)
    except DataDamagedError:
        raise
    except TransportError as error:
        _log.warning("nothing can be read", why=str(error))
        time.sleep(POLL_SECONDS)
        return []
