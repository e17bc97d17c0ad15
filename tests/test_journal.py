"""The journal: written by several at once, torn, shortened, and read."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from dockyard.journal import FILE, Journal, MoveMade, Note, Run, StepRun, last_runs, parse, runs
from dockyard.model.errors import MachineError
from dockyard.model.events import Began, Ended, Event, Step, as_record
from tests.fakes import FakeClock
from tests.ui.samples import AT, BEGAN, DEPLOY, DIAGNOSIS, ENDED, NOTE, PROGRESS, RUN, stamped


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal may be; its folder is not there yet."""
    return tmp_path / ".dockyard" / FILE


def record(event: Event, elapsed: float = 0.0, *, run: str = RUN) -> str:
    """Return an event as a line of a journal."""
    return json.dumps(as_record(stamped(event, elapsed, run=run)))


def test_lasting_events_are_lines(path: Path) -> None:
    """In a file that its owner alone can read; progress is left out."""
    journal = Journal(path)
    for event in DEPLOY:
        journal(stamped(event))
    lasting = [record(event) for event in DEPLOY if event is not PROGRESS]
    assert [json.loads(line) for line in path.read_text().splitlines()] == [json.loads(line) for line in lasting]
    assert path.stat().st_mode & 0o777 == 0o600


def test_writers_do_not_tear_each_other_s_lines(path: Path) -> None:
    """Three at once, while the file is shortened under them again and again: every line is whole, none is twice."""
    text, together = "x" * 3_000, threading.Barrier(3)

    def write(name: str) -> None:
        for at in range(40):
            together.wait(10)
            journal = Journal(path, limit=200_000, kept=50)
            journal(stamped(BEGAN, run=f"{name}{at}"))
            journal(stamped(Event(name, "Note", text), run=f"{name}{at}"))
            journal(stamped(ENDED, run=f"{name}{at}"))

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    records = [json.loads(line) for line in path.read_text().splitlines() if line]
    keys = [(entry["run"], entry["type"]) for entry in records]
    assert len(keys) == len(set(keys))
    found = runs(path)
    assert {run.id for run in found} >= {"a39", "b39", "c39"}
    assert 10 < len(found) < 120
    assert all(run.exit_code == 1 and len(run.notes) == 1 for run in found)


def test_a_torn_line_is_ended_and_passed_over(path: Path) -> None:
    """What a killed process or a full disk left does not spoil what follows."""
    path.parent.mkdir()
    path.write_text(record(BEGAN) + "\n" + record(NOTE)[:40])
    assert [run.notes for run in runs(path)] == [()]
    Journal(path)(stamped(ENDED))
    assert [run.exit_code for run in runs(path)] == [1]
    assert len(path.read_text().splitlines()) == 3


def test_a_full_disk_is_an_error_of_the_journal_alone() -> None:
    """The stream tells of it; the file is one that the kernel says has no room."""
    with pytest.raises(OSError, match="No space left on device") as caught:
        Journal(Path("/dev/full"))(stamped(NOTE))
    assert caught.value.errno == errno.ENOSPC


