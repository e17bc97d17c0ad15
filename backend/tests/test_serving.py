"""The stop that loses no request, in a real process."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from tests.conftest import NOBODY_LISTENS
from todo_backend.serving import QuietProbes, within

SOURCES = Path(__file__).parents[1] / "src"


class Service:
    """`python -m todo_backend` on a free port."""

    def __init__(self, drain_seconds: float) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "todo_backend"],
            env={
                "DATABASE_URL": NOBODY_LISTENS,
                "PORT": str(self.port),
                "DRAIN_SECONDS": str(drain_seconds),
                "PYTHONPATH": str(SOURCES),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.read_log_until("Uvicorn running")

    def read_log_until(self, words: str) -> None:
        """Wait for a line of the log."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if words in line:
                return
        pytest.fail(f"the service ended before its log said {words!r}")

    def get(self, path: str) -> HTTPResponse:
        """Ask on a new connection."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response


@pytest.fixture
def service() -> Iterator[Service]:
    """Start a service with a drain that outlasts a few requests; end it whatever happened."""
    service = Service(drain_seconds=0.5)
    yield service
    service.process.kill()
    service.process.communicate()


def test_sigterm_drains_then_exits_0(service: Service) -> None:
    """Not ready at once, served meanwhile with `Connection: close`, exit 0."""
    assert service.get("/health").getheader("connection") is None

    service.process.send_signal(signal.SIGTERM)
    service.read_log_until("Stopping")

    assert (service.get("/ready").status, service.get("/health").status) == (503, 200)
    assert service.get("/health").getheader("connection") == "close"
    assert service.process.wait(timeout=5) == 0
    with pytest.raises(ConnectionRefusedError):
        service.get("/health")


def test_a_request_in_flight_is_finished(service: Service) -> None:
    """A request whose body arrives after the end of the drain is answered all the same."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=5)
    connection.putrequest("POST", "/api/tasks")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "13")
    connection.endheaders()
    assert service.get("/health").status == 200  # so the request before it is with the service too

    service.process.send_signal(signal.SIGTERM)
    service.read_log_until("Waiting for connections to close")
    connection.send(b'{"title":"a"}')

    assert connection.getresponse().status == 503  # the cause is the database that is not there
    connection.close()
    assert service.process.wait(timeout=5) == 0


def test_a_second_signal_ends_the_drain() -> None:
    """Whoever asks twice does not want to wait."""
    slow = Service(drain_seconds=60)

    for number in (signal.SIGTERM, signal.SIGINT):
        slow.process.send_signal(number)
        slow.read_log_until("Stopping" if number is signal.SIGTERM else "Shutting down")

    output, _ = slow.process.communicate(timeout=5)
    assert slow.process.returncode == 0
    assert "Traceback" not in output


def test_wrong_settings_are_one_line_and_exit_2() -> None:
    """A missing variable is named, without a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "todo_backend"],
        env={"PYTHONPATH": str(SOURCES), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (2, "", "DATABASE_URL is not set\n")


async def test_work_within_its_limit_gives_its_result() -> None:
    """What is done in time comes back, and its errors too."""

    async def fail() -> None:
        raise LookupError("work's own")

    assert await within(5, asyncio.sleep(0, "done")) == "done"
    with pytest.raises(LookupError, match="work's own"):
        await within(5, fail())


async def test_work_over_its_limit_is_cancelled_and_not_waited_for() -> None:
    """Even where cancelled work takes its time to clean up."""
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


@pytest.mark.parametrize(
    ("path", "status", "kept"),
    [("/health", 200, False), ("/ready", 200, False), ("/ready", 503, True), ("/api/tasks", 200, True)],
)
def test_only_successful_probes_are_left_out_of_the_log(path: str, status: int, kept: bool) -> None:  # noqa: FBT001 - a table's column
    """A failing probe is news, a passing one every five seconds is not."""
    record = logging.LogRecord(
        "uvicorn.access", logging.INFO, "", 0, "%s", ("10.0.0.1:1", "GET", path, "1.1", status), None
    )

    assert QuietProbes().filter(record) is kept
