"""Stopping on request, in real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dockyard.model.errors import StoppedError
from dockyard.tools import stop
from dockyard.tools.clock import SystemClock
from dockyard.tools.process import run

LIMIT = 20.0


@pytest.fixture
def asked() -> Iterator[None]:
    """Somebody asked to stop."""
    stop._asked.set()  # noqa: SLF001 - what a signal does
    yield
    stop._asked.clear()  # noqa: SLF001


def test_work_goes_on_where_nobody_asked() -> None:
    """Nothing is raised."""
    stop.check()
    stop.pause(0)
    assert not stop.is_asked()


@pytest.mark.usefixtures("asked")
def test_nothing_begins_when_somebody_asked() -> None:
    """No wait, and no program; the exit code is that of Ctrl-C."""
    assert stop.is_asked()
    for begin in (stop.check, lambda: stop.pause(LIMIT), lambda: SystemClock().sleep(LIMIT)):
        with pytest.raises(StoppedError) as caught:
            begin()
        assert caught.value.exit_code == 130
    with pytest.raises(StoppedError):
        run(["true"], timeout=1)


def test_a_wait_in_another_thread_ends_at_once() -> None:
    """Every rollout waits in a thread of its own."""
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(StoppedError):
            stop.pause(LIMIT)
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    with stop.on_signals():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert ended.wait(LIMIT / 2)
    thread.join()


@pytest.mark.parametrize("number", stop.SIGNALS)
def test_a_signal_asks_and_what_was_before_comes_back(number: signal.Signals) -> None:
    """Within the block alone; behind it nobody has asked, and handlers are the ones that were there."""
    before = [signal.getsignal(one) for one in stop.SIGNALS]
    with stop.on_signals():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert stop.is_asked()
    assert not stop.is_asked()
    assert [signal.getsignal(one) for one in stop.SIGNALS] == before


def test_handlers_come_back_after_an_error() -> None:
    """Whatever ended the block."""
    before = signal.getsignal(signal.SIGTERM)

    def work() -> None:
        with stop.on_signals():
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - our own, without a word
        work()
    assert signal.getsignal(signal.SIGTERM) == before


WORK = r"""
import os, subprocess, sys
from concurrent.futures import ThreadPoolExecutor, wait
from dockyard.tools import stop
from dockyard.tools.process import run

script = "import signal, sys, time; signal.signal(signal.SIGTERM, {handler}); print('up', flush=True); time.sleep(60)"

def report(line):
    os.write(1, f"{line}\n".encode())  # whole, whichever thread it comes from

with stop.on_signals():
    daemon = subprocess.Popen(["sleep", "60"], start_new_session=True)
    report(f"daemon {daemon.pid}")
    # No thread that is joined: up to Python 3.12 an interrupted join takes the thread for ended.
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(run, [sys.executable, "-c", script, "marked"], timeout=60, on_line=report)
        try:
            while wait([work], 0.2).not_done:
                pass
        except KeyboardInterrupt:
            report(f"asked {stop.is_asked()} {daemon.pid in stop.children(os.getpid())}")
            wait([work], {patience})
            report(f"ended {work.done()} daemon lives {daemon.poll() is None}")
    daemon.kill()
    daemon.wait()
"""


class Deploying:
    """A process that works with a program, as a deploy does with Helm.

    Attributes:
        process: The process.
        daemon: The process id of its daemon.
    """

    def __init__(self, handler: str, patience: float) -> None:
        code = textwrap.dedent(WORK).replace("{handler}", handler).replace("{patience}", str(patience))
        self.process = subprocess.Popen(  # noqa: S603 - an argv list
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.daemon = int(self.line().removeprefix("daemon "))
        assert self.line() == "up"

    def line(self) -> str:
        """Return its next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip()

    def programs(self) -> list[int]:
        """Return what works for it, but for its daemon."""
        return [pid for pid in stop.children(self.process.pid) if pid != self.daemon]


@pytest.mark.process
@pytest.mark.parametrize("number", stop.SIGNALS)
def test_the_first_signal_ends_programs_in_order(number: signal.Signals) -> None:
    """They get SIGTERM and clean up; a daemon has a session of its own and goes on."""
    work = Deploying("lambda *_: (print('clean', flush=True), sys.exit(0))", LIMIT)
    with work.process:
        assert len(work.programs()) == 1
        work.process.send_signal(number)
        lines = {work.line() for _ in range(3)}
        assert lines == {"clean", "asked True True", "ended True daemon lives True"}
        assert work.process.wait(LIMIT) == 0


@pytest.mark.process
def test_the_second_signal_kills() -> None:
    """A program that ignores SIGTERM, and this process."""
    work = Deploying("signal.SIG_IGN", LIMIT)
    with work.process:
        (program,) = work.programs()
        work.process.send_signal(signal.SIGINT)
        assert work.line() == "asked True True"
        work.process.send_signal(signal.SIGINT)
        assert work.process.wait(LIMIT) == StoppedError.exit_code
        for _ in range(200):  # what is killed may take a moment to be gone
            if not _lives(program):
                break
            SystemClock().sleep(0.01)
        assert not _lives(program)
        with suppress(ProcessLookupError):
            os.kill(work.daemon, signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in {"Z", "X"}


@pytest.mark.process
def test_descendants_are_found_however_deep() -> None:
    """Helm starts hooks and plugins of its own; the deepest come last."""
    with subprocess.Popen(["sh", "-c", "sh -c 'cat; true'; true"], stdin=subprocess.PIPE) as shell:  # noqa: S607
        assert shell.stdin is not None
        found: list[int] = []
        for _ in range(200):
            found = stop.children(shell.pid)
            if len(found) == 2:
                break
            SystemClock().sleep(0.01)
        assert len(found) == 2
        assert found[0] in stop.children(os.getpid())
        assert stop.children(found[0]) == found[1:]
        shell.stdin.close()


def test_a_process_without_children_has_none() -> None:
    """Nor has one that is not there."""
    assert stop.children(2**22 + 1) == []
