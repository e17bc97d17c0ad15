"""Answering one DNS message."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from dockyard_node import resolver, wire
from dockyard_node.directory import ENDPOINTS, SERVICES, Directory
from dockyard_node.resolver import Resolver, addresses_in_hosts, nameservers_in

HEADLESS = [f"10.245.0.{number}" for number in range(1, 61)]

Asked = list[tuple[str, bytes, bool]]


class Upstreams:
    """The name servers of the node.

    Attributes:
        answers: What each server answers; one that is not there does not.
        asked: Server, message and whether it went over TCP, in order.
    """

    def __init__(self, answers: dict[str, bytes]) -> None:
        self.answers = answers
        self.asked: Asked = []

    def __call__(self, server: str, message: bytes, *, stream: bool) -> bytes:
        """Answer, or raise as a server does that is not there."""
        self.asked.append((server, message, stream))
        if server not in self.answers:
            raise TimeoutError
        return self.answers[server]


def cluster() -> Directory:
    """Return a cluster with a service, a headless one and aliases."""
    known = Directory("cluster.local")
    specs: dict[str, dict[str, str]] = {
        "web": {"clusterIP": "10.97.0.7"},
        "pods": {"clusterIP": "None"},
        "database": {"externalName": "dockyard-postgres"},
        "inner": {"externalName": "web.default.svc.cluster.local"},
        "broken": {"externalName": "nowhere"},
    }
    known.replace(
        SERVICES, [{"metadata": {"name": name, "namespace": "default"}, "spec": spec} for name, spec in specs.items()]
    )
    subsets = [{"addresses": [{"ip": address} for address in HEADLESS]}]
    known.replace(ENDPOINTS, [{"metadata": {"name": "pods", "namespace": "default"}, "subsets": subsets}])
    return known


def look_up(name: str) -> tuple[str, ...]:
    """Know the one container beside the node."""
    return {"dockyard-postgres": ("172.18.0.3",)}.get(name, ())


@pytest.fixture
def upstreams() -> Upstreams:
    """One server that answers and is named second."""
    return Upstreams({"192.0.2.2": b"what the upstream said"})


@pytest.fixture
def make(tmp_path: Path, upstreams: Upstreams) -> Callable[[Directory], Resolver]:
    """Make a resolver for a directory."""
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n172.17.0.1 host.docker.internal # the host\n")
    (tmp_path / "resolv.conf").write_text("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n")
    return lambda directory: Resolver(
        directory=directory,
        hosts=tmp_path / "hosts",
        resolv_conf=tmp_path / "resolv.conf",
        exchange=upstreams,
        look_up=look_up,
    )


@pytest.fixture
def answers(make: Callable[[Directory], Resolver]) -> Resolver:
    """A resolver that knows the whole cluster."""
    return make(cluster())


def ask(answers: Resolver, name: str) -> bytes:
    """Return the answer to a question for an address."""
    answer = answers.answer(wire.ask(name))
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("name", "address"),
    [
        pytest.param("web.default.svc.cluster.local", (10, 97, 0, 7), id="service"),
        pytest.param("WEB.Default.svc.cluster.local", (10, 97, 0, 7), id="letter case"),
        pytest.param("database.default.svc.cluster.local", (172, 18, 0, 3), id="alias outside of the cluster"),
        pytest.param("inner.default.svc.cluster.local", (10, 97, 0, 7), id="alias within the cluster"),
        pytest.param("host.docker.internal", (172, 17, 0, 1), id="the node's hosts file"),
    ],
)
def test_a_name_that_the_node_knows_is_answered_without_asking(
    answers: Resolver, upstreams: Upstreams, name: str, address: tuple[int, ...]
) -> None:
    """One address, no error, and no upstream server hears of it."""
    answer = ask(answers, name)
    assert wire.code_of(answer) == wire.NO_ERROR
    assert tuple(answer[-4:]) == address
    assert upstreams.asked == []


@pytest.mark.parametrize("name", ["nothing.default.svc.cluster.local", "cluster.local", "x.cluster.local"])
def test_a_name_of_the_cluster_that_is_not_there_does_not_exist(
    answers: Resolver, upstreams: Upstreams, name: str
) -> None:
    """The cluster's domain is nobody else's: nobody else is asked."""
    assert wire.code_of(ask(answers, name)) == wire.NO_SUCH_NAME
    assert upstreams.asked == []


def test_before_everything_is_known_no_name_is_denied(make: Callable[[Directory], Resolver]) -> None:
    """The asker tries again after a failure; "no such name" it would keep."""
    assert wire.code_of(ask(make(Directory("cluster.local")), "web.default.svc.cluster.local")) == wire.SERVER_FAILURE


def test_an_alias_to_nothing_is_a_failure(answers: Resolver) -> None:
    """An empty answer would read as "there is no such record", for good."""
    assert wire.code_of(ask(answers, "broken.default.svc.cluster.local")) == wire.SERVER_FAILURE


def test_a_long_answer_is_cut_for_a_datagram_and_whole_for_a_stream(answers: Resolver) -> None:
    """The asker of a cut answer comes again over TCP."""
    message = wire.ask("pods.default.svc.cluster.local")
    cut, whole = answers.answer(message), answers.answer(message, stream=True)
    assert cut is not None
    assert whole is not None
    assert (wire.is_truncated(cut), len(cut) <= wire.CLASSIC_LIMIT) == (True, True)
    assert (wire.is_truncated(whole), whole[7]) == (False, len(HEADLESS))


@pytest.mark.parametrize("stream", [False, True])
def test_another_name_is_asked_of_the_next_server_that_answers(
    answers: Resolver, upstreams: Upstreams, *, stream: bool
) -> None:
    """The message goes on as it came, the same way, and so does the answer."""
    message = wire.ask("dockyard-postgres", identifier=77)
    assert answers.answer(message, stream=stream) == b"what the upstream said"
    assert upstreams.asked == [("192.0.2.1", message, stream), ("192.0.2.2", message, stream)]


def test_when_no_server_answers_the_asker_is_told_at_once(answers: Resolver, upstreams: Upstreams) -> None:
    """A failure, after two servers: a third would outlast the asker's patience."""
    upstreams.answers.clear()
    assert wire.code_of(ask(answers, "example.org")) == wire.SERVER_FAILURE
    assert [server for server, *_ in upstreams.asked] == ["192.0.2.1", "192.0.2.2"]


