"""Photos that crash, hang or garble the detector are set aside; the others are observed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from support import scripted_detector
from support.references import reference
from support.waiting import PATIENCE, wait_for

from avatarrig.photos.uri import to_file_uri
from avatarrig.runs import RunDirectory, WantedFiles, read_observation
from avatarrig.wire import Observation, PhotoReference, Sought, decode, encode
from processors.sandbox.messages import Observed, Unreachable
from processors.sandbox.sandbox import (
    DEPTH,
    Rejected,
    Result,
    RunDirectoryError,
    Sandbox,
    SandboxUnusableError,
)
from processors.sandbox.settings import Limits, SandboxSettings

pytestmark = pytest.mark.usefixtures("support_is_importable")
PATIENT = Limits(detection=PATIENCE)
HASTY = Limits(detection=1.5)

Open = Callable[..., Sandbox]


@pytest.fixture
def open_sandbox(tmp_path: Path) -> Iterator[Open]:
    opened: list[Sandbox] = []

    def open_one(limits: Limits = PATIENT, **settings: object) -> Sandbox:
        chosen = {"detector": scripted_detector.SCRIPTED, "photo_roots": (str(tmp_path),)}
        sandbox = Sandbox(SandboxSettings(**{**chosen, **settings}), limits)  # type: ignore[arg-type]
        opened.append(sandbox)
        return sandbox

    yield open_one
    for sandbox in opened:
        sandbox.close()


def photo(folder: Path, name: str, script: str) -> PhotoReference:
    file = folder / name
    file.write_text(script)
    return reference(name, script.encode(), image_id=name, uri=to_file_uri(file))


def collect(sandbox: Sandbox, number: int) -> list[Result]:
    results: list[Result] = []
    give_up = time.monotonic() + PATIENCE
    while len(results) < number:
        assert time.monotonic() < give_up, results
        results += sandbox.collect(0.2)
    return results


def detect(sandbox: Sandbox, reference: PhotoReference) -> Result:
    sandbox.submit(reference)
    (result,) = collect(sandbox, 1)
    return result


def test_photos_are_observed_in_their_order(tmp_path: Path, open_sandbox: Open) -> None:
    sandbox = open_sandbox()
    references = [photo(tmp_path, f"{n}.jpg", f"photo {n}") for n in range(DEPTH)]
    numbers = [sandbox.submit(reference) for reference in references]
    assert not sandbox.has_room
    results = collect(sandbox, DEPTH)
    assert [result.job for result in results] == numbers
    for result, asked in zip(results, references, strict=True):
        assert isinstance(result, Observed)
        observation = decode(result.record, Observation)
        assert observation.image_id == asked.image_id
        assert observation.fingerprint == sandbox.fingerprint == "scripted"
    assert sandbox.has_room


def test_a_detector_that_is_killed_while_it_starts_is_started_again(
    tmp_path: Path, open_sandbox: Open
) -> None:
    sandbox = open_sandbox()
    job = sandbox.submit(photo(tmp_path, "a.jpg", "a person"))
    for _ in range(5):
        pid = sandbox.pid
        os.kill(pid, signal.SIGKILL)
        give_up = time.monotonic() + PATIENCE
        while sandbox.pid == pid:
            assert time.monotonic() < give_up
            assert sandbox.collect(0.05) == []
    (result,) = collect(sandbox, 1)
    assert isinstance(result, Observed)
    assert result.job == job


@pytest.mark.parametrize(
    ("script", "limits", "reject"),
    [
        ("crash", PATIENT, ("crashed", "SIGSEGV")),
        ("hang", HASTY, ("timed_out", "1.5 s")),
        ("garble", PATIENT, ("crashed", "memory")),
        ("fail", PATIENT, ("detector_failed", "failed")),
    ],
)
def test_a_photo_that_brings_the_detector_down_is_tried_three_times(
    tmp_path: Path, open_sandbox: Open, script: str, limits: Limits, reject: tuple[str, str]
) -> None:
    reason, word = reject
    sandbox = open_sandbox(limits)
    bad = sandbox.submit(photo(tmp_path, "bad.jpg", script))
    good = sandbox.submit(photo(tmp_path, "good.jpg", "a person"))
    aside, observed = collect(sandbox, 2)
    assert isinstance(aside, Rejected)
    assert (aside.job, aside.reason, aside.attempts) == (bad, reason, 3)
    assert word in aside.message
    assert "Traceback" not in aside.message
    assert isinstance(observed, Observed)
    assert observed.job == good


def test_a_crash_by_chance_costs_nothing(tmp_path: Path, open_sandbox: Open) -> None:
    sandbox = open_sandbox()
    script = f"crash-once:{tmp_path / 'marker'}"
    assert isinstance(detect(sandbox, photo(tmp_path, "x.jpg", script)), Observed)


def test_attempts_can_be_set(tmp_path: Path, open_sandbox: Open) -> None:
    sandbox = open_sandbox(Limits(attempts=1))
    aside = detect(sandbox, photo(tmp_path, "x.jpg", "crash"))
    assert isinstance(aside, Rejected)
    assert aside.attempts == 1


def test_a_process_that_dies_idle_is_replaced(tmp_path: Path, open_sandbox: Open) -> None:
    sandbox = open_sandbox()
    detect(sandbox, photo(tmp_path, "x.jpg", "first"))
    os.kill(sandbox.pid, signal.SIGKILL)
    assert isinstance(detect(sandbox, photo(tmp_path, "y.jpg", "second")), Observed)


def test_a_refused_photo_is_set_aside_at_once(tmp_path: Path, open_sandbox: Open) -> None:
    sandbox = open_sandbox()
    aside = detect(sandbox, photo(tmp_path, "x.jpg", "refuse"))
    assert aside == Rejected(aside.job, "unreadable", "this is no photo", 1)


def test_what_libraries_print_disturbs_nobody(
    tmp_path: Path, open_sandbox: Open, capfd: pytest.CaptureFixture[str]
) -> None:
    sandbox = open_sandbox()
    assert isinstance(detect(sandbox, photo(tmp_path, "x.jpg", "chatter")), Observed)
    assert capfd.readouterr().err == ""


def test_forgotten_photos_are_not_spoken_of(tmp_path: Path, open_sandbox: Open) -> None:
    sandbox = open_sandbox()
    forgotten = sandbox.submit(photo(tmp_path, "x.jpg", "sleep:0.2"))
    sandbox.forget([forgotten])
    kept = sandbox.submit(photo(tmp_path, "y.jpg", "second"))
    assert [result.job for result in collect(sandbox, 1)] == [kept]


def test_a_missing_photo_is_set_aside_and_a_missing_storage_is_not(
    tmp_path: Path, open_sandbox: Open
) -> None:
    mount = tmp_path / "mount"
    mount.mkdir()
    gone = photo(mount, "gone.jpg", "gone")
    beside = photo(mount, "beside.jpg", "beside")
    sandbox = open_sandbox(photo_roots=(str(mount),))
    Path(mount / "gone.jpg").unlink()
    aside = detect(sandbox, gone)
    assert isinstance(aside, Rejected)
    assert aside.reason == "missing"
    Path(mount / "beside.jpg").unlink()
    unreachable = detect(sandbox, beside)
    assert isinstance(unreachable, Unreachable)
    assert "mounted" in unreachable.message


def test_a_storage_that_hangs_is_waited_for_and_not_held_against_the_photo(
    tmp_path: Path, open_sandbox: Open
) -> None:
    sandbox = open_sandbox(Limits(reading=3.0))
    detect(sandbox, photo(tmp_path, "x.jpg", "first"))
    os.kill(sandbox.pid, signal.SIGSTOP)  # as a process that waits for a dead disk: no answer
    result = detect(sandbox, photo(tmp_path, "y.jpg", "second"))
    assert isinstance(result, Unreachable)
    assert "did not answer" in result.message


def test_a_detector_that_cannot_be_opened_says_why(open_sandbox: Open) -> None:
    sandbox = open_sandbox(detector=scripted_detector.BROKEN)
    with pytest.raises(SandboxUnusableError, match="apt-get install libegl1"):
        collect(sandbox, 1)


@pytest.mark.parametrize(
    "detector", ["no_such_module:f", "support.scripted_detector:none", "not one"]
)
def test_a_detector_that_does_not_exist_is_named(open_sandbox: Open, detector: str) -> None:
    sandbox = open_sandbox(detector=detector)
    with pytest.raises(SandboxUnusableError, match=detector):
        collect(sandbox, 1)


def test_a_detector_that_dies_at_its_start_is_given_up(open_sandbox: Open) -> None:
    sandbox = open_sandbox(detector=scripted_detector.DYING)
    with pytest.raises(SandboxUnusableError, match=r"SIGILL.*no such instruction"):
        collect(sandbox, 1)


def test_a_detector_that_never_gets_ready_is_given_up(open_sandbox: Open) -> None:
    sandbox = open_sandbox(Limits(start=0.3), detector=scripted_detector.SLOW)
    with pytest.raises(SandboxUnusableError, match=r"not ready within 0.3 s"):
        collect(sandbox, 1)


def test_a_runs_files_are_there_before_the_answer(tmp_path: Path, open_sandbox: Open) -> None:
    run = RunDirectory(tmp_path / "run")
    sandbox = open_sandbox(
        run_directory=str(run.path), wanted=WantedFiles(overlays=True, masks=True)
    )
    answer = detect(sandbox, photo(tmp_path, "x", "a person"))
    assert isinstance(answer, Observed)
    assert read_observation(run.observation("x")) == decode(answer.record, Observation)
    for picture in (run.overlay("x"), run.raw("x"), run.mask("x")):
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_photo_whose_files_are_complete_is_answered_from_them(
    tmp_path: Path, open_sandbox: Open
) -> None:
    run = RunDirectory(tmp_path / "run")
    wanted = WantedFiles(masks=True)
    reference = photo(tmp_path, "x", "a person")
    first = detect(open_sandbox(run_directory=str(run.path), wanted=wanted), reference)
    again = open_sandbox(run_directory=str(run.path), wanted=wanted)
    assert isinstance(first, Observed)
    kept = detect(again, reference)
    assert isinstance(kept, Observed)
    assert kept.record == first.record
    run.mask("x").unlink()
    anew = detect(again, reference)
    assert isinstance(anew, Observed)
    assert anew.record != first.record  # it tells another time
    assert run.mask("x").is_file()


class Detections:
    """A photo, its copies, and whether a detector looked at them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._marker = folder / "looked"
        self.script = f"crash-once:{self._marker} a person"

    def photo(self, name: str, **fields: object) -> PhotoReference:
        return msgspec.structs.replace(photo(self._folder, name, self.script), **fields)

    def take(self) -> bool:
        """Tells whether a detector looked at a photo since the last call."""
        looked = self._marker.exists()
        self._marker.unlink(missing_ok=True)
        return looked


