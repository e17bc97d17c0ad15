"""Starting the Docker engine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dockyard.machine import engine, starting
from dockyard.machine.engine import EngineFacts
from dockyard.model.errors import MachineError
from dockyard.tools.clock import SystemClock
from dockyard.tools.process import run
from tests.conftest import MissingTool
from tests.fakes import FakeClock, Recorder
from tests.machine.conftest import Script, a_host, failed

ULIMIT = "/etc/init.d/docker: 62: ulimit: error setting limit (Operation not permitted)"


def answering(monkeypatch: pytest.MonkeyPatch, answers: str) -> None:
    """Let the engine answer (`+`) or not (`-`), time after time; the last answer stays."""
    left = list(answers)

    def observe() -> EngineFacts:
        answer = left.pop(0) if len(left) > 1 else left[0]
        return EngineFacts(cli="28", server="20" if answer == "+" else None, elsewhere="", refusal="", installed=True)

    monkeypatch.setattr(engine, "observe", observe)


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine is on its way, whatever this machine has."""
    monkeypatch.setattr(starting, "PID_FILE", Path("/nowhere/docker.pid"))


@pytest.fixture
def directly(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the commands that are started directly; none is."""
    started: list[object] = []
    monkeypatch.setattr(starting, "clear_leftovers", lambda *_: None)
    monkeypatch.setattr(starting, "start_directly", lambda argv, **_: started.append(argv))
    return started


def init_script(monkeypatch: pytest.MonkeyPatch, *, there: bool) -> None:
    """Let the machine have an init script, or not."""
    monkeypatch.setattr(starting, "INIT_SCRIPT", Path("/bin/sh" if there else "/nowhere/docker"))


def test_systemd_starts_it_where_systemd_runs(
    script: Callable[..., Script], monkeypatch: pytest.MonkeyPatch, recorder: Recorder, directly: list[object]
) -> None:
    """Where systemd is the first process it starts the engine, which may take a moment to answer."""
    scripted = script(starting, ("systemctl start docker", ""))
    answering(monkeypatch, "--+")
    assert starting.start(a_host(systemd=True), recorder, FakeClock()) == "started by systemd"
    assert (scripted.unused, directly) == ([], [])
    assert recorder.lasting == [("docker engine", "Started")]


def test_systemd_that_fails_is_not_worked_around(
    script: Callable[..., Script], monkeypatch: pytest.MonkeyPatch, recorder: Recorder, directly: list[object]
) -> None:
    """A unit that fails has a reason: the journal's last lines are shown, and no second engine is started beside it."""
    script(starting, ("systemctl", failed("Job for docker.service failed.")), ("journalctl", "no space\nExited\n"))
    answering(monkeypatch, "-")
    with pytest.raises(MachineError, match=r"Job for docker\.service failed\.; no space; Exited"):
        starting.start(a_host(systemd=True), recorder, FakeClock())
    assert directly == []


def test_the_init_script_is_next(
    script: Callable[..., Script], monkeypatch: pytest.MonkeyPatch, recorder: Recorder, directly: list[object]
) -> None:
    """Without systemd the init script is asked."""
    script(starting, ("service docker start", ""))
    init_script(monkeypatch, there=True)
    answering(monkeypatch, "-+")
    assert starting.start(a_host(), recorder, FakeClock()) == "started by its init script"
    assert directly == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (failed(ULIMIT), "its init script failed: /etc/init.d/docker: 62: ulimit"),
        ("Starting Docker: docker.", "its init script started it in vain"),
    ],
    ids=["a script that fails", "a script that says it worked"],
)
def test_an_init_script_that_fails_is_worked_around(
    answer: object,
    reason: str,
    script: Callable[..., Script],
    monkeypatch: pytest.MonkeyPatch,
    directly: list[object],
) -> None:
    """Where the init script cannot do it the engine is started directly, and the reason is said."""
    recorder = Recorder()
    script(starting, ("service docker start", answer))
    init_script(monkeypatch, there=True)
    answering(monkeypatch, "-")
    assert starting.start(a_host(), recorder, FakeClock()).startswith("started directly")
    assert directly == [["dockerd"]]
    assert any(reason in event.text for event in recorder.events)


def test_without_any_init_system_it_is_started_directly(
    monkeypatch: pytest.MonkeyPatch, recorder: Recorder, directly: list[object]
) -> None:
    """A container or a bare machine has no init script either."""
    init_script(monkeypatch, there=False)
    starting.start(a_host(), recorder, FakeClock())
    assert directly == [["dockerd"]]


def test_log_lines_are_shown_as_messages() -> None:
    """The log of dockerd is shown by its messages, a panic as it is."""
    log = 'time="2026-01-01T00:00:00Z" level=error msg="pid \\"1\\" found" module=x\npanic: no\n'
    assert starting.readable(log) == 'pid "1" found\npanic: no'


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Return a folder whose path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="dy-"))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("pid", ["1", str(os.getpid()), "999999999", "", "not a number"])
def test_a_stale_pid_file_is_removed(pid: str, short_folder: Path) -> None:
    """A pid file whose process is gone, or is something else today, would keep dockerd from starting."""
    pid_file = short_folder / "docker.pid"
    pid_file.write_text(pid)
    starting.clear_leftovers(pid_file, short_folder / "none.sock")
    assert not pid_file.exists()


