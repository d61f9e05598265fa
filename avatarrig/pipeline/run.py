"""One run from its first photo to its skeleton, and how it ended."""

from __future__ import annotations

import io
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import msgspec
import structlog
from filelock import Timeout

from avatarrig.body.estimate import EstimateOptions
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.refused import LearnedRefusedError
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.fingerprint import detector_fingerprint
from avatarrig.detectors.options import DetectorOptions
from avatarrig.errors import CommandError, ExitCode
from avatarrig.files import open_to_append
from avatarrig.kafka.embedded import StorageDamagedError, set_storage_aside
from avatarrig.kafka.errors import DataDamagedError
from avatarrig.photos.passed_over import FileCounts, words_for_files
from avatarrig.pipeline.decisions.standings import still_counted
from avatarrig.pipeline.finished import FinishedRun
from avatarrig.pipeline.request import PreparedRun, RunRequest
from avatarrig.pipeline.results import Estimates, estimate_again, result_document, write_results
from avatarrig.pipeline.screen import Display, Screen
from avatarrig.pipeline.session import Session
from avatarrig.process.logs import configure_logs
from avatarrig.process.signals import Interruption
from avatarrig.runs import (
    RunDirectory,
    RunIdentity,
    locked,
    make_folder,
    open_run,
    read_decisions,
    read_file_counts,
    refused,
)
from avatarrig.views.progress import Progress
from avatarrig.wire.identity import asked_fingerprint
from producers.content import wanted_suffixes
from producers.references import Dataset
from producers.scan import scan


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended.

    Attributes:
        departed: Photos that pruning would have stop counting, as they are no longer in the
            dataset, but many at once; 0 where not all of the dataset was looked at.
    """

    exit_code: ExitCode
    document: dict[str, object]
    departed: int = 0


def run_photos(request: RunRequest, screen: Screen) -> Outcome:
    """Carries out a run.

    Args:
        screen: Where progress and results are shown.

    Raises:
        AvatarRigError: It cannot go on; the message says what to do.
    """
    started = time.monotonic()
    try:
        _refuse_without_photos(request)
        with _gone_where_refused(RunDirectory(request.out)):
            run, identity = open_run(request.out, request.dataset)
            with locked(run), _log_into(run):
                return _locked_run(request, run, identity, screen, started)
    except Timeout as error:
        raise CommandError(
            f"{request.out} is in use by another avatarrig: wait for it, or choose another --out"
        ) from error
    except KeyboardInterrupt as error:
        raise CommandError("stopped; the same command resumes", ExitCode.INTERRUPTED) from error


def _refuse_without_photos(request: RunRequest) -> None:
    """Says at once, before anything is started, that there is nothing to do."""
    counts = FileCounts()
    found = scan(
        request.dataset,
        leave_out=(request.out,),
        counts=counts,
        suffixes=wanted_suffixes(clips=request.clips),
    )
    if next(found, None) is None:
        raise _no_photos(request, counts.to_document())


def _no_photos(request: RunRequest, files: dict[str, Any] | None) -> CommandError:
    looked = f" ({words_for_files(files)})" if files and files["total"] else ""
    return CommandError(
        f"no photos in {request.dataset}{looked}: put some there, such as JPEG, PNG or HEIC, or "
        "name another folder",
        ExitCode.NOTHING_PROCESSED,
    )


@contextmanager
def _gone_where_refused(run: RunDirectory) -> Iterator[None]:
    """Takes a new run directory away again where the run was refused before it began."""
    made = [path for path in (run.path, *run.path.absolute().parents) if not path.exists()]
    try:
        yield
    except BaseException:
        if made and not (run.broker.exists() or run.observations.exists()):
            shutil.rmtree(run.path, ignore_errors=True)
            for folder in made[1:]:
                with suppress(OSError):  # somebody else has put something there
                    folder.rmdir()
        raise


@contextmanager
def _log_into(run: RunDirectory) -> Iterator[None]:
    """Has the command's own log beside those of its parts: the screen is for people."""
    make_folder(run.logs)
    try:
        file = io.TextIOWrapper(open_to_append(run.logs / "run.log"), encoding="utf-8")
    except OSError as error:
        raise refused(error, run.logs / "run.log") from error
    configure_logs(file)
    try:
        yield
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()
        with suppress(OSError):  # the disk is full
            file.close()


