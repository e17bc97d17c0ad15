"""SIGTERM while a program is still starting. Imports nothing that is slow to import."""

import os
import signal


def exit_on_sigterm() -> None:
    """Exit with 0 on SIGTERM.

    The kernel does not deliver a signal to process 1 of a container unless the process has a handler for it, so a
    program must call this before its slow imports. uvicorn installs its own handler when it begins to serve and, once
    it has finished, restores this one and raises the signal again: it also makes the exit code of a graceful stop 0.
    """
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
