"""Asking a component whether it does its work. A probe never raises and never takes longer than its limit."""

from __future__ import annotations

import http.client
import socket
import ssl
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

WAIT = 2.0
"""Seconds for one answer over HTTP."""


@dataclass(frozen=True, slots=True)
class Client:
    """Files for a connection that both ends prove themselves on."""

    ca: str
    certificate: str
    key: str


def answers(url: str, client: Client | None = None) -> bool:
    """Tell whether a URL is answered with 200.

    Without a client's files the server's certificate is not checked: some components make themselves one that nobody
    else knows, and they are on the same machine.
    """
    place = urlsplit(url)
    address = (place.hostname or "", place.port)
    try:
        with closing(
            http.client.HTTPSConnection(*address, timeout=WAIT, context=_context(client))
            if place.scheme == "https"
            else http.client.HTTPConnection(*address, timeout=WAIT)
        ) as connection:
            connection.request("GET", place.path)
            return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


def listens(path: str) -> bool:
    """Tell whether something listens on a Unix socket."""
    with closing(socket.socket(socket.AF_UNIX)) as channel:
        try:
            channel.connect(path)
        except OSError:
            return False
        return True


@cache
def _context(client: Client | None) -> ssl.SSLContext:
    if client is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context = ssl.create_default_context(cafile=client.ca)
    context.load_cert_chain(client.certificate, client.key)
    return context
