"""The stop that loses no request, in a real process; logs and request ids."""

import asyncio
import json
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
from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.conftest import NOBODY_LISTENS
from todo_backend.serving import REQUEST_ID, JsonFormatter, hung_up_after, middleware, within

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
    connection.putrequest("POST", "/api/ada/tasks")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "13")
    connection.endheaders()
    assert service.get("/health").status == 200  # so the request before it is with the service too

    service.process.send_signal(signal.SIGTERM)
    service.read_log_until("Waiting for connections to close")
    connection.send(b'{"title":"a"}')

    assert connection.getresponse().status == 401  # nobody is signed in
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


def test_sigterm_while_the_program_is_loaded_ends_it_with_0(tmp_path: Path) -> None:
    """Process 1 of a container has no default for it: a stop that comes early must not be lost."""
    (tmp_path / "uvicorn.py").write_text("print('loading', flush=True)\nimport time\ntime.sleep(60)\n")
    with subprocess.Popen(
        [sys.executable, "-m", "todo_backend"],
        env={"PYTHONPATH": os.pathsep.join((str(tmp_path), str(SOURCES)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=5)

    assert (process.returncode, output) == (0, "")


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


async def test_a_connection_is_hung_up_when_its_time_is_over() -> None:
    """Who waits on it sees its end; one that was done with in time is left alone."""
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)  # noqa: FBT003 - socket's own
        with hung_up_after(0.01, here.fileno()):
            pass
        await asyncio.sleep(0.03)
        there.send(b"alive")
        assert await asyncio.get_running_loop().sock_recv(here, 5) == b"alive"
        with hung_up_after(0.01, here.fileno()):
            assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(here, 5), timeout=2) == b""


@pytest.mark.parametrize(
    ("path", "status", "kept"),
    [("/health", 200, False), ("/ready", 200, False), ("/ready", 503, True), ("/api/tasks", 200, True)],
)
async def test_only_successful_probes_are_left_out_of_the_log(
    caplog: pytest.LogCaptureFixture,
    path: str,
    status: int,
    kept: bool,  # noqa: FBT001 - a table's column
) -> None:
    """A failing probe is news, a passing one every five seconds is not."""

    async def answer(_: Request) -> Response:
        return JSONResponse({}, status)

    app = Starlette(routes=[Route(path, answer)], middleware=middleware())
    with caplog.at_level("INFO", "todo_backend.serving"):
        async with AsyncClient(transport=ASGITransport(app), base_url="http://backend") as client:
            await client.get(path)

    assert [record.message for record in caplog.records] == ([f"GET {path} {status}"] if kept else [])


def logged(message: str, *args: object, **more: object) -> dict[str, object]:
    """Return the line of a record, read as JSON."""
    record = logging.LogRecord("todo", logging.WARNING, "", 0, message, args, None)
    vars(record).update(more)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    content: dict[str, object] = json.loads(line)
    return content


def test_a_line_of_log_is_one_json_object() -> None:
    """It has time in UTC, level, logger and message, whatever characters those hold."""
    line = logged('%s said "ä\n{}"', "Ada")

    assert str(line.pop("time")).endswith("+00:00")
    assert line == {"level": "warning", "logger": "todo", "message": 'Ada said "ä\n{}"'}


def test_a_line_of_log_has_the_requests_id_and_facts() -> None:
    """What `extra` adds stands beside the id of the request that is being answered."""
    outer = REQUEST_ID.set("abc")
    line = logged("Called", facts={"tool": "add_task", "ms": 3.5})
    REQUEST_ID.reset(outer)

    assert (line["request_id"], line["tool"], line["ms"]) == ("abc", "add_task", 3.5)


def test_a_traceback_is_one_string() -> None:
    """An exception does not break a line."""
    error = LookupError("gone")
    line = logged("fault", exc_info=(LookupError, error, None))

    assert "LookupError: gone" in str(line["traceback"])
