"""Do work once for all threads that ask for it at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """Shares work among threads: those that ask for a key that is being worked on wait for that result or error.

    Nothing is remembered: once the work has ended, the next caller starts it again.
    """

    def __init__(self) -> None:
        self._running: dict[str, Future[Result]] = {}
        self._lock = threading.Lock()

    def do(self, key: str, work: Callable[[], Result], *, on_wait: Callable[[], None]) -> Result:
        """Return the result of the work, or raise its error; it is done in the thread that asked first.

        Args:
            key: What is worked on.
            work: The work.
            on_wait: Called before this thread waits for another one.
        """
        with self._lock:
            others = self._running.get(key)
            own: Future[Result] = Future()
            if others is None:
                self._running[key] = own
        if others is not None:
            on_wait()
            return others.result()
        try:
            own.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whatever it is, those that wait must not wait for ever
            own.set_exception(error)
        finally:
            with self._lock:
                del self._running[key]
        return own.result()
