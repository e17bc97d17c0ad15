"""Starting programs: real ones, since what is tested is how they start, speak and end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dockyard.model.errors import ToolFailedError, ToolMissingError, ToolTimeoutError
from dockyard.tools import process
from dockyard.tools.process import attach, run

pytestmark = pytest.mark.process

LIMIT = 20.0
"""Seconds that no program here comes near, on a busy machine neither."""

NOT_YET = 5.0
"""Seconds within which a stopped program must be gone; the programs would run for much longer."""

SHORT = 0.1
"""A time limit that is meant to be met."""


def sh(script: str, *arguments: str, **options: object) -> process.Completed:
    """Run a shell script; `$1` is the first argument."""
    return run(["sh", "-c", script, "sh", *arguments], timeout=LIMIT, **options)  # type: ignore[arg-type] # passed on


def gone(pid: int) -> bool:
    """Tell whether a process is no more; a child that has ended and is not waited for is still there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_output_is_kept_by_stream() -> None:
    """Standard output and standard error come back whole and apart, with the command and its exit code."""
    done = sh("echo out; echo err >&2; exit 3", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert done.argv[:2] == ("sh", "-c")


@pytest.mark.parametrize("argument", ["a b", "", "$HOME", "*", "'", '"', "a\nb", "--x=y", "ä€", "\\"])
def test_arguments_arrive_as_they_are(argument: str) -> None:
    """No shell reads them on the way."""
    assert sh('printf %s "$1"', argument).stdout == argument


def test_a_failure_carries_its_facts() -> None:
    """The error has the command, the exit code and all of standard error."""
    with pytest.raises(ToolFailedError) as caught:
        sh("echo out; echo first >&2; echo last >&2; exit 7")
    error = caught.value
    assert (error.returncode, error.stderr, error.argv[0]) == (7, "first\nlast\n", "sh")
    assert "It said: last" in str(error)


def test_a_failure_without_standard_error_tells_its_output() -> None:
    """Some programs complain on standard output."""
    with pytest.raises(ToolFailedError, match="It said: complaint"):
        sh("echo complaint; exit 1")


def test_every_exit_code_is_the_callers_to_judge() -> None:
    """No code is an error of its own where the caller does not check."""
    assert sh("exit 255", check=False).returncode == 255


@pytest.mark.parametrize("program", ["no-such-program", "/no/such/program"])
def test_a_missing_program_is_named(program: str) -> None:
    """A name that is not on PATH, and a path where nothing is."""
    with pytest.raises(ToolMissingError) as caught:
        run([program], timeout=LIMIT)
    assert caught.value.program == program


def test_a_file_that_cannot_be_executed_is_no_program(tmp_path: Path) -> None:
    """It is missing, not a traceback."""
    path = tmp_path / "program"
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    with pytest.raises(ToolMissingError):
        run([str(path)], timeout=LIMIT)


def test_standard_input_is_empty_by_default() -> None:
    """A program that reads ends at once."""
    assert sh("cat").stdout == ""


def test_standard_input_arrives_whole() -> None:
    """More than any pipe buffers, with characters of several bytes."""
    text = "zeile ä€\n" * 200_000
    assert sh("cat", stdin=text).stdout == text


def test_a_program_may_leave_its_input_unread() -> None:
    """The closed pipe is no error."""
    assert sh("exit 0", stdin="x" * 1_000_000).returncode == 0


def test_big_output_on_both_streams_does_not_block() -> None:
    """Each stream is read while the other is written."""
    done = sh("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; printf end")
    assert (len(done.stdout), len(done.stderr)) == (3_000_003, 3_000_000)


def test_bytes_that_are_no_text_are_replaced() -> None:
    """Output never raises."""
    assert sh(r"printf 'a\377b'").stdout == "a�b"


def test_environment_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program sees the caller's variables and the given ones; the caller's own stay as they are."""
    monkeypatch.setenv("KEPT", "kept")
    monkeypatch.setenv("CHANGED", "before")
    done = sh('printf "$KEPT $CHANGED $NEW"', environment={"CHANGED": "after", "NEW": "new"})
    assert (done.stdout, os.environ["CHANGED"]) == ("kept after new", "before")


def test_the_folder_is_the_programs_own(tmp_path: Path) -> None:
    """A program runs where it is told to; the caller stays."""
    before = Path.cwd()
    assert Path(sh("pwd", cwd=tmp_path).stdout.strip()).samefile(tmp_path)
    assert Path.cwd() == before


def test_there_is_no_terminal() -> None:
    """Programs colour and page only on a terminal, and ask only there."""
    assert sh("for fd in 0 1 2; do test ! -t $fd || echo $fd; done").stdout == ""


def test_lines_come_without_their_breaks() -> None:
    """Both streams are heard; empty lines and a last line without a break count."""
    lines: list[str] = []
    done = sh(r"printf 'one\n\nthree'", on_line=lines.append)
    assert lines == ["one", "", "three"]
    assert done.stdout == "one\n\nthree"
    errors: list[str] = []
    sh("echo warned >&2", on_line=errors.append)
    assert errors == ["warned"]


def test_lines_come_while_the_program_runs(tmp_path: Path) -> None:
    """The program waits for an answer to its first line: it would never end if lines came at the end."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def answer(line: str) -> None:
        if line == "first":
            fifo.write_text("go\n", encoding="utf-8")

    assert sh('echo first; read word <"$1"; echo "$word"', str(fifo), on_line=answer).stdout == "first\ngo\n"


def test_a_listener_that_fails_is_heard(capfd: pytest.CaptureFixture[str]) -> None:
    """Its error reaches the caller and no thread prints a traceback."""

    def fail(line: str) -> None:
        raise LookupError(line)

    with pytest.raises(LookupError, match="one"):
        sh("echo one; echo two", on_line=fail)
    assert capfd.readouterr() == ("", "")


def test_a_program_is_stopped_at_its_limit() -> None:
    """The error names the limit, and the program is gone."""
    pids: list[str] = []
    start = time.monotonic()
    with pytest.raises(ToolTimeoutError, match=r"`sh -c echo \$\$; exec sleep 60` did not end within 0.1 s"):
        run(["sh", "-c", "echo $$; exec sleep 60"], timeout=SHORT, on_line=pids.append)
    assert time.monotonic() - start < NOT_YET
    assert gone(int(pids[0]))


def test_a_program_may_clean_up_at_its_limit(tmp_path: Path) -> None:
    """It gets SIGTERM, which Helm needs to mark a release, and its exit code does not hide the time-out."""
    mark = tmp_path / "cleaned"
    script = """trap 'kill $!; echo yes >"$1"; exit 0' TERM; sleep 60 & wait"""
    with pytest.raises(ToolTimeoutError):
        run(["sh", "-c", script, "sh", str(mark)], timeout=SHORT)
    assert mark.read_text(encoding="utf-8") == "yes\n"


def test_a_program_that_will_not_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL follows after the grace."""
    monkeypatch.setattr(process, "GRACE", SHORT)
    pids: list[str] = []
    start = time.monotonic()
    with pytest.raises(ToolTimeoutError):
        run(["sh", "-c", "trap '' TERM; echo $$; exec sleep 60"], timeout=SHORT, on_line=pids.append)
    assert time.monotonic() - start < NOT_YET
    assert gone(int(pids[0]))


def test_a_program_that_dies_of_a_signal_says_which() -> None:
    """The code is negative, as of subprocess; that is no time-out."""
    assert sh("kill -9 $$", check=False).returncode == -signal.SIGKILL
    with pytest.raises(ToolFailedError) as caught:
        sh("kill -TERM $$")
    assert caught.value.returncode == -signal.SIGTERM


def interrupted(script: str, *, before: Callable[[int], None] = lambda _: None) -> int:
    """Press Ctrl-C while a script runs; return its process id once `run` has ended."""
    pids: list[int] = []

    def press(line: str) -> None:
        pids.append(int(line))
        before(pids[0])
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        # The pause: `run` is to be waiting, not still starting the program.
        sh(f"sleep {SHORT}; echo $$; {script}", on_line=press)
    return pids[0]


def test_ctrl_c_ends_the_program_first() -> None:
    """No orphan goes on working on a cluster."""
    assert gone(interrupted("exec sleep 60"))


def test_ctrl_c_reaches_a_program_that_is_ending_too() -> None:
    """A terminal sends it to both; that the program is gone already changes nothing."""
    assert gone(interrupted("exec sleep 60", before=lambda pid: os.kill(pid, signal.SIGKILL)))


def test_ctrl_c_ends_a_program_that_will_not_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL follows after the grace there too."""
    monkeypatch.setattr(process, "GRACE", SHORT)
    start = time.monotonic()
    assert gone(interrupted("trap '' TERM; exec sleep 60"))
    assert time.monotonic() - start < NOT_YET


def test_many_programs_at_once() -> None:
    """Rooms run programs from several threads; each gets its own output."""
    said: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda at=at: said.update({at: sh('echo "$1"', str(at)).stdout})) for at in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert said == {at: f"{at}\n" for at in range(8)}


def test_attached_programs_use_this_processs_own_streams(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What the program prints is printed; its exit code is given back, and the folder is first on its PATH."""
    program = tmp_path / "nox"
    program.write_text('#!/bin/sh\necho "own $1 ${PATH%%:*}"\nexit 5\n', encoding="utf-8")
    program.chmod(0o755)
    assert attach(["nox", "-l"], path=tmp_path) == 5
    assert capfd.readouterr().out == f"own -l {tmp_path}\n"
