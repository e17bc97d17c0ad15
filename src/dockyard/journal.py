"""The journal: what happened on this machine, run by run, in `.dockyard/journal.jsonl`.

A record a line, in the form of `docs/events.md`, without progress and without secrets. It is history, not truth:
nothing is decided by it, and a deploy goes on where it cannot be written.

Several processes may write at once. Each line is one write to the end of the file, under a shared lock of the file; who
shortens the file writes a new one and puts it in the old one's place, under an exclusive lock. A writer that finds
itself with the old file in hand opens the new one. A line that was torn, by a full disk or a killed process, is ended
by the next writer and passed over by readers. A line that another process just writes looks torn for a moment, so that
an empty line may follow it.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dockyard.model.diagnosis import Cause, CauseKind, Diagnosis, Evidence
from dockyard.model.errors import MachineError
from dockyard.model.events import REVISION, SCHEMA, Began, as_record
from dockyard.tools.clock import SystemClock, ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from dockyard.model.events import Stamped
    from dockyard.tools.clock import Clock

FILE = "journal.jsonl"

LIMIT = 5_000_000
"""Bytes above which the journal is shortened when a command begins."""

KEPT = 50
"""Runs that stay when it is shortened; fewer where they fill more than half of LIMIT."""

PATIENCE = 2.0
"""Seconds to wait for whoever shortens the journal."""

PAUSE = 0.01


class Journal:
    """A reader of events that keeps them."""

    name = "the journal"

    def __init__(self, path: Path, *, clock: Clock | None = None, limit: int = LIMIT, kept: int = KEPT) -> None:
        self._path, self._clock = path, clock or SystemClock()
        self._limit, self._kept = limit, kept

    def __call__(self, stamped: Stamped) -> None:
        """Keep an event, unless it is a passing one.

        Raises:
            OSError: It cannot be written: a full disk, a folder that may not be written. The stream tells of it once.
            MachineError: Somebody else held it all the time.
        """
        if stamped.event.passing:
            return
        self._append(stamped)
        if isinstance(stamped.event, Began):
            self._shorten()

    def _append(self, stamped: Stamped) -> None:
        line = json.dumps(as_record(stamped), separators=(",", ":")).encode() + b"\n"
        with self._opened() as file:
            ends = os.fstat(file).st_size
            torn = ends > 0 and os.pread(file, 1, ends - 1) != b"\n"
            line = b"\n" + line if torn else line
            if os.write(file, line) < len(line):
                raise MachineError(f"{self._path} is cut short", why="The disk is full")

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Give the file that stands at the path, and keep it there while it is in use."""
        for _ in ticks(self._clock, limit=PATIENCE, pause=PAUSE):
            file = self._open()
            try:
                if _locked(file, fcntl.LOCK_SH) and _stands_at(file, self._path):
                    yield file
                    return
            finally:
                os.close(file)
        raise MachineError(f"{self._path} is in use", why=f"Another process shortens it for {PATIENCE:.0f} s already")

    def _open(self) -> int:
        flags = os.O_APPEND | os.O_CREAT | os.O_RDWR | os.O_CLOEXEC
        try:
            return os.open(self._path, flags, 0o600)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, flags, 0o600)

    def _shorten(self) -> None:
        """Leave the last runs only, where the file is too large; whoever comes second leaves it to the first."""
        if self._path.stat().st_size <= self._limit:
            return
        file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if not _locked(file, fcntl.LOCK_EX) or not _stands_at(file, self._path):
                return
            kept = last_runs(self._path.read_bytes().splitlines(), count=self._kept, size=self._limit // 2)
            _put_in_place(self._path, kept)
        finally:
            os.close(file)


def _locked(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stands_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _put_in_place(path: Path, lines: Iterable[bytes]) -> None:
    new = path.with_name(
        f"{path.name}.new"
    )  # one name: whoever holds the lock is alone, and may find a dead one's rest
    new.unlink(missing_ok=True)
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as opened:
        opened.writelines(line + b"\n" for line in lines)
        opened.flush()
        os.fsync(file)
    new.replace(path)


def last_runs(lines: Iterable[bytes], *, count: int, size: int) -> list[bytes]:
    """Return the lines of the last runs: so many at most, and no more than some bytes, but the last run whole.

    Lines that belong to no run are left out: torn ones.
    """
    owned = [(run, line) for line in lines if (run := _run_of(line))]
    sizes: dict[str, int] = {}
    for run, line in owned:
        sizes[run] = sizes.get(run, 0) + len(line) + 1
    kept: set[str] = set()
    filled = 0
    for run in list(sizes)[: -count - 1 : -1]:
        filled += sizes[run]
        if kept and filled > size:
            break
        kept.add(run)
    return [line for run, line in owned if run in kept]


def _run_of(line: bytes) -> str:
    record = _record(line)
    return str(record.get("run", ""))


def _record(line: bytes | str) -> Mapping[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:  # torn, or not UTF-8
        return {}
    return record if isinstance(record, dict) else {}


@dataclass(frozen=True, slots=True)
class StepRun:
    """A step of a run on a service.

    Attributes:
        service: The release it was done for; the subject where it was for none.
        step: Its name.
        began: When.
        ended: When; None where its end is not recorded.
        ok: Whether it ended well.
        text: What was said when it ended.
    """

    service: str
    step: str
    began: datetime
    ended: datetime | None = None
    ok: bool = True
    text: str = ""


@dataclass(frozen=True, slots=True)
class MoveMade:
    """A move of a service from one state to another.

    Attributes:
        service: The release.
        at: When.
        before: The state it was in; empty where that was not known.
        after: The state it went to.
        text: What was said.
    """

    service: str
    at: datetime
    before: str
    after: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A rollout that failed.

    Attributes:
        service: The release.
        at: When.
        diagnosis: Why.
    """

    service: str
    at: datetime
    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True)
class Note:
    """Anything else that was said.

    Attributes:
        service: The release; empty where it was about none.
        at: When.
        subject: What it was about.
        stage: What went on.
        text: The words.
    """

    service: str
    at: datetime
    subject: str
    stage: str
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """One command, as the journal has it.

    Times are the begin by the wall clock, plus the seconds since by a clock that never goes back.

    Attributes:
        id: What tells it from others.
        command: The task's name; empty where its begin is not recorded.
        services: The releases it was about.
        began: When, in UTC.
        ended: When; None for a run that was killed, or that still goes on.
        exit_code: What it ended with; None as long as it has not.
        text: What was said at its end.
        steps: The steps, in the order of their begin.
        moves: The moves, in order.
        failures: The rollouts that failed.
        notes: What else was said.
    """

    id: str
    command: str
    services: tuple[str, ...]
    began: datetime
    ended: datetime | None = None
    exit_code: int | None = None
    text: str = ""
    steps: tuple[StepRun, ...] = ()
    moves: tuple[MoveMade, ...] = ()
    failures: tuple[Failure, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def seconds(self) -> float | None:
        """How long it took; None as long as it has not ended."""
        return None if self.ended is None else (self.ended - self.began).total_seconds()


def revisions(known: Iterable[Run], release: str) -> Mapping[int, tuple[Run, StepRun]]:
    """Return by which run and step the revisions of a release were made here; of two with one number the later one.

    Args:
        known: The runs, oldest first.
        release: The release.
    """
    return {
        int(step.text.removeprefix(REVISION)): (run, step)
        for run in known
        for step in run.steps
        if step.service == release and step.ended and step.text.startswith(REVISION)
    }


def seconds_of(known: Iterable[Run], step: str) -> float | None:
    """Return how long a step took the last time that it succeeded, or None if it never did.

    Args:
        known: The runs, oldest first.
        step: Its name.
    """
    took = [
        (one.ended - one.began).total_seconds()
        for run in known
        for one in run.steps
        if one.step == step and one.ok and one.ended is not None
    ]
    return took[-1] if took else None


def runs(path: Path) -> tuple[Run, ...]:
    """Return the runs of a journal, oldest first; none where there is no journal.

    Raises:
        OSError: It cannot be read.
    """
    try:
        return parse(path.read_bytes().splitlines())
    except FileNotFoundError:
        return ()


def parse(lines: Iterable[bytes | str]) -> tuple[Run, ...]:
    """Return the runs that lines of a journal tell of, in the order of their begin.

    Lines that are torn, of a later version, of an unknown type, or that lack a member are passed over.
    """
    building: dict[str, _Building] = {}
    for line in lines:
        record = _record(line)
        try:
            if record["v"] == SCHEMA:
                _take(building, record)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return tuple(entry.run() for entry in building.values())


@dataclass(slots=True)
class _Building:
    """A run that is being put together, record by record."""

    id: str
    began: datetime
    elapsed: float
    head: dict[str, Any] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)
    steps: dict[tuple[str, str, int], StepRun] = field(default_factory=dict)
    moves: list[MoveMade] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def at(self, record: Mapping[str, Any]) -> datetime:
        return self.began + timedelta(seconds=float(record["elapsed"]) - self.elapsed)

    def run(self) -> Run:
        return Run(
            id=self.id,
            command=self.head.get("command", ""),
            services=self.head.get("services", ()),
            began=self.began,
            **self.end,
            steps=tuple(self.steps.values()),
            moves=tuple(self.moves),
            failures=tuple(self.failures),
            notes=tuple(self.notes),
        )


def _take(building: dict[str, _Building], record: Mapping[str, Any]) -> None:
    reader = _READERS.get(record["type"])
    if reader is None:
        return
    id_ = str(record["run"])
    run = building.get(id_) or _Building(id_, datetime.fromisoformat(record["time"]), float(record["elapsed"]))
    reader(run, record)
    building.setdefault(id_, run)


def _begin(run: _Building, record: Mapping[str, Any]) -> None:
    run.head = {"command": str(record["command"]), "services": tuple(map(str, record.get("services", ())))}


def _end(run: _Building, record: Mapping[str, Any]) -> None:
    run.end = {"ended": run.at(record), "exit_code": int(record["exitCode"]), "text": str(record.get("text", ""))}


def _step(run: _Building, record: Mapping[str, Any]) -> None:
    service, name, at = _owner(record), str(record["step"]), run.at(record)
    same = [key for key in run.steps if key[:2] == (service, name)]
    going = same[-1] if same and run.steps[same[-1]].ended is None else None
    if not record["ended"]:
        run.steps[service, name, len(same)] = StepRun(service, name, at)
        return
    began = at if going is None else run.steps[going].began
    made = StepRun(service, name, began, at, bool(record["ok"]), str(record.get("text", "")))
    run.steps[going or (service, name, len(same))] = made


def _move(run: _Building, record: Mapping[str, Any]) -> None:
    before, after, text = str(record.get("before", "")), str(record["stage"]), str(record.get("text", ""))
    run.moves.append(MoveMade(_owner(record), run.at(record), before, after, text))


def _cause(run: _Building, record: Mapping[str, Any]) -> None:
    given = record["diagnosis"]
    told = {name: value for name, value in given["cause"].items() if name in Cause.__slots__}
    cause = Cause(**{**told, "kind": CauseKind(told["kind"])})
    evidence = tuple(Evidence(entry["title"], tuple(entry["lines"])) for entry in given.get("evidence", ()))
    run.failures.append(Failure(_owner(record), run.at(record), Diagnosis(given["release"], cause, evidence)))


def _note(run: _Building, record: Mapping[str, Any]) -> None:
    service, text = str(record.get("service", "")), str(record.get("text", ""))
    run.notes.append(Note(service, run.at(record), str(record["subject"]), str(record.get("stage", "")), text))


def _owner(record: Mapping[str, Any]) -> str:
    return str(record.get("service") or record["subject"])


_READERS = {
    "begin": _begin,
    "end": _end,
    "step": _step,
    "move": _move,
    "takeover": _note,
    "cause": _cause,
    "note": _note,
}
