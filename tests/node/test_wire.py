"""DNS messages on the wire."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard_node import wire

TXT, AAAA = 16, 28
ADDRESSES = tuple(f"10.245.0.{number}" for number in range(1, 101))


def with_options(message: bytes, size: int, *, kind: int = wire.OPT) -> bytes:
    """Return a query with an EDNS record that offers datagrams of a size."""
    return message[:10] + struct.pack(">H", 1) + message[12:] + struct.pack(">BHHIH", 0, kind, size, 0, 0)


def addresses_in(message: bytes, question: bytes) -> list[str]:
    """Return the addresses of a response's answer records."""
    records = message[12 + len(question) :]
    return [".".join(map(str, records[start + 12 : start + 16])) for start in range(0, len(records), 16)]


def test_a_query_is_read_whole() -> None:
    """Identifier, name in lower case, type and the question as it was asked."""
    query = wire.parse(wire.ask("Backend.default.SVC.cluster.local", identifier=0xABCD, kind=AAAA))
    assert (query.identifier, query.name, query.kind) == (0xABCD, "backend.default.svc.cluster.local", AAAA)
    assert query.question.startswith(b"\x07Backend\x07default\x03SVC")


def test_an_answer_repeats_identifier_and_question_and_has_the_addresses() -> None:
    """The asker compares both; the letter case of its question comes back as it was."""
    query = wire.parse(wire.ask("Web.local", identifier=0x1234))
    answer = wire.reply(query, ["10.97.0.1", "10.97.0.2"], ttl=5, limit=512)
    identifier, flags, questions, answers, authorities, additional = struct.unpack_from(">HHHHHH", answer)
    assert (identifier, questions, answers, authorities, additional) == (0x1234, 1, 2, 0, 0)
    assert flags == 0x8580  # a response, authoritative, recursion wanted and there
    assert answer[12 : 12 + len(query.question)] == query.question
    assert answer[12 + len(query.question) :][:12] == bytes.fromhex("c00c 0001 0001 00000005 0004")
    assert addresses_in(answer, query.question) == ["10.97.0.1", "10.97.0.2"]


def test_recursion_is_claimed_as_wanted_only_where_the_asker_wanted_it() -> None:
    """The flag is the asker's and comes back as it was."""
    query = wire.parse(wire.ask("web.local", recursive=False))
    assert wire.reply(query, [], ttl=5, limit=512)[2] & 1 == 0


@pytest.mark.parametrize("kind", [AAAA, TXT])
def test_a_name_without_a_record_of_that_type_answers_with_none(kind: int) -> None:
    """No error: "no such name" for AAAA would make askers give up on A as well."""
    answer = wire.reply(wire.parse(wire.ask("web.local", kind=kind)), ["10.97.0.1"], ttl=5, limit=512)
    assert wire.code_of(answer) == wire.NO_ERROR
    assert struct.unpack_from(">H", answer, 6) == (0,)


def test_what_does_not_fit_a_datagram_is_cut_and_marked() -> None:
    """Whole records only, within the limit, and the flag that makes the asker come again over TCP."""
    query = wire.parse(wire.ask("pods.default.svc.cluster.local"))
    cut = wire.reply(query, ADDRESSES, ttl=5, limit=query.limit)
    assert query.limit == 512
    assert len(cut) <= 512 < len(cut) + 16
    assert wire.is_truncated(cut)
    assert addresses_in(cut, query.question) == list(ADDRESSES[: (512 - 12 - len(query.question)) // 16])


def test_a_stream_takes_all_addresses() -> None:
    """Nothing is cut and nothing is marked."""
    query = wire.parse(wire.ask("pods.default.svc.cluster.local"))
    whole = wire.reply(query, ADDRESSES, ttl=5, limit=wire.STREAM_LIMIT)
    assert not wire.is_truncated(whole)
    assert addresses_in(whole, query.question) == list(ADDRESSES)


@pytest.mark.parametrize(("offered", "used"), [(0, 512), (512, 512), (900, 900), (4096, 1232)])
def test_an_offered_datagram_size_is_used_within_reason(offered: int, used: int) -> None:
    """Never below the classic limit, never above what networks carry in one piece."""
    assert wire.parse(with_options(wire.ask("a.b"), offered)).limit == used


def test_another_additional_record_offers_no_size() -> None:
    """Its class field is not a size."""
    assert wire.parse(with_options(wire.ask("a.b"), 1200, kind=250)).limit == wire.CLASSIC_LIMIT


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"", id="empty"),
        pytest.param(wire.ask("a.b")[:11], id="header cut off"),
        pytest.param(wire.ask("a.b")[:14], id="name cut off"),
        pytest.param(wire.ask("a.b")[:-1], id="type cut off"),
        pytest.param(b"\0\1\x80\0" + wire.ask("a.b")[4:], id="a response"),
        pytest.param(b"\0\1\x28\0" + wire.ask("a.b")[4:], id="an update"),
        pytest.param(wire.ask("a.b")[:4] + b"\0\0" + wire.ask("a.b")[6:], id="no question"),
        pytest.param(wire.ask("a.b")[:4] + b"\0\2" + wire.ask("a.b")[6:], id="two questions"),
        pytest.param(wire.ask("a.b")[:12] + b"\xc0\x0c\0\1\0\1", id="compressed name"),
    ],
)
def test_what_is_not_one_question_is_malformed(message: bytes) -> None:
    """It raises the one error that callers drop messages for."""
    with pytest.raises(wire.MalformedError):
        wire.parse(message)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_query_or_malformed(message: bytes) -> None:
    """Nothing that comes over the network raises anything else."""
    try:
        query = wire.parse(message)
    except wire.MalformedError:
        return
    assert message.startswith(query.question, 12)


def test_a_refusal_has_its_code_and_the_question() -> None:
    """No such name is said with authority, a failure is not."""
    query = wire.parse(wire.ask("a.b"))
    for code, authoritative in ((wire.NO_SUCH_NAME, True), (wire.SERVER_FAILURE, False)):
        answer = wire.refuse(query, code)
        assert wire.code_of(answer) == code
        assert bool(answer[2] & 4) is authoritative
        assert answer.endswith(query.question)


@pytest.mark.parametrize("message", [b"", wire.ask("a.b")])
def test_only_a_response_has_a_code(message: bytes) -> None:
    """A query read as a response is an error, not code 0."""
    with pytest.raises(wire.MalformedError):
        wire.code_of(message)
