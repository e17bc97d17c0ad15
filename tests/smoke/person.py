"""Someone who uses the app from outside the cluster, as a browser would: signs up, gets a token, calls the API."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookiejar import CookieJar
from typing import Any

from dockyard.clusters.protocol import ExposedPort
from dockyard.tools.clock import SystemClock, ticks
from dockyard.workspace import Workspace

BACKEND, FRONTEND = 30081, 30080

LIMIT = 10.0
"""Seconds for one answer."""

BRIEF = 3.0
"""The same where a pod was just killed: until the node has the new endpoint, a request may go to a pod that is gone and
that nobody answers for; people reload the page then."""

PATIENCE = 90.0
"""Seconds after which the frontend takes sign-ups again from one that sent too many."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered.

    Attributes:
        status: The HTTP status, or 0 where there was no answer.
        body: The body, read as JSON; None where there is none or it is something else.
        headers: The headers, by their names in lower case.
    """

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass(slots=True)
class Person:
    """A user with an account of their own.

    Attributes:
        frontend: Where the page is.
        backend: Where the API is.
        id: The user's id.
        token: What the API is asked with.
        cookies: The session with the frontend.
        patience: Seconds that an answer is waited for.
    """

    frontend: str
    backend: str
    id: str = ""
    token: str = field(default="", repr=False)
    cookies: CookieJar = field(default_factory=CookieJar, repr=False)
    patience: float = LIMIT

    def sign_up(self) -> None:
        """Make an account, which signs in, and get a token."""
        account = {"name": "Ada", "email": f"{uuid.uuid4().hex}@example.org", "password": uuid.uuid4().hex}
        for _ in ticks(SystemClock(), limit=PATIENCE, pause=5):
            answer = self._ask("POST", f"{self.frontend}/api/auth/sign-up/email", json.dumps(account).encode())
            if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                break
        assert answer.status == HTTPStatus.OK, answer
        self.id = answer.body["user"]["id"]
        assert self.renew()

    def renew(self) -> bool:
        """Get a new token for the session; tell whether there was one."""
        answer = self._ask("GET", f"{self.frontend}/api/auth/token")
        if answer.status != HTTPStatus.OK:
            return False
        self.token = answer.body["token"]
        return True

    def api(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        """Ask the API for something below the user's own address; bytes are sent as they are."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.token}", **headers}
        return self._ask(method, f"{self.backend}/api/{self.id}{path}", content, given)

    def say(self, message: str) -> Reply:
        """Say something to the assistant."""
        return self.api("POST", "/chat", {"message": message})

    def titles(self) -> list[str]:
        """Return the titles of the user's tasks."""
        return [task["title"] for task in self.api("GET", "/tasks").body]

    def _ask(
        self, method: str, url: str, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        request = urllib.request.Request(url, data=content, method=method)  # noqa: S310 - an address of this machine
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            request.add_header(name, value)
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies))
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=self.patience) as response:
                return _reply(response.status, response.read(), dict(response.headers))
        except urllib.error.HTTPError as error:
            with error:
                return _reply(error.code, error.read(), dict(error.headers))
        except OSError as error:
            return Reply(0, str(error), {})


def _reply(status: int, content: bytes, headers: dict[str, str]) -> Reply:
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = None
    return Reply(status, body, {name.lower(): value for name, value in headers.items()})


def stranger(workspace: Workspace) -> Person:
    """Return someone who has no account yet."""
    ports = (ExposedPort(port=port, node_port=port) for port in (FRONTEND, BACKEND))
    front, back = (f"http://{workspace.cluster.address(port)}" for port in ports)
    return Person(front, back)
