"""Every photo of a pipeline and how it stands: a fold over observations, to be looked up by pages.

It is kept in SQLite, in memory: a photo takes about half a kilobyte.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from avatarrig.body.evidence.counting import why_not
from avatarrig.kafka.deciding.known import Known, Sight, face_left_by
from avatarrig.wire import Decision, Forget, Observation
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN, COUNTS, ONLY_COPY, as_decided

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from avatarrig.kafka.reading import Message, Offsets

IN: Final = ""
"""Code of a photo that counts, where reasons are asked for or counted."""

_KEPT_OF_POSE: Final = 5
_POSE_TYPE: Final = np.float16
_TABLES: Final = """
    CREATE TABLE photos (
        subject TEXT, image_id TEXT, partition INTEGER, position INTEGER, fingerprint TEXT,
        path TEXT, observed_at REAL, captured_at REAL, width INTEGER, height INTEGER,
        people INTEGER, pose BLOB, seen TEXT, counts TEXT, only_copy TEXT,
        standing TEXT, reason TEXT,
        PRIMARY KEY (subject, image_id)
    ) WITHOUT ROWID;
    CREATE INDEX latest ON photos (observed_at, subject, image_id);
    CREATE INDEX latest_of ON photos (subject, observed_at, image_id);
    CREATE INDEX latest_by_reason ON photos (reason, observed_at, subject, image_id);
    CREATE INDEX latest_of_by_reason ON photos (subject, reason, observed_at, image_id);
    CREATE TABLE sights (
        subject TEXT, image_id TEXT, partition INTEGER, fingerprint TEXT, position INTEGER,
        PRIMARY KEY (subject, image_id, partition, fingerprint)
    ) WITHOUT ROWID;
    CREATE TABLE standings (
        subject TEXT, image_id TEXT, standing TEXT, decided_at REAL, face BLOB,
        PRIMARY KEY (subject, image_id)
    ) WITHOUT ROWID;
    CREATE TABLE faces (
        subject TEXT, image_id TEXT, face BLOB, decided_at REAL,
        PRIMARY KEY (subject, image_id, face)
    ) WITHOUT ROWID;
"""
_ADD: Final = """
    INSERT INTO photos VALUES (
        :subject, :image_id, :partition, :position, :fingerprint, :path, :observed_at,
        :captured_at, :width, :height, :people, :pose, :seen, :counts, :only_copy,
        :standing, :reason
    ) ON CONFLICT DO UPDATE SET
        partition = excluded.partition, position = excluded.position,
        fingerprint = excluded.fingerprint, path = excluded.path,
        observed_at = excluded.observed_at, captured_at = excluded.captured_at,
        width = excluded.width, height = excluded.height, people = excluded.people,
        pose = excluded.pose, seen = excluded.seen, counts = excluded.counts,
        only_copy = excluded.only_copy, standing = excluded.standing, reason = excluded.reason
    WHERE excluded.fingerprint <> photos.fingerprint
        AND excluded.observed_at >= photos.observed_at
"""
_DECIDE: Final = """
    INSERT INTO standings VALUES (:subject, :image_id, :standing, :decided_at, :face)
    ON CONFLICT DO UPDATE SET
        standing = excluded.standing, decided_at = excluded.decided_at, face = excluded.face
    WHERE excluded.decided_at >= standings.decided_at
"""
_STAND: Final = """
    UPDATE photos SET standing = :standing,
        reason = CASE :standing WHEN '' THEN seen WHEN 'counts' THEN counts
            WHEN 'only_copy' THEN only_copy ELSE :reason END
    WHERE subject = :subject AND image_id = :image_id
"""
_LISTED: Final = (
    "subject, image_id, path, observed_at, captured_at, width, height, people, pose IS NOT NULL, "
    "standing, reason"
)


class CataloguedPhoto(msgspec.Struct, frozen=True, array_like=True):
    """A photo.

    Attributes:
        found: Whether somebody was found in it.
        standing: What was decided about it; see `avatarrig.wire.standings`.
        reason: Code of why it does not count; empty where it counts.
    """

    subject: str
    image_id: str
    path: str
    observed_at: float
    captured_at: float | None
    width: int
    height: int
    people: int
    found: bool
    standing: str
    reason: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which photos somebody wants to see.

    Attributes:
        subject: Whose; everybody's where None.
        among: Whose they may be; anybody's where None.
        reason: Code of why they do not count, empty for those that count; None for all.
        search: Text that their paths contain, whatever its case.
        image_id: Of one photo; empty for all.
    """

    subject: str | None = None
    among: tuple[str, ...] | None = None
    reason: str | None = None
    search: str = ""
    image_id: str = ""


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """Some photos, the latest first.

    Attributes:
        photos: Those of the page that was asked for.
        found: How many fit what was asked for.
        reasons: Code of why photos do not count to how many, of all that fit but for the reason;
            empty for those that count.
    """

    photos: tuple[CataloguedPhoto, ...]
    found: int
    reasons: Mapping[str, int]


