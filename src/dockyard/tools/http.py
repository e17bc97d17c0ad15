"""Asking a service over HTTP."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass

LIMIT = 5.0
"""Seconds for one answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered.

    Attributes:
        url: What was asked.
        status: The HTTP status, or 0 where there was no answer.
        body: The body, or why there was no answer.
    """

    url: str
    status: int
    body: str

    @property
    def ok(self) -> bool:
        """Whether it was a success."""
        return http.HTTPStatus.OK <= self.status < http.HTTPStatus.BAD_REQUEST


def ask(url: str, *, timeout: float = LIMIT) -> Answer:
    """GET a URL on this machine's network; proxies are for the world outside and are not asked.

    No certificate is verified: a Service of a local cluster has one for another name, or a self-signed one.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _https())
    try:
        with opener.open(url, timeout=timeout) as response:
            return Answer(url, response.status, response.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(url, error.code, error.read().decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        return Answer(url, 0, str(error))


def _https() -> urllib.request.HTTPSHandler:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return urllib.request.HTTPSHandler(context=tls)
