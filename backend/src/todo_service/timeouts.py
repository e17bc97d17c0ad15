"""Time limits for work on connections whose other end may be silent."""

import asyncio
import os
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`.

    Unlike asyncio.timeout() this does not wait for cancelled work to clean up: psycopg asks the database server to
    cancel the query first, which takes seconds if the server does not respond.

    Raises:
        TimeoutError: It took longer than `seconds`.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if done:
        return task.result()
    task.add_done_callback(_retrieve_exception)
    task.cancel()
    raise TimeoutError(f"no answer within {seconds:g} s")


def _retrieve_exception(task: asyncio.Future[Any]) -> None:
    """Mark the exception of an abandoned task as retrieved, so that asyncio does not log it."""
    if not task.cancelled():
        task.exception()


@contextmanager
def shut_down_after(seconds: float, descriptor: int) -> Iterator[None]:
    """Shut down a socket if the block takes longer than `seconds`.

    The block then sees the connection end at once. If it were cancelled instead, psycopg would try to cancel its query
    on the silent connection, which takes seconds.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _shut_down, descriptor)
    try:
        yield
    finally:
        timer.cancel()


def _shut_down(descriptor: int) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as connection, suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
