"""The programs as real processes: graceful shutdown, early SIGTERM and invalid settings."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from tests.conftest import UNREACHABLE_DATABASE

SOURCES = Path(__file__).parents[2] / "src"

PROGRAMS = ("todo_backend", "todo_mcp")


class Service:
    """`python -m PROGRAM` on a free port."""

    def __init__(self, program: str, drain_seconds: float) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(  # noqa: S603 - a constant program
            [sys.executable, "-m", program],
            env={
                "DATABASE_URL": UNREACHABLE_DATABASE,
                "PORT": str(self.port),
                "DRAIN_SECONDS": str(drain_seconds),
                "PYTHONPATH": str(SOURCES),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.read_log_until("Uvicorn running")

    def read_log_until(self, text: str) -> None:
        """Wait for a line of the log."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return
        pytest.fail(f"the service ended before it logged {text!r}")

    def get(self, path: str) -> HTTPResponse:
        """Send a request on a new connection."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response


@pytest.fixture(params=PROGRAMS)
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    """Start each service with a drain that is long enough for a few requests, and kill it afterwards."""
    service = Service(request.param, drain_seconds=0.5)
    yield service
    service.process.kill()
    service.process.communicate()


def test_sigterm_drains_then_exits_0(service: Service) -> None:
    """During the drain the service is not ready, and serves with `Connection: close`; then it exits with 0."""
    assert service.get("/health").getheader("connection") is None

    service.process.send_signal(signal.SIGTERM)
    service.read_log_until("Stopping")

    assert (service.get("/ready").status, service.get("/health").status) == (503, 200)
    assert service.get("/health").getheader("connection") == "close"
    assert service.process.wait(timeout=5) == 0
    with pytest.raises(ConnectionRefusedError):
        service.get("/health")


@pytest.mark.parametrize("service", ["todo_backend"], indirect=True)
def test_a_request_in_flight_is_finished(service: Service) -> None:
    """A request whose body arrives after the drain still gets its response."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=5)
    connection.putrequest("POST", "/api/ada/tasks")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "13")
    connection.endheaders()
    assert service.get("/health").status == 200  # by now the service has the request before it too

    service.process.send_signal(signal.SIGTERM)
    service.read_log_until("Waiting for connections to close")
    connection.send(b'{"title":"a"}')

    assert connection.getresponse().status == 401  # nobody is signed in
    connection.close()
    assert service.process.wait(timeout=5) == 0


def test_ctrl_c_after_sigterm_ends_the_drain() -> None:
    """The service stops at once and without a traceback."""
    slow = Service("todo_backend", drain_seconds=60)

    for number in (signal.SIGTERM, signal.SIGINT):
        slow.process.send_signal(number)
        slow.read_log_until("Stopping" if number is signal.SIGTERM else "Shutting down")

    output, _ = slow.process.communicate(timeout=5)
    assert slow.process.returncode == 0
    assert "Traceback" not in output


def test_ctrl_c_stops_like_sigterm(service: Service) -> None:
    """A developer who stops the program in a terminal sees no traceback either."""
    service.process.send_signal(signal.SIGINT)
    service.read_log_until("Stopping")

    output, _ = service.process.communicate(timeout=5)
    assert service.process.returncode == 0
    assert "Traceback" not in output


@pytest.mark.parametrize("program", PROGRAMS)
def test_sigterm_during_the_imports_exits_with_0(tmp_path: Path, program: str) -> None:
    """Process 1 of a container ignores SIGTERM without a handler, so there must be one before the slow imports."""
    (tmp_path / "uvicorn.py").write_text("print('loading', flush=True)\nimport time\ntime.sleep(60)\n")
    with subprocess.Popen(  # noqa: S603 - a constant program
        [sys.executable, "-m", program],
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


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({}, "DATABASE_URL is not set\n"),
        ({"DATABASE_URL": "todo:s3cret"}, "DATABASE_URL is not of the form postgresql://user:password@host/name\n"),
    ],
)
@pytest.mark.parametrize("program", PROGRAMS)
def test_invalid_settings_are_one_line_and_exit_code_2(program: str, env: dict[str, str], message: str) -> None:
    """The variable is named, without a traceback and without its value."""
    done = subprocess.run(  # noqa: S603 - a constant program
        [sys.executable, "-m", program],
        env={"PYTHONPATH": str(SOURCES), "PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