def seen(result: Result) -> Observation:
    assert isinstance(result, Observed)
    return decode(result.record, Observation)


def test_an_exact_copy_is_not_detected_again(tmp_path: Path, open_sandbox: Open) -> None:
    detections = Detections(tmp_path)
    sandbox = open_sandbox()
    first = seen(detect(sandbox, detections.photo("a.jpg")))
    assert detections.take()
    copy = detections.photo("b.jpg", duplicate_of="a.jpg", captured_at=7.0, run="r")
    second = seen(detect(sandbox, copy))
    assert not detections.take()
    assert second.excluded == "duplicate of a.jpg"
    assert (second.image_id, second.path, second.captured_at, second.run) == (
        "b.jpg",
        "b.jpg",
        7.0,
        "r",
    )
    same = {"image_id", "path", "captured_at", "run", "excluded", "observed_at"}
    assert all(
        getattr(first, name) == getattr(second, name)
        for name in Observation.__struct_fields__
        if name not in same
    )
    later = seen(detect(sandbox, detections.photo("0.jpg")))
    assert later.excluded is None, "of what was copied, the copy's own standing was taken"


def test_a_copy_of_a_photo_that_another_process_saw_is_answered_from_its_files(
    tmp_path: Path, open_sandbox: Open
) -> None:
    detections = Detections(tmp_path)
    run = RunDirectory(tmp_path / "run")
    asked = {"run_directory": str(run.path), "wanted": WantedFiles(masks=True)}
    detect(open_sandbox(**asked), detections.photo("a.jpg"))
    assert detections.take()
    copied = seen(detect(open_sandbox(**asked), detections.photo("b.jpg", duplicate_of="a.jpg")))
    assert not detections.take()
    assert read_observation(run.observation("b.jpg")) == copied
    assert run.mask("b.jpg").read_bytes() == run.mask("a.jpg").read_bytes()
    run.mask("a.jpg").unlink()
    seen(detect(open_sandbox(**asked), detections.photo("c.jpg", duplicate_of="a.jpg")))
    assert detections.take(), "its mask is gone"


