"""Starting the Docker engine, whatever the init system: systemd, an init script, or none."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.machine import engine
from dockyard.machine.trouble import last_words
from dockyard.model.errors import MachineError, ToolError
from dockyard.model.events import Event
from dockyard.tools import daemon
from dockyard.tools.clock import SystemClock, ticks
from dockyard.tools.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dockyard.machine.host import Host
    from dockyard.model.events import Report
    from dockyard.tools.clock import Clock

STARTING = 60.0
"""Seconds for an engine to answer once it was started; it takes 1 to 5."""

PAUSE = 0.25

LOG = Path("/var/log/docker.log")
"""Where an engine that is started directly writes; Debian's init script has the same file."""

INIT_SCRIPT = Path("/etc/init.d/docker")
PID_FILE = Path("/var/run/docker.pid")
CONTAINERD_SOCKET = Path("/run/containerd/containerd.sock")
LAST_LINES = 5


def answers() -> bool:
    """Whether the engine of this machine answers."""
    return engine.observe().server is not None


def start(host: Host, report: Report, clock: Clock | None = None) -> str:
    """Start the engine by the machine's own way: systemd, else the init script, else directly.

    Returns:
        Which way it was.

    Raises:
        MachineError: It does not answer; with the last lines of its log.
    """
    clock = clock or SystemClock()
    if host.systemd:
        return _start_by_systemd(report, clock)
    if await_turn(PID_FILE, answers, clock):
        return _told(report, "it was on its way up")
    refusal = "there is no init script"
    if INIT_SCRIPT.exists():
        report(Event(engine.NAME, "Starting", "service docker start", passing=True))
        refusal = _start_by_service(clock)
        if not refusal:
            return _told(report, "started by its init script")
    report(Event(engine.NAME, "Starting", f"directly ({refusal})"))
    clear_leftovers(PID_FILE, CONTAINERD_SOCKET)
    start_directly(["dockerd"], log=LOG, answering=answers, clock=clock)
    return _told(report, f"started directly, its log is {LOG}")


def _start_by_systemd(report: Report, clock: Clock) -> str:
    report(Event(engine.NAME, "Starting", "systemctl start docker", passing=True))
    done = run(["systemctl", "start", "docker"], timeout=STARTING * 2, check=False)
    if done.returncode == 0 and wait_for(answers, clock):
        return _told(report, "started by systemd")
    log = run(
        ["journalctl", "--unit", "docker", "--lines", str(LAST_LINES), "--output", "cat"],
        timeout=engine.ASKING,
        check=False,
    )
    raise MachineError(
        "The Docker engine could not be started by systemd",
        why=last_words(f"{done.stderr}\n{log.stdout}", LAST_LINES),
        fix="`systemctl status docker` shows more; run `./inv setup` again when it runs",
    )


def _start_by_service(clock: Clock) -> str:
    """Return why it did not work, or an empty string. Init scripts say that they started what then died: ask it."""
    try:
        done = run(["service", "docker", "start"], timeout=STARTING, check=False)
    except ToolError as error:
        return str(error)
    if done.returncode != 0:
        return f"its init script failed: {last_words(done.stderr or done.stdout)}"
    return "" if wait_for(answers, clock) else "its init script started it in vain"


def _told(report: Report, how: str) -> str:
    report(Event(engine.NAME, "Started", how))
    return how


def wait_for(answering: Callable[[], bool], clock: Clock, *, gone: Callable[[], int | None] = lambda: None) -> bool:
    """Wait until an engine answers; give up after STARTING seconds, or when its process is gone."""
    for _ in ticks(clock, limit=STARTING, pause=PAUSE):
        if answering():
            return True
        if gone() is not None:
            return False
    return False


def await_turn(pid_file: Path, answering: Callable[[], bool], clock: Clock) -> bool:
    """Wait while an engine that does not answer is on its way out, or up: a second one would not start beside it.

    Args:
        pid_file: Where its process id stands.
        answering: Whether it answers.
        clock: The clock to wait by.

    Returns:
        Whether it answers now.
    """
    return _is_dockerd(pid_file) and wait_for(answering, clock, gone=lambda: None if _is_dockerd(pid_file) else 0)


def start_directly(argv: Sequence[str], *, log: Path, answering: Callable[[], bool], clock: Clock) -> int:
    """Start dockerd without an init system; it goes on when this process and its terminal are gone.

    Args:
        argv: dockerd and its arguments.
        log: The file that its output is added to.
        answering: Whether it answers.
        clock: The clock to wait by.

    Returns:
        Its process id.

    Raises:
        MachineError: It died, or does not answer in time; with the last lines that it logged.
    """
    before = log.stat().st_size if log.exists() else 0
    started = daemon.start(argv, log=log)
    ended: list[int] = []

    def gone() -> int | None:
        code = started.exit_code()
        if code is not None:
            ended.append(code)
        return code

    if wait_for(answering, clock, gone=gone):
        return started.pid
    how = f"ended with exit code {ended[0]}" if ended else f"does not answer after {STARTING:.0f} s"
    with log.open("rb") as lines:
        lines.seek(before)
        said = lines.read().decode(errors="replace")
    raise MachineError(
        f"The Docker engine {how}",
        why=f"Its log ({log}) ends: {last_words(readable(said), LAST_LINES)}",
        fix="Mend that, then run `./inv setup` again",
    )


def readable(log: str) -> str:
    """Return the messages of dockerd's log (`time="..." level=error msg="..."`), and its other lines as they are."""
    return "\n".join(_message(line) for line in log.splitlines())


def _message(line: str) -> str:
    found = re.search(r'\bmsg="((?:[^"\\]|\\.)*)"', line)
    return found[1].replace('\\"', '"') if found else line


def clear_leftovers(pid_file: Path, containerd_socket: Path) -> None:
    """Remove what an engine that is gone has left behind and a new one would stumble over.

    dockerd refuses to start while its pid file names any process, and waits in vain for a containerd whose socket is
    there and whom nobody serves.

    Args:
        pid_file: Removed unless its process is a dockerd.
        containerd_socket: Removed unless somebody listens.
    """
    if pid_file.exists() and not _is_dockerd(pid_file):
        pid_file.unlink(missing_ok=True)
    if containerd_socket.is_socket() and not _listens(containerd_socket):
        containerd_socket.unlink(missing_ok=True)


def _is_dockerd(pid_file: Path) -> bool:
    try:
        pid = int(pid_file.read_text())
        return "dockerd" in Path(f"/proc/{pid}/cmdline").read_text()
    except (OSError, ValueError):
        return False


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True
