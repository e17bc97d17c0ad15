"""Programs that outlive this process: real ones, since what is tested is how they start and end."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from dockyard.tools import daemon
from dockyard.tools.daemon import Daemon

pytestmark = pytest.mark.process


def wait(started: Daemon) -> int:
    """Wait until a daemon has ended; return what it ended with."""
    for _ in range(1000):
        code = started.exit_code()
        if code is not None:
            return code
        time.sleep(0.01)
    raise AssertionError("it did not end")


def test_nothing_of_the_caller_is_kept(tmp_path: Path) -> None:
    """It has the root folder, no input, and one log for all that it says."""
    log = tmp_path / "log"
    log.write_text("before\n")
    started = daemon.start(["sh", "-c", "pwd; cat; echo wrong >&2; exit 3"], log=log)
    assert wait(started) == 3
    assert log.read_text() == "before\n/\nwrong\n"


def test_it_is_in_a_session_of_its_own(tmp_path: Path) -> None:
    """The end of a terminal, or Ctrl-C in it, does not reach it; a signal to it does, and is told."""
    started = daemon.start(["sleep", "30"], log=tmp_path / "log")
    try:
        assert os.getsid(started.pid) == started.pid
        assert started.exit_code() is None
    finally:
        os.kill(started.pid, signal.SIGTERM)
        assert wait(started) == -signal.SIGTERM


def test_system_programs_are_on_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon's helpers (iptables) are where a user's PATH may not lead."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    log = tmp_path / "log"
    wait(daemon.start(["sh", "-c", "echo $PATH"], log=log))
    assert log.read_text() == "/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin\n"


def test_a_program_that_is_not_there_ends_at_once(tmp_path: Path) -> None:
    """The shell's word for it is in the log."""
    log = tmp_path / "log"
    assert wait(daemon.start(["no-such-program"], log=log)) == 127
    assert "no-such-program" in log.read_text()


def test_a_log_that_cannot_be_written_is_an_error() -> None:
    """Nothing is started that could not say why it ended."""
    with pytest.raises(OSError, match="No such file"):
        daemon.start(["true"], log=Path("/nowhere/log"))
