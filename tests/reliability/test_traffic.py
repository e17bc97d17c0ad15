"""No request is lost while a release is upgraded and rolled back."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import pytest

from scripts.trial import Seen, Trial

pytestmark = pytest.mark.cluster

LEAST = 5_000
"""Requests in each direction."""

CLIENTS = 4
LONGEST = 180.0
"""Seconds after which the clients stop whatever happens."""


@dataclass
class Traffic:
    """Clients that ask one service again and again, each request on a connection of its own.

    Attributes:
        host: `address:port`.
        answered: Requests that were answered with 200.
        lost: What became of the others.
    """

    host: str
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin to ask."""
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Ask until there were enough requests, then stop."""
        end = time.monotonic() + LONGEST
        while self.answered + len(self.lost) < LEAST and time.monotonic() < end:
            time.sleep(0.1)
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._stop.is_set():
            said = self._once()
            with self._lock:
                if said:
                    self.lost.append(said)
                else:
                    self.answered += 1

    def _once(self) -> str:
        connection = HTTPConnection(self.host, timeout=10)
        try:
            connection.request("GET", "/health", headers={"Connection": "close"})
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        return "" if status == 200 else f"status {status}"


@pytest.mark.parametrize("service", ["backend", "frontend"])
def test_no_request_is_lost(trial: Trial, seen: Seen, service: str) -> None:
    """At least 5,000 requests through the NodePort in each direction, from before the change until after it."""
    host = urlsplit(trial.url(f"ai-todo-{service}-service")).netloc
    commands = {
        "upgrade": ("deploy", "--release", service),
        "rollback": ("rollback", "--release", service),
    }
    counts = {}
    for direction, command in commands.items():
        if direction == "upgrade":
            trial.edit(
                "dockyard.yaml",
                rf"(  {service}:\n    chart: helm/{service}\n)",
                r"\1    config: { LOG_LEVEL: debug }\n",
            )
        traffic = Traffic(host)
        traffic.start()
        done = trial.inv(*command)
        traffic.finish()
        assert done.code == 0, done.err
        assert traffic.lost == [], f"{direction}: {len(traffic.lost)} of {traffic.answered}, first {traffic.lost[:3]}"
        assert traffic.answered >= LEAST
        counts[direction] = traffic.answered
    told = ", ".join(f"{count:,} in the {direction}" for direction, count in counts.items())
    seen.note(
        f"rolling update of the {service} under constant load through its NodePort",
        f"not one request lost: {told}",
        runs=sum(counts.values()),
        held=sum(counts.values()),
    )