def test_a_copy_that_shall_have_an_overlay_or_names_somebody_is_detected(
    tmp_path: Path, open_sandbox: Open
) -> None:
    detections = Detections(tmp_path)
    run = str(tmp_path / "run")
    drawing = open_sandbox(run_directory=run, wanted=WantedFiles(overlays=True))
    for name in ("a.jpg", "b.jpg"):
        seen(detect(drawing, detections.photo(name, duplicate_of=None if name < "b" else "a.jpg")))
        assert detections.take()
    naming = open_sandbox(run_directory=run)
    named = Sought(asked="", named=True)
    seen(detect(naming, detections.photo("c.jpg", duplicate_of="a.jpg", sought=named)))
    assert detections.take()


def test_the_same_picture_in_other_bytes_is_detected(tmp_path: Path, open_sandbox: Open) -> None:
    detections = Detections(tmp_path)
    run = str(tmp_path / "run")
    seen(detect(open_sandbox(run_directory=run), detections.photo("a.jpg")))
    detections.take()
    detections.script += " with a rating"
    seen(detect(open_sandbox(run_directory=run), detections.photo("b.jpg", duplicate_of="a.jpg")))
    assert detections.take()


def test_a_run_directory_that_takes_nothing_ends_the_work(
    tmp_path: Path, open_sandbox: Open
) -> None:
    (tmp_path / "run").write_text("a file in the folder's place")
    sandbox = open_sandbox(run_directory=str(tmp_path / "run"))
    with pytest.raises(RunDirectoryError, match="run"):
        detect(sandbox, photo(tmp_path, "x.jpg", "a person"))


