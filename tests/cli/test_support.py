"""What every task shares: errors become exit codes, and nobody sees a traceback."""

from __future__ import annotations

import errno
import os
import signal
from contextlib import suppress

import pytest

from dockyard.cli import namespace, wiring
from dockyard.cli.support import LEAST_JOBS, default_jobs, name_of, told, whole_number
from dockyard.model.errors import (
    ClusterError,
    ConfigError,
    DockyardError,
    LeftFailedError,
    MachineError,
    RefusedError,
    RolloutError,
    RuleError,
    StoppedError,
    ToolMissingError,
    UnknownNameError,
)
from dockyard.model.events import Began, Ended
from dockyard.ui.screen import Screen
from tests.cli.conftest import Inv
from tests.fakes import FakeClock, FakeWorkspace, Recorder

CODES: dict[str, tuple[BaseException, int, str]] = {
    "config": (ConfigError("dockyard.yaml has 1 mistake", fix="Correct it"), 1, "dockyard.yaml has 1 mistake."),
    "machine": (MachineError("The Docker engine does not answer"), 1, "The Docker engine does not answer."),
    "cluster": (
        ClusterError("The cluster is stopped", fix="Run `./inv cluster.start`"),
        1,
        "Run `./inv cluster.start`.",
    ),
    "rollout": (RolloutError("Release web failed", why="[red] is no markup here"), 1, "[red] is no markup here."),
    "program": (ToolMissingError("helm"), 1, "The program 'helm' is not there."),
    "name": (UnknownNameError("release", "wbe", ["web"]), 1, "Did you mean 'web'?"),
    "left failed": (LeftFailedError("Release web failed and is left as it is"), 3, "is left as it is."),
    "stopped": (StoppedError("Stopped", why="web was not sent"), 130, "web was not sent."),
    "refused": (RefusedError("Secrets without a value: KEY"), 4, "Secrets without a value: KEY."),
    "full disk": (OSError(errno.ENOSPC, "No space left on device", "/state/x"), 1, "No space left on device."),
    "no file": (FileNotFoundError(errno.ENOENT, "No such file or directory", "/state/x"), 1, "/state/x."),
    "socket": (OSError("timed out"), 1, "timed out."),
    "Ctrl-C": (KeyboardInterrupt(), 130, ""),
}


@pytest.fixture(params=CODES.values(), ids=list(CODES))
def failing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Every task fails in one way: the exit code that it should end with, and what should be said."""
    error, code, said = request.param

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(wiring, "open_workspace", fail)
    return code, said


def test_errors_become_exit_codes(failing: tuple[int, str], inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """As docs/exit-codes.md has them; the sentences go to standard error, and standard output stays empty."""
    code, said = failing
    assert inv("status", "--json") == code
    shown = capsys.readouterr()
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_an_error_is_what_why_and_what_to_do(
    inv: Inv, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line each."""

    def fail(**_: object) -> None:
        raise DockyardError("It broke", why="Because", fix="Mend it")

    monkeypatch.setattr(wiring, "open_workspace", fail)
    inv("status")
    assert capsys.readouterr().err == "It broke.\n  Because.\n  Mend it.\n"


def test_a_mistake_of_ours_is_not_hidden(
    inv: Inv, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A traceback is for whoever has to mend it."""

    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(wiring, "open_workspace", fail)
    assert inv("status") == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback (most recent call last):")
    assert "\nZeroDivisionError\n" in shown


def test_a_traceback_holds_no_value(
    inv: Inv, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither in a message nor over its lines."""
    value = "x7Kq2mVp9TzR4wYb\nC3nDx7Kq2mVp9Tz"
    workspace.with_secret("KEY", value)

    def fail(_report: object) -> None:
        raise ValueError(value)

    monkeypatch.setattr(workspace.cluster, "start", fail)
    assert inv("cluster.start") == 1
    shown = capsys.readouterr().err
    assert "ValueError: ***" in shown
    assert [line for line in value.splitlines() if line in shown] == []


def test_ctrl_c_in_the_middle_of_the_work_leaves_the_screen_in_order(
    inv: Inv, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same code as before the work."""

    def interrupt(_report: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workspace.cluster, "start", interrupt)
    assert inv("cluster.start") == StoppedError.exit_code == 130


@pytest.mark.parametrize("argv", [["nothing"], ["status", "--nothing"], ["history"], ["status", "-x"]])
def test_a_wrong_command_line_is_invokes_own_affair(
    inv: Inv, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what it does not know, and ends with an error."""
    assert inv(*argv) == 1
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("text", ["--help", "-h", "--json"])
def test_an_option_is_no_name(text: str) -> None:
    """Invoke hands it over as one; where the options are told is said."""
    with pytest.raises(RuleError, match=r"where the name of the release belongs.*--help NAME"):
        name_of("release", text)


def test_a_name_is_one() -> None:
    """With a dash within, too."""
    assert name_of("release", "ai-todo") == "ai-todo"


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("12", 12), ("007", 7)])
def test_whole_numbers_are_read(text: str, number: int) -> None:
    """Digits, and nothing else."""
    assert whole_number("tail", text) == number


