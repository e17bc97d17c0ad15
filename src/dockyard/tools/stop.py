"""Stopping on request: Ctrl-C and SIGTERM, for every thread of this process and the programs that work for it.

A signal is the process's, so this is the one place with state of its own. The first asks: programs get SIGTERM, on
which Helm marks its release as failed instead of leaving it stuck, waits end, and nothing new is started. The second
one kills.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.model.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SHOW_CURSOR = b"\x1b[?25h"
"""ECMA-48 private mode 25, as terminals have it."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_asked = threading.Event()


def is_asked() -> bool:
    """Tell whether somebody asked to stop."""
    return _asked.is_set()


def check() -> None:
    """Go on, unless somebody asked to stop.

    Raises:
        StoppedError: Somebody did.
    """
    if _asked.is_set():
        raise StoppedError("Stopped")


def pause(seconds: float) -> None:
    """Let that many seconds pass.

    Raises:
        StoppedError: Somebody asked to stop meanwhile.
    """
    if _asked.wait(seconds):
        raise StoppedError("Stopped")


@contextmanager
def on_signals() -> Iterator[None]:
    """Take SIGINT and SIGTERM for a block: the first stops the work in order, and raises KeyboardInterrupt here."""
    before = {number: signal.signal(number, _ask) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.clear()


def _ask(_number: int, _frame: FrameType | None) -> None:
    if _asked.is_set():
        end_children(signal.SIGKILL)
        if sys.stderr.isatty():
            os.write(sys.stderr.fileno(), SHOW_CURSOR)  # whoever hid it gets no chance to
        os._exit(StoppedError.exit_code)
    _asked.set()
    end_children(signal.SIGTERM)
    raise KeyboardInterrupt


def end_children(number: signal.Signals) -> None:
    """Send a signal to every program that works for this process; daemons have a session of their own and go on."""
    for pid in children(os.getpid()):
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == os.getsid(0):
                os.kill(pid, number)


def children(pid: int) -> list[int]:
    """Return the processes that descend from one, the deepest last."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):  # it ended meanwhile
            parent = int((folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(folder.name))
    found = list(parents.get(pid, ()))
    for one in found:
        found.extend(parents.get(one, ()))
    return found
