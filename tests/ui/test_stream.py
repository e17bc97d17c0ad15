"""The stream of a command's events."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from dockyard.model.diagnosis import Cause, CauseKind, Diagnosis, Evidence
from dockyard.model.events import Event, Reader, Stamped, as_record
from dockyard.model.redaction import Redactor
from dockyard.ui.stream import SUBJECT, Stream, new_run, redacted
from tests.fakes import FakeClock
from tests.ui.samples import AT, DEPLOY, DIAGNOSED, MOVE

HIDDEN = "s3cr3t-value"
NOTE = Event("api", "Ready")


class Kept:
    """A reader that keeps what it is given."""

    def __init__(self) -> None:
        self.all: list[Stamped] = []

    def __call__(self, stamped: Stamped) -> None:
        """Keep it."""
        self.all.append(stamped)

    @property
    def texts(self) -> list[str]:
        """The texts of the events."""
        return [stamped.event.text for stamped in self.all]


class Broken:
    """A reader that fails."""

    name = "the journal"

    def __init__(self, error: Exception, *, times: int = 1_000) -> None:
        self.error, self.times, self.asked = error, times, 0

    def __call__(self, _stamped: Stamped) -> None:
        """Fail, so many times."""
        self.asked += 1
        if self.asked <= self.times:
            raise self.error


def stream(*readers: Reader, clock: FakeClock | None = None, redact: Callable[[str], str] = str) -> Stream:
    """Return a stream whose time stands still."""
    return Stream(readers, clock=clock or FakeClock(), wall=lambda: AT, run="r1", redact=redact)


def test_an_event_is_stamped_once_for_all_readers() -> None:
    """Run, time by the wall, and seconds since the stream was made, by a clock that never goes back."""
    clock, one, two = FakeClock(), Kept(), Kept()
    clock.sleep(100)
    told = stream(one, two, clock=clock)
    clock.sleep(1.5)
    told(NOTE)
    assert one.all == two.all == [Stamped("r1", NOTE, AT, 1.5)]
    Stream((one,), clock=clock, wall=lambda: AT, run="r1", start=100.5)(NOTE)
    assert one.all[-1] == Stamped("r1", NOTE, AT, 1.0)


def test_runs_have_ids_that_sort_by_time() -> None:
    """In UTC, whatever the zone; two of the same second differ."""
    at = datetime(2026, 3, 1, 2, 0, tzinfo=timezone(timedelta(hours=3)))
    one, two = new_run(at), new_run(at)
    assert one != two
    assert one.startswith("20260228T230000Z-")
    assert Stream(()).run.startswith(f"{datetime.now(UTC):%Y}")


def test_readers_see_one_order_from_many_threads() -> None:
    """Each event whole, once, and the same order for all."""
    one, two = Kept(), Kept()
    told = stream(one, two)

    def tell(name: str) -> None:
        for at in range(200):
            told(Event(name, str(at)))

    threads = [threading.Thread(target=tell, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert one.all == two.all
    assert len(one.all) == 600
    for name in ("a", "b", "c"):
        own = [stamped.event.stage for stamped in one.all if stamped.event.subject == name]
        assert own == [str(at) for at in range(200)]


def test_a_reader_may_report() -> None:
    """As a signal's handler may in the thread that it stopped: the stream does not wait for itself."""
    kept = Kept()

    def answering(stamped: Stamped) -> None:
        if stamped.event.text == "ask":
            told(Event("api", "Note", "answer"))

    told = stream(answering, kept)
    told(Event("api", "Note", "ask"))
    assert sorted(kept.texts) == ["answer", "ask"]


def test_no_reader_sees_a_secret() -> None:
    """Subject, texts, tuples, causes, lines of logs: every string of every event."""
    kept = Kept()
    told = stream(kept, redact=lambda text: text.replace("a", "\N{FULL BLOCK}"))
    for event in DEPLOY:
        told(event)
    shown = [str(as_record(replace(one, run="r"))) for one in kept.all]
    dirty = [word for word in ("app", "last lines", "twice and", "database", "Began", "mcp, api") if word in str(shown)]
    assert dirty == []
    assert kept.all[-3].event.diagnosis.cause.kind == "CrashLoop"  # type: ignore[attr-defined] # a Diagnosed


