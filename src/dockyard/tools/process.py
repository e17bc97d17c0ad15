"""Starts programs: the only module, with its siblings, that does.

A command is a list of arguments, never a shell string. Every call has a time limit. A program's output is captured
whole and given back as text; nothing is printed here. `sh` runs the program without a terminal, so that no tool colours
what is parsed, and with the caller's environment plus the given additions.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sh

from dockyard.model.errors import ToolFailedError, ToolMissingError, ToolTimeoutError
from dockyard.tools import stop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from _typeshed import ReadableBuffer as Buffer

EVERY_EXIT_CODE = tuple(range(256))
"""`sh` raises for codes that are not in its list; ours are judged by the caller."""

GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL."""


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended.

    Attributes:
        argv: The command, program first.
        returncode: Its exit code; negative for a signal.
        stdout: Its standard output, decoded as UTF-8 with replacement.
        stderr: Its standard error, the same way.
    """

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


def run(  # noqa: PLR0913 - each option is one fact of the call, by keyword
    argv: Sequence[str],
    *,
    timeout: float,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    check: bool = True,
    on_line: Callable[[str], None] | None = None,
) -> Completed:
    """Run a program to its end.

    Args:
        argv: The program (a name on PATH or a path) and its arguments.
        timeout: Seconds until the program gets SIGTERM.
        stdin: What the program reads; nothing by default.
        environment: Variables beside those of this process.
        cwd: The folder to run in.
        check: Raise when the exit code is not 0.
        on_line: Called with each line of standard error and standard output as it comes, without its line break. What
            it raises is raised here when the program has ended.

    Raises:
        ToolMissingError: There is no such program.
        ToolFailedError: It ended with an error and ``check`` is set.
        ToolTimeoutError: It did not end within ``timeout``.
        StoppedError: Somebody asked to stop, before or meanwhile.
    """
    stop.check()
    program, *arguments = argv
    if shutil.which(program) is None:
        raise ToolMissingError(program)
    out, err = _Sink(on_line), _Sink(on_line)
    # Not `_timeout`: it makes `sh` look at the clock only every 0.1 s, which every short call then pays.
    command = sh.Command(program)(
        *arguments,
        _in=stdin or "",
        _out=out,
        _err=err,
        _out_bufsize=out.buffering,
        _err_bufsize=err.buffering,
        _cwd=str(cwd) if cwd else None,
        _env={**os.environ, **(environment or {})},
        _tty_out=False,
        _ok_code=EVERY_EXIT_CODE,
        _bg=True,
        _bg_exc=False,
    )
    returncode = _wait(command, argv, timeout)
    stop.check()
    if failure := out.failure or err.failure:
        raise failure
    result = Completed(tuple(argv), returncode, out.text, err.text)
    if check and returncode != 0:
        raise ToolFailedError(argv, returncode, result.stderr or result.stdout)
    return result


def attach(argv: Sequence[str], *, path: Path) -> int:
    """Run a program on this process's own terminal; it prints for itself.

    Args:
        argv: The program and its arguments.
        path: A folder that its PATH starts with.

    Returns:
        Its exit code.
    """
    environment = {**os.environ, "PATH": f"{path}{os.pathsep}{os.environ.get('PATH', '')}"}
    return subprocess.run(argv, env=environment, check=False).returncode  # noqa: S603 - an argv list


def _wait(command: sh.RunningCommand, argv: Sequence[str], timeout: float) -> int:
    """Return the exit code; on the limit, and when this process is interrupted, end the program first."""
    overdue = threading.Event()
    ended = threading.Event()
    watchdog = threading.Thread(target=_end_at, args=(command, timeout, ended, overdue), daemon=True)
    watchdog.start()
    try:
        command.wait()
    except sh.SignalException as error:
        if not overdue.is_set():
            return -abs(int(error.exit_code))
    except BaseException:  # Ctrl-C above all: no orphan may go on working on the cluster
        threading.Thread(target=_end, args=(command, ended), daemon=True).start()
        # ChildProcessError: the interrupt came between the program's end and `sh` taking note of it.
        with contextlib.suppress(sh.ErrorReturnCode, ChildProcessError):
            command.wait()
        raise
    finally:
        ended.set()
    if overdue.is_set():
        raise ToolTimeoutError(argv, timeout)
    return int(command.exit_code)


def _end_at(command: sh.RunningCommand, timeout: float, ended: threading.Event, overdue: threading.Event) -> None:
    if not ended.wait(timeout):
        overdue.set()
        _end(command, ended)


def _end(command: sh.RunningCommand, ended: threading.Event) -> None:
    """SIGTERM first: Helm marks its release as failed on it, and leaves it stuck on SIGKILL."""
    with contextlib.suppress(ProcessLookupError):
        command.terminate()
        if not ended.wait(GRACE):
            command.kill()


class _Sink(io.BytesIO):
    """A file for `sh` to write to: keeps everything and hands on whole lines where somebody listens."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        super().__init__()
        self._on_line = on_line
        self.buffering = 1 if on_line else 1 << 16
        self.failure: Exception | None = None

    def write(self, chunk: Buffer, /) -> int:
        if self._on_line is not None and self.failure is None:
            try:
                self._on_line(bytes(chunk).decode(errors="replace").rstrip("\n"))
            except Exception as error:  # noqa: BLE001 - this is a thread of `sh`: raised here, it would end that one only
                self.failure = error
        return super().write(chunk)

    @property
    def text(self) -> str:
        return self.getvalue().decode(errors="replace")