def test_files_that_are_not_there_are_empty(answers: Resolver, tmp_path: Path) -> None:
    """Docker writes both anew when the node joins a network."""
    (tmp_path / "hosts").unlink()
    (tmp_path / "resolv.conf").unlink()
    assert wire.code_of(ask(answers, "host.docker.internal")) == wire.SERVER_FAILURE


def test_what_is_no_question_gets_no_answer(answers: Resolver) -> None:
    """An answer to a response could go in a circle."""
    assert answers.answer(b"\0\1\x80\0" + wire.ask("a.b")[4:]) is None


def test_a_hosts_file_gives_ipv4_addresses_of_whole_names() -> None:
    """Comments, IPv6, several names in a line, several lines of a name."""
    lines = ["# 10.0.0.1 a", "", "10.0.0.2 a b # c", "::1 a", "10.0.0.3 ab", "10.0.0.4\ta", "fe80::1.2.3.4 a"]
    assert addresses_in_hosts(lines, "a") == ("10.0.0.2", "10.0.0.4")
    assert addresses_in_hosts(lines, "c") == ()
    assert addresses_in_hosts(lines, "10.0.0.2") == ()


def test_a_resolv_conf_gives_its_name_servers_in_order() -> None:
    """Nothing else of it."""
    lines = ["# nameserver 192.0.2.9", "search lan", "nameserver 127.0.0.11", "nameserver", "nameserver ::1", ""]
    assert nameservers_in(lines) == ("127.0.0.11", "::1")


def test_a_framed_message_is_read_as_it_was_sent() -> None:
    """What stands behind it is the next one's."""
    stream = io.BytesIO(resolver.framed(b"first") + resolver.framed(b"second"))
    assert [resolver.read_framed(stream.read) for _ in range(2)] == [b"first", b"second"]


@pytest.mark.parametrize("stream", [b"", b"\0", b"\0\0", b"\0\5four"])
def test_a_stream_that_ends_early_is_an_error(stream: bytes) -> None:
    """Half a message must not be answered or handed on."""
    with pytest.raises(ConnectionError):
        resolver.read_framed(io.BytesIO(stream).read)
