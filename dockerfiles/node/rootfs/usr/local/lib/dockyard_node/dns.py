"""The cluster's DNS server: `python3 -m dockyard_node.dns`, with UDP and TCP on one address."""

from __future__ import annotations

import argparse
import socketserver
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard_node import resolver, watch
from dockyard_node.directory import ENDPOINTS, SERVICES, Directory
from dockyard_node.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STREAM_WAIT = 5.0
"""Seconds for which a TCP connection may say nothing."""


class _OneLineErrors(socketserver.BaseServer):
    """A server that goes on whatever one question has led to, and says so in one line."""

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the base's signature
        """Log the error at hand."""
        say(f"a question from {client_address} failed: {sys.exception()!r}")


class DatagramServer(_OneLineErrors, socketserver.ThreadingUDPServer):
    """DNS over UDP."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], answers: Resolver) -> None:
        self.answers = answers
        super().__init__(address, _Datagram)


class StreamServer(_OneLineErrors, socketserver.ThreadingTCPServer):
    """DNS over TCP: for answers that do not fit a datagram."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], answers: Resolver) -> None:
        self.answers = answers
        super().__init__(address, _Stream)


class _Datagram(socketserver.BaseRequestHandler):
    server: DatagramServer

    def handle(self) -> None:
        message, channel = self.request
        if answer := self.server.answers.answer(message):
            channel.sendto(answer, self.client_address)


class _Stream(socketserver.StreamRequestHandler):
    server: StreamServer
    timeout = STREAM_WAIT

    def handle(self) -> None:
        message = resolver.read_framed(self.rfile.read)
        if answer := self.server.answers.answer(message, stream=True):
            self.wfile.write(resolver.framed(answer))


def say(text: str) -> None:
    """Write one line of log."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until the process is ended."""
    options = _options(argv)
    directory = Directory(options.domain)
    api = watch.ApiServer.at(options.server, ca=options.ca, certificate=options.cert, key=options.key)
    for kind in (SERVICES, ENDPOINTS):
        _in_background(watch.follow_always, api, directory, kind, say)
    answers = Resolver(
        directory=directory,
        hosts=options.hosts,
        resolv_conf=options.resolv_conf,
        exchange=resolver.exchange,
        look_up=resolver.look_up,
    )
    address = (options.listen, resolver.PORT)
    _in_background(StreamServer(address, answers).serve_forever)
    say(f"dns on {address[0]} port {address[1]}")
    DatagramServer(address, answers).serve_forever()


def _in_background(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, daemon=True).start()


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dockyard_node.dns", description=__doc__)
    parser.add_argument("--server", required=True, help="URL of the API server")
    for name, text in (("ca", "its CA"), ("cert", "the client's certificate"), ("key", "the certificate's key")):
        parser.add_argument(f"--{name}", required=True, type=Path, help=text)
    parser.add_argument("--listen", required=True, help="address to answer on")
    parser.add_argument("--domain", default="cluster.local", help="the cluster's domain")
    parser.add_argument("--hosts", default=Path("/etc/hosts"), type=Path, help="names of the node itself")
    parser.add_argument("--resolv-conf", default=Path("/etc/resolv.conf"), type=Path, help="whom to ask the rest")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
