"""Hosts in URLs, and which Service of the cluster a host means.

Source: Kubernetes documentation, "DNS for Services and Pods".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.model.service import CLUSTER_DOMAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

PORTS = {
    "amqp": "5672",
    "amqps": "5671",
    "ftp": "21",
    "grpc": "",
    "http": "80",
    "https": "443",
    "ldap": "389",
    "ldaps": "636",
    "mariadb": "3306",
    "mongodb": "27017",
    "mqtt": "1883",
    "mqtts": "8883",
    "mysql": "3306",
    "nats": "4222",
    "postgres": "5432",
    "postgresql": "5432",
    "redis": "6379",
    "rediss": "6379",
    "smtp": "25",
    "tcp": "",
    "udp": "",
    "ws": "80",
    "wss": "443",
}
"""Schemes that name a host, and the port they mean without one. Other schemes name buckets, files and images."""

URL = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]*)://([^\s/?#\\\"'`<>|;]+)")
HOST = re.compile(r"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\.?", re.IGNORECASE)
PORT = re.compile(r"[0-9]{1,5}")

COMMENT = re.compile(r"(?:^|(?<=\s))(?:#|//).*$|^[^\S\n]*;.*$", re.MULTILINE)
"""Comments of the files that programs are configured with."""

UPSTREAM = re.compile(r"(?<![\w-])upstream\s+([\w.-]+)\s*\{")
"""A group of servers in the configuration of nginx; URLs name it like a host."""

SOCKET = "unix:"
"""What stands for the host where nginx asks a socket: `http://unix:/run/app.sock`."""

LONGEST_URL = 4096
"""Characters; a longer one is no address that somebody configured."""

ENDS = (f".svc.{CLUSTER_DOMAIN}", ".svc")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a URL asks for.

    Attributes:
        scheme: Its scheme, without a driver: `postgresql` of `postgresql+asyncpg`.
        host: Its host.
        port: Its port; empty where it names none.
    """

    scheme: str
    host: str
    port: str


def hosts(text: str) -> Iterator[Asked]:
    """Yield each host that the URLs of a text name; users, passwords, placeholders and comments are left out."""
    for scheme, authority in URL.findall(COMMENT.sub("", text)):
        kind = scheme.lower().partition("+")[0]
        if kind not in PORTS or len(authority) > LONGEST_URL:
            continue
        for address in authority.rpartition("@")[2].split(","):
            host, _, port = address.partition(":")
            if HOST.fullmatch(host) and address.lower() != SOCKET and (not port or PORT.fullmatch(port)):
                yield Asked(kind, host.lower(), port.lstrip("0"))


def upstreams(text: str) -> set[str]:
    """Return the names that a configuration of nginx gives to groups of servers, as URLs have them."""
    return {name.lower() for name in UPSTREAM.findall(text)}


def default_port(scheme: str) -> str:
    """Return the port that a scheme means without one; empty where it means none."""
    return PORTS.get(scheme, "")


def service_of(host: str, namespace: str) -> str:
    """Return the Service that a host means in a namespace; empty for hosts elsewhere.

    Args:
        host: `web`, `web.default`, `web.default.svc` or `web.default.svc.cluster.local`, with or without a last dot.
        namespace: The namespace that the caller is in; Services of another one are elsewhere.
    """
    name = host.rstrip(".")
    end = next((end for end in ENDS if name.endswith(end)), "")
    labels = name.removesuffix(end).split(".")
    if end:
        # A pod of a StatefulSet has its own name before that of its Service.
        return labels[-2] if len(labels) > 1 and labels[-1] == namespace else ""
    if labels[1:] not in ([], [namespace]) or labels[0].isdigit() or labels[0] == "localhost":
        return ""
    return labels[0]
