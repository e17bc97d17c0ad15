"""Follows Services and Endpoints of the API server, so that the directory says what the cluster knows."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dockyard_node.directory import Directory

LIST_WAIT = 10.0
"""Seconds for a list of objects."""

WATCH_TIME = 300
"""Seconds after which the API server ends a watch; the list is then taken anew."""

PAUSE = 1.0
"""Seconds between two tries while the API server does not answer."""


class Api(Protocol):
    """The API server, as far as it is read here."""

    def lines(self, path: str, *, wait: float) -> Iterator[bytes]:
        """Yield the lines of an answer as they come.

        Raises:
            OSError: It does not answer within ``wait`` seconds, or not with 200.
        """


@dataclass(frozen=True, slots=True)
class ApiServer:
    """The API server over HTTPS with a client certificate.

    Attributes:
        url: `https://host:port`.
        context: Its CA and the client's certificate.
    """

    url: str
    context: ssl.SSLContext

    @classmethod
    def at(cls, url: str, *, ca: Path, certificate: Path, key: Path) -> ApiServer:
        """Return the server at a URL."""
        context = ssl.create_default_context(cafile=str(ca))
        context.load_cert_chain(certificate, key)
        return cls(url, context)

    def lines(self, path: str, *, wait: float) -> Iterator[bytes]:
        """Yield the lines of an answer as they come.

        Raises:
            OSError: It does not answer within ``wait`` seconds, or not with 200.
        """
        place = urlsplit(self.url)
        connection = http.client.HTTPSConnection(place.hostname or "", place.port, timeout=wait, context=self.context)
        with closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise OSError(f"{path}: {response.status} {response.read(200)!r}")
            yield from response


def follow(api: Api, directory: Directory, kind: str) -> None:
    """Take the list of one kind, then its changes, until the watch ends.

    Raises:
        OSError: The API server does not answer, or the connection broke.
        http.client.HTTPException: What it answered is not HTTP.
        ValueError: What it answered is not JSON.
    """
    listed = json.loads(b"".join(api.lines(f"/api/v1/{kind}", wait=LIST_WAIT)))
    directory.replace(kind, listed["items"])
    options = {
        "watch": 1,
        "resourceVersion": listed["metadata"]["resourceVersion"],
        "timeoutSeconds": WATCH_TIME,
        "allowWatchBookmarks": "true",
    }
    for line in api.lines(f"/api/v1/{kind}?{urlencode(options)}", wait=WATCH_TIME + 30):
        event = json.loads(line)
        if event["type"] in {"ADDED", "MODIFIED"}:
            directory.put(kind, event["object"])
        elif event["type"] == "DELETED":
            directory.drop(kind, event["object"])
        elif event["type"] == "ERROR":  # the version is too old by now: the list must be taken anew
            return


def follow_always(
    api: Api,
    directory: Directory,
    kind: str,
    say: Callable[[str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Follow one kind for ever, whatever happens to the API server. Meant for a thread of its own."""
    while True:
        try:
            follow(api, directory, kind)
        except Exception as error:  # noqa: BLE001 - a thread that ends would leave the names as they were, for ever
            say(f"watch of {kind} ended: {error!r}")
            sleep(PAUSE)