class Catalogue:
    """Keeps every photo; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._base = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._base.executescript(_TABLES)
        self._positions: Offsets = {}
        self.version = 0

    def close(self) -> None:
        """Drops it."""
        with self._lock:
            self._base.close()

    def take(self, messages: Iterable[Message], positions: Offsets | None = None) -> None:
        """Takes in messages of the observations topic, those of a partition in their order.

        Args:
            positions: How far each partition was read.
        """
        with self._lock, self._base:
            self._base.execute("BEGIN")
            for message in messages:
                self._take(message)
            self._positions = positions or self._positions

    def _take(self, message: Message) -> None:
        self.version += 1
        match message.record:
            case Observation() as seen:
                self._see(seen, message)
            case Decision() as decision:
                self._decide(decision)
            case Forget() as forget:
                self._forget(forget, message)

    def _see(self, seen: Observation, message: Message) -> None:
        reasons = _reasons(seen)
        key = (seen.subject, seen.image_id)
        known = self._base.execute(
            "SELECT standing FROM standings WHERE subject = ? AND image_id = ?", key
        ).fetchone()
        standing = AS_SEEN if known is None else known[0]
        self._base.execute(
            _ADD,
            {
                "subject": seen.subject,
                "image_id": seen.image_id,
                "partition": message.partition,
                "position": message.offset,
                "fingerprint": seen.fingerprint,
                "path": seen.path,
                "observed_at": seen.observed_at,
                "captured_at": seen.captured_at,
                "width": seen.width,
                "height": seen.height,
                "people": seen.people,
                "pose": None if seen.pose is None else _packed(seen.pose.unpack()),
                **reasons,
                "standing": standing,
                "reason": reasons.get(_COLUMNS.get(standing, ""), _other(standing)),
            },
        )
        self._base.execute(
            "INSERT OR IGNORE INTO sights VALUES (?, ?, ?, ?, ?)",
            (*key, message.partition, seen.fingerprint, message.offset),
        )

    def _decide(self, decision: Decision) -> None:
        standing = decision.standing
        for image_id in decision.image_ids:
            key = (decision.subject, image_id)
            if decision.face:
                self._base.execute(
                    "INSERT OR REPLACE INTO faces VALUES (?, ?, ?, ?)",
                    (*key, decision.face, decision.decided_at),
                )
            known = self._base.execute(
                "SELECT face FROM standings WHERE subject = ? AND image_id = ?", key
            ).fetchone()
            values = {
                "subject": decision.subject,
                "image_id": image_id,
                "standing": standing,
                "decided_at": decision.decided_at,
                "face": face_left_by(decision, b"" if known is None else known[0]),
                "reason": _other(standing),
            }
            if self._base.execute(_DECIDE, values).rowcount:
                self._base.execute(_STAND, values)

    def _forget(self, forget: Forget, message: Message) -> None:
        names = self._base.execute(
            "SELECT DISTINCT subject FROM sights UNION SELECT DISTINCT subject FROM standings"
        ).fetchall()
        for (name,) in names:
            if subject_digest(name) != forget.forget:
                continue
            before = (name, message.partition, message.offset)
            by_then = (name, forget.forgotten_at)
            for removal, values in (
                ("DELETE FROM photos WHERE subject = ? AND partition = ? AND position < ?", before),
                ("DELETE FROM sights WHERE subject = ? AND partition = ? AND position < ?", before),
                ("DELETE FROM standings WHERE subject = ? AND decided_at <= ?", by_then),
                ("DELETE FROM faces WHERE subject = ? AND decided_at <= ?", by_then),
            ):
                self._base.execute(removal, values)

    def shelf(self, asked: Asked, page: int, size: int) -> Shelf:
        """Looks photos up. `page`: which page of them, from 0."""
        everything, values = _conditions(asked)
        chosen = everything
        if asked.reason is not None:
            chosen = [*everything, "reason = :code"]
            values["code"] = asked.reason
        values |= {"size": size, "skipped": page * size}
        with self._lock:
            reasons = dict(
                self._base.execute(
                    f"SELECT reason, count(*) FROM photos {_where(everything)} GROUP BY reason",  # noqa: S608 - our words
                    values,
                ).fetchall()
            )
            rows = self._base.execute(
                f"SELECT {_LISTED} FROM photos {_where(chosen)} "  # noqa: S608 - our words
                "ORDER BY observed_at DESC, subject DESC, image_id DESC "
                "LIMIT :size OFFSET :skipped",
                values,
            ).fetchall()
        found = sum(reasons.values()) if asked.reason is None else reasons.get(asked.reason, 0)
        return Shelf(photos=tuple(map(_photo, rows)), found=found, reasons=reasons)

    def subjects(self) -> list[str]:
        """Names those of whom there are photos."""
        with self._lock:
            rows = self._base.execute("SELECT DISTINCT subject FROM photos").fetchall()
        return [name for (name,) in rows]

    def known(self, subject: str, image_ids: Collection[str]) -> Known:
        """Looks up where photos were seen, how they stand, and which faces were pointed at."""
        sights: list[Sight] = []
        standings: dict[str, str] = {}
        references: dict[str, bytes] = {}
        faces: dict[str, tuple[bytes, ...]] = {}
        with self._lock:
            for image_id in image_ids:
                key = (subject, image_id)
                rows = self._base.execute(
                    "SELECT image_id, partition, fingerprint, position FROM sights "
                    "WHERE subject = ? AND image_id = ?",
                    key,
                )
                sights += [Sight(*row) for row in rows]
                for standing, face in self._base.execute(
                    "SELECT standing, face FROM standings WHERE subject = ? AND image_id = ?", key
                ):
                    standings[image_id] = standing
                    references[image_id] = face
                pointed = self._base.execute(
                    "SELECT face FROM faces WHERE subject = ? AND image_id = ?", key
                ).fetchall()
                faces[image_id] = tuple(face for (face,) in pointed)
            return Known(
                sights=tuple(sights),
                standings=standings,
                positions=self._positions,
                references=references,
                faces=faces,
            )

    def years(self, subject: str, least: int) -> int:
        """Counts the years of which so many photos of a subject count."""
        with self._lock:
            rows = self._base.execute(
                "SELECT 1 FROM photos WHERE subject = ? AND reason = '' AND captured_at IS NOT "
                "NULL GROUP BY strftime('%Y', captured_at, 'unixepoch') HAVING count(*) >= ?",
                (subject, least),
            ).fetchall()
        return len(rows)

    def pose(self, subject: str, image_id: str) -> tuple[NDArray[np.float32], int, int] | None:
        """Returns the pose seen in a photo, (33, 5), with the photo's width and height."""
        with self._lock:
            row = self._base.execute(
                "SELECT pose, width, height FROM photos WHERE subject = ? AND image_id = ?",
                (subject, image_id),
            ).fetchone()
        if row is None or row[0] is None:
            return None
        pose = np.frombuffer(row[0], _POSE_TYPE).astype(np.float32).reshape(-1, _KEPT_OF_POSE)
        return pose, row[1], row[2]