def test_a_line_that_was_cut_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up takes the first half."""
    monkeypatch.setattr(os, "write", lambda _file, _line: 3)
    with pytest.raises(MachineError, match="is cut short"):
        Journal(path)(stamped(NOTE))


def test_whoever_holds_the_journal_is_not_waited_for_without_end(path: Path) -> None:
    """A stopped process must not hold up a deploy."""
    Journal(path)(stamped(NOTE))
    clock = FakeClock()
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(MachineError, match="is in use"):
            Journal(path, clock=clock)(stamped(NOTE))
    assert 1.9 < clock.now() < 2.1
    Journal(path)(stamped(NOTE))


def test_a_large_journal_is_shortened_when_a_command_begins(path: Path) -> None:
    """The last runs stay, the one that begins among them; nothing else is left in the folder."""
    journal = Journal(path, limit=20_000, kept=3)
    for at in range(30):
        journal(stamped(BEGAN, run=f"r{at}"))
        journal(stamped(Event("api", "Note", "x" * 1_000), run=f"r{at}"))
    assert path.stat().st_size < 25_000
    assert [run.id for run in runs(path)][-3:] == ["r27", "r28", "r29"]
    assert [entry.name for entry in path.parent.iterdir()] == [FILE]
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_in_use_is_not_shortened(path: Path) -> None:
    """The next command does it."""
    Journal(path)(stamped(Event("api", "Note", "x" * 1_000), run="old"))
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        Journal(path, limit=100, kept=1)(stamped(BEGAN, run="one"))
    assert [run.id for run in runs(path)] == ["old", "one"]
    Journal(path, limit=100, kept=1)(stamped(BEGAN, run="two"))
    assert [run.id for run in runs(path)] == ["two"]


def test_a_run_is_kept_whole_or_not_at_all() -> None:
    """Runs that overlapped stay apart; the last one stays however long it is."""
    lines = [record(BEGAN, run=run).encode() for run in ("a", "b", "a", "c", "b")]
    size = len(lines[0]) + 1
    assert last_runs([*lines, b"{torn"], count=2, size=10_000) == [lines[1], lines[3], lines[4]]
    assert last_runs(lines, count=9, size=3 * size) == [lines[1], lines[3], lines[4]]
    assert last_runs(lines, count=9, size=1) == [lines[3]]
    assert last_runs([], count=9, size=1) == []


def test_a_run_is_put_together_from_its_records() -> None:
    """Steps from begin to end, moves, causes with their evidence, notes, and how it ended."""
    (run,) = parse(record(event, at) for at, event in enumerate(DEPLOY))
    assert run == Run(
        id=RUN,
        command="deploy",
        services=("mcp", "api"),
        began=AT,
        ended=AT + timedelta(seconds=8),
        exit_code=1,
        text="api is back on revision 3",
        steps=(
            StepRun("api", "build", AT + timedelta(seconds=2), AT + timedelta(seconds=4)),
            StepRun(
                "api",
                "release",
                AT + timedelta(seconds=7),
                AT + timedelta(seconds=7),
                ok=False,
                text="it was not Ready",
            ),
        ),
        moves=(MoveMade("api", AT + timedelta(seconds=5), "Installing", "Pending", "0 of 1 pods"),),
        failures=run.failures,
        notes=(Note("", AT + timedelta(seconds=1), "database", "Ready", "127.0.0.1:15432 on this machine"),),
    )
    assert [failure.diagnosis for failure in run.failures] == [DIAGNOSIS]
    assert run.seconds == 8


def test_a_run_that_was_killed_has_no_end() -> None:
    """Nor has its step; a step that goes on twice is two."""

    def build(*, ended: bool) -> Event:
        return Step("api", "build", service="api", step="build", ended=ended)

    events = (BEGAN, build(ended=False), build(ended=True), build(ended=False))
    (run,) = parse(record(event, at) for at, event in enumerate(events))
    assert (run.ended, run.exit_code, run.seconds) == (None, None, None)
    assert [step.ended for step in run.steps] == [AT + timedelta(seconds=2), None]


def test_a_clock_that_jumps_bends_no_duration() -> None:
    """Times are the begin's and the seconds since."""
    later = json.loads(record(ENDED, 5))
    later["time"] = "2031-01-01T00:00:00.000Z"
    (run,) = parse([record(BEGAN, 1), json.dumps(later)])
    assert run.seconds == 4


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "7",
        "\ud800",
        '{"v":2,"run":"x","type":"note"}',
        record(NOTE).replace('"note"', '"novel"'),
        record(BEGAN).replace('"command"', '"orders"'),
        record(NOTE).replace('"elapsed": 0.0', '"elapsed": "soon"'),
        record(NOTE).replace("2026-03-01T", "yesterday "),
        record(ENDED).replace('"exitCode": 1', '"exitCode": "one"'),
        record(DEPLOY[6]).replace("CrashLoop", "Gremlins"),
        record(DEPLOY[6]).replace('"cause": {', '"cause": 7, "was": {'),
    ],
)
def test_what_cannot_be_read_is_passed_over(line: str) -> None:
    """Other versions, other types, members that lack or are no such thing: the rest is still read."""
    good = record(Began("destroy", "Began", command="destroy"), run="good")
    assert [run.id for run in parse([line, good, line])] == ["good"]
    assert runs(Path("/nowhere/journal.jsonl")) == ()


def test_members_that_a_later_version_adds_do_no_harm() -> None:
    """The version stays the same when a member is added."""
    lines = [
        record(BEGAN),
        record(DEPLOY[6]).replace('"cause": {', '"cause": {"mood": "bad", '),
        record(Ended("x", "y")),
    ]
    (run,) = parse(lines)
    assert run.failures[0].diagnosis.cause == DIAGNOSIS.cause
    assert run.exit_code == 0


WRITER = """
import sys
from pathlib import Path
from dockyard.journal import Journal
from dockyard.model.events import Began, Ended, Event
from dockyard.ui.stream import Stream

for at in range(int(sys.argv[3])):
    told = Stream((Journal(Path(sys.argv[1]), limit=2_000_000, kept=200),), run=f"{sys.argv[2]}{at}")
    told(Began("deploy", "Began", command="deploy"))
    told(Event("api", "Note", "x" * 3_000))
    told(Ended("deploy", "Done"))
    assert not told.troubles, told.troubles
"""


@pytest.mark.process
def test_processes_share_a_journal_and_one_may_be_killed(path: Path) -> None:
    """Two write to their end while a third is killed at some moment, again and again: no run of theirs is damaged."""

    def writer(name: str, count: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
        return subprocess.Popen(command)  # noqa: S603 - our own interpreter, and code that stands above

    whole = [writer(name, 150) for name in ("a", "b")]
    for at in range(5):
        victim = writer(f"victim{at}-", 100_000)
        with suppress(subprocess.TimeoutExpired):
            victim.wait(0.3 + at / 10)
        victim.kill()
        victim.wait(10)
    whole.append(writer("last", 3))
    assert [entry.wait(60) for entry in whole] == [0, 0, 0]
    found = {run.id: run for run in runs(path)}
    assert {"last0", "last1", "last2"} <= found.keys()
    finished = [run for name, run in found.items() if not name.startswith("victim")]
    assert all((run.exit_code, len(run.notes), run.command) == (0, 1, "deploy") for run in finished)
    assert len([run for run in found.values() if run.exit_code is None]) <= 5
