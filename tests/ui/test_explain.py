"""Why a rollout failed, as a person reads it."""

from __future__ import annotations

from dockyard.model.diagnosis import Cause, CauseKind, Diagnosis, Evidence
from dockyard.ui.explain import explain
from tests.ui.samples import DIAGNOSIS


def test_the_block_goes_from_the_cause_to_the_next_step() -> None:
    """One sentence, the comparison, where, the event that decided, the logs of both runs, one step."""
    lines = [line for _, line in explain(DIAGNOSIS)]
    assert lines[:5] == [
        "api: container app ended with exit code 3 twice.",
        "  asked for a start within 30 s, has 2 restarts in 9 s",
        "  Pod:   api-7d9f-x2x4z, container app",
        "  Event: BackOff: Back-off restarting failed container",
        "  Last lines of pod api-7d9f-x2x4z, container app:",
    ]
    assert lines[5:25] == [f"    | line {at}" for at in range(5, 25)]
    assert lines[25:] == [
        "  Last lines of its previous run:",
        "    | Traceback:",
        "    |   no such host",
        "  Next: Mend what the last lines tell of and run `./inv deploy`.",
    ]


def test_sentences_are_folded_for_a_terminal() -> None:
    """Between words, where they are too long; a line of a log stays one line, so that it can be copied."""
    cause = Cause(CauseKind.CRASH_LOOP, "it ended " + "again and " * 8, fix="Read this")
    long = Diagnosis("api", cause, (Evidence("Last lines of the container", ("x " * 60,)),))
    lines = [line for _, line in explain(long, width=40)]
    assert lines[:3] == [
        "api: it ended again and again and again",
        "    and again and again and again and",
        "    again and again and.",
    ]
    assert lines[3:] == ["  Last lines of the container:", f"    | {'x ' * 60}".rstrip(), "  Next: Read this."]


def test_what_is_not_known_takes_no_line() -> None:
    """An admission refusal has no pod and no log."""
    bare = Diagnosis("api", Cause(CauseKind.ADMISSION, "the quota pods is used up"))
    assert list(explain(bare)) == [("bold red", "api: the quota pods is used up.")]


def test_an_empty_log_says_so() -> None:
    """That nothing was written is a finding too."""
    silent = Diagnosis("api", Cause(CauseKind.TIMEOUT, "it took too long"), (Evidence("pod a", ()),))
    assert list(explain(silent))[1:] == [("", "  pod a:"), ("dim", "    | (no lines)")]
