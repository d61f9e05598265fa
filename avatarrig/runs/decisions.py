"""What was decided about a run's photos: a file that people can read and keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from avatarrig.errors import AvatarRigError, ExitCode
from avatarrig.files import read_file, told
from avatarrig.runs.atomic import write_json
from avatarrig.wire import decode_json
from avatarrig.wire.keys import PhotoKey
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN, AUTOMATIC, as_decided

if TYPE_CHECKING:
    from avatarrig.runs.layout import RunDirectory
    from avatarrig.wire import Observation


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about one photo.

    Attributes:
        subject: Whose skeleton it would tell about.
        path: Its path within the dataset, for people.
        standing: See `avatarrig.wire.standings`; empty where it was undone, which is kept
            so that the topics hear of it.
        reason: Why, in the words of whoever decided.
        decided_at: Unix seconds.
        before: Of a photo that is left out, or was brought back since, how it stood until it was
            left out.
    """

    image_id: str
    subject: str
    path: str
    standing: str
    reason: str = ""
    decided_at: float = 0.0
    before: str = ""

    @property
    def key(self) -> PhotoKey:
        """What tells photos apart."""
        return self.subject, self.image_id


class DecisionsFileError(AvatarRigError, ValueError):
    """The file of decisions is damaged; the message says what to do."""

    exit_code = ExitCode.WRONG_USAGE


class _File(msgspec.Struct, frozen=True):
    decisions: tuple[Decided, ...] = ()


Decisions = dict[PhotoKey, Decided]
"""What was decided, by photo."""


def read_decisions(run: RunDirectory) -> Decisions:
    """Reads what was decided about a run's photos; nothing where there is no file.

    Raises:
        DecisionsFileError: It is damaged.
    """
    try:
        file = decode_json(read_file(run.decisions), _File)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise DecisionsFileError(
            f"{told(run.decisions, error)}: mend it, or delete it and decide anew"
        ) from error
    return {decided.key: decided for decided in file.decisions}


def write_decisions(run: RunDirectory, decisions: Iterable[Decided]) -> None:
    """Writes them, in the order of their paths.

    Raises:
        RunStorageError: The run directory cannot take the file.
    """
    ordered = sorted(decisions, key=lambda decided: (decided.path, decided.key))
    write_json(run.decisions, msgspec.to_builtins(_File(tuple(ordered))))


def write_standings(run: RunDirectory, standings: Mapping[PhotoKey, str]) -> None:
    """Writes how photos stand at the end of a run, by hand or since they are gone.

    Raises:
        RunStorageError: The run directory cannot take the file.
    """
    if standings or run.standings.is_file():
        write_json(run.standings, [[*key, standings[key]] for key in sorted(standings)])


def read_standings(run: RunDirectory) -> dict[PhotoKey, str]:
    """Reads how photos stand: as the last run left it, but for what was decided since.

    Raises:
        DecisionsFileError: A file is damaged.
    """
    standings = _standings_before(run)
    for key, decision in read_decisions(run).items():
        standings[key] = _standing_since(standings.get(key, AS_SEEN), decision)
    return standings


def _standing_since(standing: str, decision: Decided) -> str:
    """How a photo stands that stood so at the end of a run, until the next run looks.

    Where nothing is decided any more, what follows from the dataset stands.
    """
    if decision.standing:
        return decision.standing
    of_dataset = decision.before if standing == Exclusion.ON_REQUEST else standing
    return of_dataset if of_dataset in AUTOMATIC else AS_SEEN


def _standings_before(run: RunDirectory) -> dict[PhotoKey, str]:
    try:
        rows = decode_json(read_file(run.standings), list[tuple[str, str, str]])
    except FileNotFoundError:
        rows = []
    except (OSError, msgspec.MsgspecError) as error:
        raise DecisionsFileError(
            f"{told(run.standings, error)}: delete it, and run the same command again"
        ) from error
    return {(subject, image_id): standing for subject, image_id, standing in rows}


def decided_since(run: RunDirectory) -> bool:
    """Tells whether something was decided by hand since the last run, which its topics do not know.

    Raises:
        DecisionsFileError: A file is damaged.
    """
    before = _standings_before(run)
    standings = ((before.get(key, AS_SEEN), made) for key, made in read_decisions(run).items())
    return any(standing != _standing_since(standing, made) for standing, made in standings)


def as_it_stands(observation: Observation, standings: Mapping[PhotoKey, str]) -> Observation:
    """An observation of a run as it shall be counted."""
    key = (observation.subject, observation.image_id)
    return as_decided(observation, standings.get(key, AS_SEEN))