@pytest.fixture
def impostor(short_folder: Path) -> Iterator[Path]:
    """The pid file of a process that is called dockerd, and sleeps."""
    program = short_folder / "dockerd"
    program.symlink_to(shutil.which("sleep") or "/bin/sleep")
    with subprocess.Popen([program, "30"]) as process:  # noqa: S603 - an argv list
        while not Path(f"/proc/{process.pid}/cmdline").read_text():  # it has its name a moment after it was born
            SystemClock().sleep(0.01)
        pid_file = short_folder / "docker.pid"
        pid_file.write_text(str(process.pid))
        yield pid_file
        process.kill()


@pytest.mark.process
def test_the_pid_file_of_a_dockerd_stays(impostor: Path, short_folder: Path) -> None:
    """The pid file of an engine that is still coming up is its own."""
    starting.clear_leftovers(impostor, short_folder / "none.sock")
    assert impostor.exists()


class Third(FakeClock):
    """A clock on which something happens at the third wait."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act, self._left = act, 3

    def sleep(self, seconds: float) -> None:
        """Pass the time."""
        super().sleep(seconds)
        self._left -= 1
        if not self._left:
            self._act()


@pytest.mark.process
def test_an_engine_on_its_way_out_is_waited_for(impostor: Path) -> None:
    """A second one would refuse to start beside it."""
    clock = Third(impostor.unlink)  # as dockerd does last
    assert starting.await_turn(impostor, lambda: False, clock) is False
    assert clock.now() == 3 * starting.PAUSE


@pytest.mark.process
def test_an_engine_on_its_way_up_is_enough(impostor: Path) -> None:
    """Somebody else started it a moment ago."""
    up: list[bool] = []
    assert starting.await_turn(impostor, lambda: bool(up), Third(lambda: up.append(True))) is True


def test_without_an_engine_nobody_is_waited_for(short_folder: Path) -> None:
    """Nor does anybody answer."""
    clock = FakeClock()
    assert starting.await_turn(short_folder / "docker.pid", lambda: True, clock) is False
    assert clock.now() == 0


def test_only_a_dead_socket_is_removed(short_folder: Path) -> None:
    """A dockerd waits in vain for a containerd that left its socket; one that listens stays."""
    dead, alive = short_folder / "dead.sock", short_folder / "alive.sock"
    with socket.socket(socket.AF_UNIX) as first:
        first.bind(str(dead))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(alive))
        server.listen()
        starting.clear_leftovers(short_folder / "none.pid", dead)
        starting.clear_leftovers(short_folder / "none.pid", alive)
    assert not dead.exists()
    assert alive.exists()


@pytest.mark.process
def test_a_daemon_that_answers_is_left_running(tmp_path: Path) -> None:
    """What was started goes on, in a session of its own."""
    sign = tmp_path / "up"
    pid = starting.start_directly(
        ["sh", "-c", f"touch {sign}; exec sleep 30"],
        log=tmp_path / "log",
        answering=sign.exists,
        clock=SystemClock(),
    )
    try:
        assert os.getsid(pid) == pid
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


@pytest.mark.process
def test_a_daemon_that_dies_leaves_its_last_words(tmp_path: Path) -> None:
    """The error says how it ended and what it logged this time, not what an earlier one did."""
    log = tmp_path / "log"
    log.write_text("an old story\n")
    dies = "echo 'time=x level=fatal msg=\"failed to start daemon: no iptables\"'; exit 3"
    with pytest.raises(MachineError, match="ended with exit code 3") as caught:
        starting.start_directly(["sh", "-c", dies], log=log, answering=lambda: False, clock=SystemClock())
    assert caught.value.why.endswith("ends: failed to start daemon: no iptables")


class _Patient(FakeClock):
    """A clock that waits for real until a file is there, and costs nothing from then on."""

    def __init__(self, sign: Path) -> None:
        super().__init__()
        self._sign = sign

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        if self._sign.exists():
            super().sleep(seconds)
        else:
            SystemClock().sleep(0.01)


@pytest.mark.process
def test_a_daemon_that_never_answers_is_given_up(tmp_path: Path) -> None:
    """The wait has a limit; what was started is left to come up later."""
    sign = tmp_path / "pid"
    command = ["sh", "-c", f"echo thinking; echo $$ >{sign}.new; mv {sign}.new {sign}; exec sleep 30"]
    with pytest.raises(MachineError, match="does not answer after 60 s") as caught:
        starting.start_directly(command, log=tmp_path / "log", answering=lambda: False, clock=_Patient(sign))
    pid = int(sign.read_text())
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    assert caught.value.why.endswith("ends: thinking")


@pytest.mark.docker
def test_a_real_engine_starts_directly(short_folder: Path, missing_tool: MissingTool) -> None:
    """A second dockerd, with everything of its own, starts without an init system and answers."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        missing_tool("root, or dockerd")
    address = f"unix://{short_folder}/sock"
    own = [f"--data-root={short_folder}/data", f"--exec-root={short_folder}/exec", f"--pidfile={short_folder}/pid"]
    # In a network namespace of its own: with --bridge=none a dockerd removes the bridge of the machine's engine.
    alone = ["unshare", "--net", "dockerd"]
    argv = [*alone, *own, "--host", address, "--bridge=none", "--iptables=false", "--ip-masq=false"]

    def answers() -> bool:
        return run(["docker", "--host", address, "version"], timeout=10, check=False).returncode == 0

    pid = starting.start_directly(argv, log=short_folder / "log", answering=answers, clock=SystemClock())
    try:
        assert (short_folder / "pid").read_text() == str(pid)
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
        run(["umount", f"{short_folder}/data"], timeout=10, check=False)  # it mounts that on itself
