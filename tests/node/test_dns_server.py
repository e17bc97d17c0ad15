"""The DNS server on real sockets of this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard_node import dns, probes, resolver, wire
from dockyard_node.directory import ENDPOINTS, SERVICES, Directory
from dockyard_node.resolver import Resolver

LOCAL = ("127.0.0.1", 0)
WEB = "web.default.svc.cluster.local"


@pytest.fixture
def answers(tmp_path: Path) -> Resolver:
    """A resolver with one headless service whose addresses fill more than a datagram."""
    directory = Directory("cluster.local")
    key = {"name": "web", "namespace": "default"}
    directory.replace(SERVICES, [{"metadata": key, "spec": {"clusterIP": "None"}}])
    addresses = [{"ip": f"10.245.0.{number}"} for number in range(1, 41)]
    directory.replace(ENDPOINTS, [{"metadata": key, "subsets": [{"addresses": addresses}]}])
    return Resolver(
        directory=directory,
        hosts=tmp_path / "hosts",
        resolv_conf=tmp_path / "resolv.conf",
        exchange=resolver.exchange,
        look_up=resolver.look_up,
    )


@pytest.fixture
def datagrams(answers: Resolver) -> Iterator[int]:
    """The port of a server for datagrams."""
    with dns.DatagramServer(LOCAL, answers) as server:
        yield from serving(server)


@pytest.fixture
def streams(answers: Resolver) -> Iterator[int]:
    """The port of a server for streams."""
    with dns.StreamServer(LOCAL, answers) as server:
        yield from serving(server)


def serving(server: dns.DatagramServer | dns.StreamServer) -> Iterator[int]:
    """Let a server serve for the time of a test."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    thread.join()


def test_a_datagram_is_answered_with_one(datagrams: int) -> None:
    """Cut to what a datagram holds."""
    answer = resolver.exchange("127.0.0.1", wire.ask(WEB), stream=False, port=datagrams, wait=5)
    assert (wire.code_of(answer), wire.is_truncated(answer)) == (wire.NO_ERROR, True)


def test_a_stream_gets_the_whole_answer(streams: int) -> None:
    """All forty addresses."""
    answer = resolver.exchange("127.0.0.1", wire.ask(WEB), stream=True, port=streams, wait=5)
    assert (wire.is_truncated(answer), answer[7]) == (False, 40)


def test_the_server_outlives_a_question_that_fails(streams: int, capsys: pytest.CaptureFixture[str]) -> None:
    """One line of log, and the next question is answered."""
    with socket.create_connection(("127.0.0.1", streams), timeout=5) as channel:
        channel.sendall(b"\0\5cut")
        channel.shutdown(socket.SHUT_WR)
        assert channel.recv(1) == b""
    answer = resolver.exchange("127.0.0.1", wire.ask(WEB), stream=True, port=streams, wait=5)
    assert wire.code_of(answer) == wire.NO_ERROR
    assert capsys.readouterr().err.count("the stream ended within a message") == 1


def test_the_probe_knows_a_name_from_none(datagrams: int) -> None:
    """The node counts its DNS as ready by a real answer."""
    assert probes.resolves("127.0.0.1", WEB, port=datagrams)
    assert not probes.resolves("127.0.0.1", "none.default.svc.cluster.local", port=datagrams)


def test_the_probe_of_a_server_that_is_not_there_is_false() -> None:
    """No exception: components are probed before they listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(LOCAL)
        port = taken.getsockname()[1]
    assert not probes.resolves("127.0.0.1", WEB, port=port)
