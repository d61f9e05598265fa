"""Finding the photos of a dataset: every one once, in the same order each time."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from avatarrig.errors import AvatarRigError, ExitCode
from avatarrig.photos.formats import PHOTO_SUFFIXES
from avatarrig.photos.passed_over import (
    FileCounts,
    Passed,
    is_junk,
    is_photo_name,
    junk_among,
    kind_of_file,
)
from avatarrig.photos.uri import to_file_uri
from avatarrig.wire.reasons import RejectReason


class DatasetError(AvatarRigError, ValueError):
    """What was named as a dataset is no folder that can be read."""

    exit_code = ExitCode.WRONG_USAGE


class Problem(msgspec.Struct, frozen=True):
    """Why something that looks like a photo cannot be published.

    Attributes:
        reason: Code as in `avatarrig.wire.Reject`.
    """

    reason: str
    message: str


class FoundPhoto(msgspec.Struct, frozen=True):
    """Something in a dataset that goes by a photo's name.

    Attributes:
        file: Where it lies, without links.
        path: Path within the dataset, POSIX separators; bytes of the name that are no
            UTF-8 stand as lone surrogates, as Python gives them.
        problem: Why it cannot be published, None where nothing speaks against it.
    """

    file: Path
    path: str
    problem: Problem | None = None

    @property
    def uri(self) -> str:
        """Where it lies."""
        return to_file_uri(self.file)

    @property
    def printable_path(self) -> str:
        r"""The path with bytes that are no UTF-8 written as ``\xff``."""
        return self.path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def scan(
    dataset: Path,
    *,
    leave_out: Sequence[Path] = (),
    counts: FileCounts | None = None,
    suffixes: frozenset[str] = PHOTO_SUFFIXES,
) -> Iterator[FoundPhoto]:
    """Walks a dataset's folders.

    The order is that of the names' bytes, folder by folder, so that two walks of the same
    photos agree on every machine. No link leads out of the dataset. A link within it is
    another name of a photo that is found anyway, and is passed over unless it is the only
    name that looks like a photo's.

    Args:
        leave_out: Folders within it that are not looked into, such as a run directory.
        counts: Hears of everything, also of what is no photo.
        suffixes: How names of what is wanted end, in lower case.

    Yields:
        Each photo once, also those that cannot be opened, with their problem. A folder that
        cannot be listed, or that a link leads to out of the dataset, is reported the same way.

    Raises:
        DatasetError: The dataset is missing, no folder, or may not be listed.
    """
    root = _root(dataset)
    hidden = frozenset(path.resolve() for path in leave_out)
    linked: set[Path] = set()
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = _entries(folder)
        except OSError as error:
            yield _unlisted(folder, root, error)
            continue
        inner: list[Path] = []
        for entry in entries:
            path = Path(entry.path)
            if path in hidden:
                continue
            is_folder = _is_folder(entry)
            if is_folder and not is_junk(entry.name, folder.name):
                inner.append(path)
            found = None
            if is_photo_name(entry.name, suffixes):
                found = next(_photo(path, root, linked, suffixes), None)
            elif entry.is_symlink() and not is_junk(entry.name):
                found = _linked_folder(path, root)
            if found is not None:
                yield found
            if counts is not None:
                _count(counts, entry, found, is_folder=is_folder, suffixes=suffixes)
        folders.extend(reversed(inner))


def _count(
    counts: FileCounts,
    entry: os.DirEntry[str],
    found: FoundPhoto | None,
    *,
    is_folder: bool,
    suffixes: frozenset[str],
) -> None:
    if found is not None and is_photo_name(entry.name, suffixes):
        counts.found(found.path)
    elif is_folder:
        if is_junk(entry.name, Path(entry.path).parent.name):
            counts.passed_over(Passed.FOLDER, entry.name)
    elif entry.is_symlink() and not is_junk(entry.name):
        counts.passed_over(Passed.LINK, entry.name)
    else:
        counts.passed_over(kind_of_file(entry.name), entry.name)


def look_at(file: Path, root: Path, suffixes: frozenset[str] = PHOTO_SUFFIXES) -> FoundPhoto | None:
    """Looks at one thing that goes by a photo's name, or at a folder that could not be listed.

    Args:
        root: The dataset's folder, without links.
        suffixes: How names of what is wanted end, in lower case.

    Returns:
        As `scan` would yield it; None where that passes over it.
    """
    if is_photo_name(file.name, suffixes):
        return next(_photo(file, root, set(), suffixes), None)
    return _linked_folder(file, root) if file.is_symlink() else _unlisted_folder(file, root)


def _root(dataset: Path) -> Path:
    try:
        root = dataset.resolve(strict=True)
        _entries(root)
    except NotADirectoryError as error:
        raise DatasetError(f"{dataset} is a file: name the folder with the photos in it") from error
    except FileNotFoundError as error:
        raise DatasetError(f"{dataset} does not exist: check the path") from error
    except OSError as error:
        raise DatasetError(f"{dataset} cannot be listed: {error.strerror}") from error
    return root


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: os.fsencode(entry.name))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # some file systems only tell when asked again, and may then refuse
        return False


def _photo(
    path: Path, root: Path, linked: set[Path], suffixes: frozenset[str]
) -> Iterator[FoundPhoto]:
    relative = _relative(path, root)
    try:
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            yield FoundPhoto(path, relative, _problem_of_mode(mode))
            return
        target = path.resolve(strict=True)
        found = FoundPhoto(target, relative, _problem_of_mode(target.stat().st_mode))
    except OSError as error:
        yield FoundPhoto(path, relative, problem_of(error))
        return
    except RuntimeError:  # Python 3.11 and 3.12 say so of links that go round in circles
        yield FoundPhoto(path, relative, Problem(RejectReason.MISSING, "the link leads to itself"))
        return
    if not target.is_relative_to(root):
        yield FoundPhoto(path, relative, _leads_out(target))
    elif not _found_anyway(target, root, suffixes) and target not in linked:
        linked.add(target)
        yield found


def _linked_folder(path: Path, root: Path) -> FoundPhoto | None:
    """Reports a link to a folder whose photos would otherwise be missed without a word."""
    try:
        target = path.resolve(strict=True)
        if not target.is_dir() or target.is_relative_to(root):
            return None
    except (OSError, RuntimeError):  # RuntimeError: Python 3.11 and 3.12 of links in circles
        return None
    problem = Problem(
        RejectReason.OUTSIDE_ROOTS,
        f"the linked folder leads out of the dataset, to {str(target)!a}: copy its photos into the "
        "dataset, or name that folder as a dataset",
    )
    return FoundPhoto(path, _relative(path, root), problem)


def _unlisted_folder(folder: Path, root: Path) -> FoundPhoto | None:
    """Reports a folder that still cannot be listed; None where it can, or is none any more."""
    try:
        _entries(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return _unlisted(folder, root, error)
    return None


def _found_anyway(target: Path, root: Path, suffixes: frozenset[str]) -> bool:
    folders = target.relative_to(root).parts[:-1]
    return is_photo_name(target.name, suffixes) and junk_among(folders) is None


def problem_of(error: OSError) -> Problem:
    """Puts a failure to open a photo into a reason and words."""
    if isinstance(error, PermissionError):
        return Problem(RejectReason.PERMISSION, "the file may not be read: change its permissions")
    if isinstance(error, FileNotFoundError):
        return Problem(
            RejectReason.MISSING, "there is nothing: a broken link, or it was just removed"
        )
    if isinstance(error, IsADirectoryError | NotADirectoryError):
        return Problem(RejectReason.NOT_A_FILE, "this is a folder with a photo's name")
    if error.errno == errno.EFBIG:
        return Problem(RejectReason.TOO_LARGE, error.strerror or str(error))
    return Problem(RejectReason.UNREADABLE, f"the file cannot be read: {error.strerror or error}")


def _problem_of_mode(mode: int) -> Problem | None:
    if stat.S_ISREG(mode):
        return None
    kind = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
    return Problem(RejectReason.NOT_A_FILE, f"this is {kind} with a photo's name")


def _leads_out(target: Path) -> Problem:
    return Problem(
        RejectReason.OUTSIDE_ROOTS,
        f"the link leads out of the dataset, to {str(target)!a}: copy the photo into the dataset",
    )


def _unlisted(folder: Path, root: Path, error: OSError) -> FoundPhoto:
    reason = (
        RejectReason.PERMISSION if isinstance(error, PermissionError) else RejectReason.UNREADABLE
    )
    problem = Problem(reason, f"the folder cannot be listed ({error.strerror}): {str(folder)!a}")
    return FoundPhoto(folder, _relative(folder, root), problem)


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