def test_a_value_over_several_lines_of_a_log_is_removed() -> None:
    """From its middle on, too, where the log was cut off above."""
    value = "x7Kq2mVp9TzR4wYbC3nD\nq8Lr3nWq0UaS5xZcD4oE\nr9Ms4oXr1VbT6yAdE5pF"
    lines = ("r3nWq0UaS5xZcD4oE", "r9Ms4oXr1VbT6yAdE5pF", "key: x7Kq2mVp9TzR4wYbC3nD", *value.split("\n")[1:], "done")
    cause = replace(
        DIAGNOSED, diagnosis=Diagnosis("api", Cause(CauseKind.CRASH_LOOP, "it ends"), (Evidence("t", lines),))
    )
    redactor, kept = Redactor({"KEY": value}), Kept()
    told = Stream((kept,), redact=redactor.redact, redact_lines=redactor.redact_log)
    told(cause)
    shown = str(as_record(kept.all[0]))
    assert [piece for piece in ("r3nWq0UaS5", "x7Kq2m", "q8Lr3n", "r9Ms4o") if piece in shown] == []
    assert "'key: ***', 'done'" in shown


def test_collections_are_redacted_throughout() -> None:
    """Keys too; what kind each is stays."""
    data = {"a": [f"it is {HIDDEN}"], HIDDEN: (HIDDEN, 1, None)}
    assert redacted(data, Redactor({"KEY": HIDDEN}).redact) == {"a": ["it is ***"], "***": ("***", 1, None)}


def test_members_of_enumerations_are_no_secrets() -> None:
    """A state stays a state, even where its name would be redacted."""
    assert redacted(MOVE, lambda _: "x").stage is MOVE.stage
    assert redacted(DIAGNOSED, str) == DIAGNOSED


def test_a_redaction_that_fails_lets_nothing_through() -> None:
    """No reader is given what could not be looked at."""

    def fails(_text: str) -> str:
        raise ValueError(HIDDEN[:3])

    kept = Kept()
    with pytest.raises(ValueError, match="s3c"):
        stream(kept, redact=fails)(NOTE)
    assert kept.all == []


def test_a_reader_that_fails_does_not_stop_the_work() -> None:
    """The others read on and are told once; it is asked again, since its trouble may pass."""
    kept, broken = Kept(), Broken(OSError(28, "No space left on device", ".dockyard/journal.jsonl"), times=3)
    told = stream(broken, kept)
    for at in range(5):
        told(Event("api", "Note", str(at)))
    warning = "the journal is not complete: .dockyard/journal.jsonl: No space left on device"
    assert sorted(kept.texts) == sorted([warning, *map(str, range(5))])
    assert broken.asked == 6
    assert told.troubles == {broken: warning}
    assert {stamped.event.stage for stamped in kept.all if stamped.event.subject == SUBJECT} == {"Warning"}


@pytest.mark.parametrize(
    ("error", "why"),
    [(ValueError(), "ValueError"), (KeyError("x"), "'x'"), (OSError(5, "Input/output error"), "Input/")],
)
def test_the_last_reader_s_trouble_is_not_lost(error: Exception, why: str) -> None:
    """Nobody can be told, so it is kept; and no secret is in it."""
    told = stream(Broken(error))
    told(NOTE)
    (trouble,) = told.troubles.values()
    assert trouble.startswith(f"the journal is not complete: {why}")
    hidden = stream(Broken(ValueError(HIDDEN)), redact=lambda text: text.replace(HIDDEN, "***"))
    hidden(NOTE)
    assert list(hidden.troubles.values()) == ["the journal is not complete: ***"]


def test_ctrl_c_passes_through() -> None:
    """It is no reader's failure."""

    def interrupted(_stamped: Stamped) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream(interrupted)(NOTE)