@pytest.mark.parametrize("text", ["", "abc", "-1", "1.5", "1e3", " 1", "²", "1_000", "1" * 10])
def test_what_is_no_whole_number_is_told(text: str) -> None:
    """With the option that it was given to."""
    with pytest.raises(RuleError) as caught:
        whole_number("tail", text)
    assert str(caught.value) == f"--tail is {text!r}. It takes a whole number of at most 9 digits."


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    "argv",
    [
        ["rollback", "--release", "api", "--revision", "abc"],
        ["logs", "--release", "api", "--tail", "abc"],
    ],
)
def test_a_wrong_number_is_a_sentence(inv: Inv, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Invoke's own conversion ends in a traceback."""
    assert inv(*argv) == 1
    assert f"{argv[-2]} is 'abc'." in capsys.readouterr().err


def test_tasks_declare_no_numbers() -> None:
    """Each option is text, a list of texts or a switch, so that what is wrong with it is told by us."""
    tasks = namespace()
    kinds = {argument.kind for name in tasks.task_names for argument in tasks[name].get_arguments()}
    assert kinds <= {str, bool, list}


@pytest.mark.parametrize(("given", "jobs"), [("1", 1), ("12", 12)])
def test_jobs_are_what_was_asked_for(given: str, jobs: int) -> None:
    """Also one, on a large machine."""
    assert default_jobs(given) == jobs


def test_jobs_are_at_least_some_where_nobody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of them wait for something, so a small machine does several too; a large one does more."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert default_jobs() == LEAST_JOBS
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert default_jobs() == 64
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert default_jobs() == LEAST_JOBS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_in_the_middle_of_any_task_is_a_sentence(
    inv: Inv,
    workspace: FakeWorkspace,
    number: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 130; afterwards the signals do what they did before."""
    before = signal.getsignal(number)
    monkeypatch.setattr(workspace.cluster, "start", lambda _report: os.kill(os.getpid(), number))
    assert inv("cluster.start") == 130
    assert capsys.readouterr().err == "Stopped.\n"
    assert signal.getsignal(number) is before


def test_a_reader_that_went_away_is_no_mistake(
    inv: Inv, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`./inv logs | head`: there is nobody to tell it."""

    def write(_report: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(workspace.cluster, "start", write)
    assert inv("cluster.start") == 1
    assert capsys.readouterr().err == ""


ENDS: dict[str, tuple[BaseException | None, str, int]] = {
    "well": (None, "Done", 0),
    "failed": (LeftFailedError("It failed"), "Failed", 3),
    "stopped": (StoppedError("Stopped"), "Stopped", 130),
    "interrupted": (KeyboardInterrupt(), "Stopped", 130),
}


@pytest.mark.parametrize(("error", "stage", "code"), ENDS.values(), ids=list(ENDS))
def test_a_command_tells_that_it_begins_and_how_it_ends(error: BaseException | None, stage: str, code: int) -> None:
    """The journal and `--json` have the exit code of the process; the error goes on to whoever shows it."""
    screen = Screen(FakeClock())
    report = Recorder()
    screen.report = report  # type: ignore[method-assign]
    with suppress(DockyardError, KeyboardInterrupt), told(screen, "deploy", ("api", "web")):
        if error:
            raise error
    began, ended = report.events
    assert isinstance(began, Began)
    assert (began.command, began.services) == ("deploy", ("api", "web"))
    assert isinstance(ended, Ended)
    assert (ended.stage, ended.exit_code) == (stage, code)
