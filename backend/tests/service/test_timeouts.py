"""Time limits."""

import asyncio
import socket

import pytest

from todo_service.timeouts import shut_down_after, within


async def test_work_within_its_limit_returns_its_result() -> None:
    """Results and exceptions of work that is done in time are passed on."""

    async def fail() -> None:
        raise LookupError("raised by the work")

    assert await within(5, asyncio.sleep(0, "done")) == "done"
    with pytest.raises(LookupError, match="raised by the work"):
        await within(5, fail())


async def test_work_over_its_limit_is_cancelled_without_waiting() -> None:
    """It is not waited for even if it cleans up for a while."""
    cleaning = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await asyncio.sleep(0)
            raise LookupError("nobody waits for this")

    with pytest.raises(TimeoutError, match=r"no answer within 0\.01 s"):
        await within(0.01, stubborn())
    await asyncio.wait_for(cleaning.wait(), timeout=1)


async def test_a_connection_is_shut_down_when_its_time_is_over() -> None:
    """A reader sees the end of the connection; a block that ends in time leaves the connection open."""
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)  # noqa: FBT003 - the signature of socket
        with shut_down_after(0.01, here.fileno()):
            pass
        await asyncio.sleep(0.03)
        there.send(b"alive")
        assert await asyncio.get_running_loop().sock_recv(here, 5) == b"alive"
        with shut_down_after(0.01, here.fileno()):
            assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(here, 5), timeout=2) == b""