def test_the_detector_process_knows_no_secrets(
    tmp_path: Path, open_sandbox: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVATARRIG_KAFKA_PASSWORD", "hunter2")
    sandbox = open_sandbox()
    process = psutil.Process(sandbox.pid)
    wait_for(process.environ)  # not there for an instant while a program takes its place
    environment = process.environ()
    assert "hunter2" not in environment.values()
    assert "PATH" in environment


@pytest.mark.parametrize("script", ["sleep:600", "hang"])
def test_the_detector_process_dies_with_its_parent(tmp_path: Path, script: str) -> None:
    reference = photo(tmp_path, "x.jpg", script)
    program = f"""
        import time
        from avatarrig.wire import PhotoReference, decode
        from processors.sandbox.sandbox import Sandbox
        from processors.sandbox.settings import Limits, SandboxSettings
        settings = SandboxSettings(
            photo_roots=({str(tmp_path)!r},), detector={scripted_detector.SCRIPTED!r}
        )
        sandbox = Sandbox(settings, Limits(detection=600))
        sandbox.submit(decode({encode(reference)!r}, PhotoReference))
        while sandbox.in_hand is None:
            sandbox.collect(0.1)
        print(sandbox.pid, flush=True)
        time.sleep(600)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    child.wait(PATIENCE)