_COLUMNS: Final = {AS_SEEN: "seen", COUNTS: "counts", ONLY_COPY: "only_copy"}
"""What was decided to the column that says why the photo does not count then."""


def _other(standing: str) -> str:
    """Why a photo does not count that somebody took out; see `as_decided`."""
    return next((one.value for one in Exclusion if one == standing), Exclusion.ON_REQUEST.value)


def _reasons(seen: Observation) -> dict[str, str]:
    """Why a photo does not count as it was seen, and where something was decided about it."""
    plain = _code(seen)
    if seen.excluded is None and not seen.ambiguous:
        return dict.fromkeys(_COLUMNS.values(), plain)
    return {
        column: plain if standing == AS_SEEN else _code(as_decided(seen, standing))
        for standing, column in _COLUMNS.items()
    }


def _code(seen: Observation) -> str:
    reason = why_not(seen)
    return IN if reason is None else reason.value


def _packed(pose: NDArray[np.float32]) -> bytes:
    with np.errstate(over="ignore"):  # a landmark that far outside is not drawn anyway
        return pose.astype(_POSE_TYPE).tobytes()


def _conditions(asked: Asked) -> tuple[list[str], dict[str, Any]]:
    conditions, values = [], {}
    if asked.subject is not None:
        conditions.append("subject = :subject")
        values["subject"] = asked.subject
    if asked.among is not None:
        conditions.append("subject IN (SELECT value FROM json_each(:among))")
        values["among"] = msgspec.json.encode(asked.among).decode()
    if asked.image_id:
        conditions.append("image_id = :image_id")
        values["image_id"] = asked.image_id
    if asked.search:
        conditions.append("path LIKE :search ESCAPE '\\'")
        escaped = "".join(f"\\{sign}" if sign in "%_\\" else sign for sign in asked.search)
        values["search"] = f"%{escaped}%"
    return conditions, values


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _photo(row: tuple[Any, ...]) -> CataloguedPhoto:
    values = list(row)
    values[8] = bool(values[8])
    return CataloguedPhoto(*values)