def _locked_run(
    request: RunRequest,
    directory: RunDirectory,
    identity: RunIdentity,
    screen: Screen,
    started: float,
) -> Outcome:
    with Interruption() as interruption:
        with screen.display() as display:
            run = _prepared(request, directory, identity, display)
            finished = FinishedRun(run)

            def results(progress: Progress) -> _Written:
                if not progress.counts.found and not interruption.requested:
                    raise _no_photos(request, read_file_counts(directory))
                return _written(run, progress)

            def carried_out() -> _Written:
                progress = run.progress()
                session = Session(
                    run,
                    progress,
                    display,
                    started=started,
                    detection_expected=not finished.all_detected,
                )
                return session.carry_out(interruption, lambda: results(progress))

            seen = finished.look(display.note)
            progress, estimates, departed = (
                _mended(run, carried_out, display) if seen is None else results(seen)
            )
        elapsed = time.monotonic() - started
        screen.results(directory, progress, estimates, elapsed, departed)
        code = _exit_code(progress, interrupted=interruption.requested)
        if code is ExitCode.INTERRUPTED:
            screen.note("stopped; the same command resumes")
        else:
            finished.write(progress)
        document = result_document(directory, progress, estimates, elapsed)
        return Outcome(code, document, 0 if request.max_images else departed)


def _prepared(
    request: RunRequest, directory: RunDirectory, identity: RunIdentity, display: Display
) -> PreparedRun:
    detecting, asking = request.detecting, request.asking
    models = locate_models(detecting.options, detecting.models, report=display.note)
    dataset = Dataset(
        name=identity.dataset,
        subject=request.subject,
        subject_per_folder=request.subject_per_folder,
        run=identity.run,
        template=asking.template(detecting.models, display.note),
        person=asking.person,
        sharpest_of_moment=request.sharpest_of_moment,
    )
    fingerprint = detector_fingerprint(detecting.options, models)
    return PreparedRun(
        request=request,
        directory=directory,
        identity=identity,
        dataset=dataset,
        fingerprint=asked_fingerprint(fingerprint, dataset.asked),
        models=models.checksums,
        learned=_learned(detecting.options, display),
    )


def _learned(options: DetectorOptions, display: Display) -> str | None:
    try:
        return load_learned(options.pose_model).version
    except LearnedRefusedError as error:
        display.note(f"photos are observed, but there will be no skeleton: {error}")
        return None


def _mended(run: PreparedRun, carried_out: Callable[[], _Written], display: Display) -> _Written:
    """Carries a run out; where the embedded Kafka's data is damaged, once more without it."""
    try:
        return carried_out()
    except (DataDamagedError, StorageDamagedError) as error:
        if run.request.kafka is not None:
            raise
        aside = set_storage_aside(run.directory.broker)
        display.note(
            f"the embedded Kafka's data was damaged and is now in {aside}; it is made "
            f"anew from the run's files ({error})"
        )
        return carried_out()


class _Written(NamedTuple):
    """What was written. `departed`: how many photos still count that are gone."""

    progress: Progress
    estimates: Estimates
    departed: int


def _written(run: PreparedRun, progress: Progress) -> _Written:
    """Writes the results."""
    request, directory = run.request, run.directory
    estimates: Estimates = progress.estimates()
    # What an earlier command told the aggregator, this one does not say.
    told = any(made.metres is not None for made in estimates.values())
    if told or request.estimate != EstimateOptions():
        estimates = estimate_again(directory, progress, request.estimate)
    departed = still_counted(progress, read_decisions(directory))
    write_results(
        directory,
        progress,
        estimates,
        dataset_dir=str(request.dataset),
        settings={
            "options": msgspec.to_builtins(request.detecting.options),
            "fingerprint": run.fingerprint,
            "models": list(run.models),
        },
        still_counted=departed,
    )
    return _Written(progress, estimates, departed)


def _exit_code(progress: Progress, *, interrupted: bool) -> ExitCode:
    if interrupted and not (progress.all_processed and progress.estimates_complete):
        return ExitCode.INTERRUPTED
    return ExitCode.DONE if progress.counts.observed else ExitCode.NOTHING_PROCESSED
