"""DNS messages on the wire (RFC 1035, and the size of RFC 6891), as far as a cluster's stub resolver needs them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

A, OPT, ANY = 1, 41, 255
"""Record types: an IPv4 address, the pseudo-record of EDNS, any."""

NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3
"""Response codes."""

CLASSIC_LIMIT = 512
"""Bytes that every asker takes in one datagram (RFC 1035, 4.2.1)."""

DATAGRAM_LIMIT = 1232
"""Bytes of a datagram that no usual network cuts in two: what an asker offers beyond is not used."""

STREAM_LIMIT = 65535
"""Bytes of a message over TCP."""

_HEADER = struct.Struct(">HHHHHH")
_QUESTION = struct.Struct(">HH")
_OPT = struct.Struct(">BHH")
_ADDRESS = struct.Struct(">HHHIH4s")
_RESPONSE, _AUTHORITATIVE, _TRUNCATED, _RECURSION_WANTED, _RECURSION_THERE = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
_OPERATION = 0x7800
_NAME_OF_THE_QUESTION = 0xC000 | _HEADER.size
_LONGEST_LABEL = 63
_INTERNET = 1


class MalformedError(ValueError):
    """The bytes are not one question."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question.

    Attributes:
        identifier: What the answer must repeat.
        flags: The header's flags.
        question: The question section as it came; answers repeat it, letter case and all.
        name: The name asked for, in lower case, without a final dot.
        kind: The record type asked for.
        limit: Bytes that the asker takes in one datagram.
    """

    identifier: int
    flags: int
    question: bytes
    name: str
    kind: int
    limit: int = CLASSIC_LIMIT


def parse(message: bytes) -> Query:
    """Read a query.

    Raises:
        MalformedError: It is cut off, is a response, asks no or several questions, or is no standard query.
    """
    try:
        identifier, flags, questions, answers, authorities, additional = _HEADER.unpack_from(message)
        if flags & (_RESPONSE | _OPERATION) or questions != 1:
            raise MalformedError("not a standard query with one question")
        name, end = _name(message, _HEADER.size)
        kind, _ = _QUESTION.unpack_from(message, end)
    except (struct.error, IndexError) as error:
        raise MalformedError("cut off") from error
    end += _QUESTION.size
    has_options = additional and not answers and not authorities
    limit = _datagram_limit(message[end:]) if has_options else CLASSIC_LIMIT
    return Query(identifier, flags, message[_HEADER.size : end], name, kind, limit)


def ask(name: str, *, identifier: int = 1, kind: int = A, recursive: bool = True) -> bytes:
    """Return a query for a name."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    header = _HEADER.pack(identifier, _RECURSION_WANTED if recursive else 0, 1, 0, 0, 0)
    return header + labels + b"\0" + _QUESTION.pack(kind, _INTERNET)


def reply(query: Query, addresses: Sequence[str], *, ttl: int, limit: int) -> bytes:
    """Return an authoritative answer.

    Args:
        query: What was asked.
        addresses: IPv4 addresses; none means that the name is there and has no record of that type.
        ttl: Seconds for which the answer may be kept.
        limit: Bytes the answer may have. What does not fit is left out and the truncation flag is set: the asker
            comes again over TCP.
    """
    wanted = addresses if query.kind in (A, ANY) else ()
    room = (limit - _HEADER.size - len(query.question)) // _ADDRESS.size
    records = [
        _ADDRESS.pack(_NAME_OF_THE_QUESTION, A, _INTERNET, ttl, 4, IPv4Address(address).packed)
        for address in wanted[:room]
    ]
    flags = _AUTHORITATIVE | (_TRUNCATED if len(records) < len(wanted) else 0)
    return _header(query, flags, len(records)) + query.question + b"".join(records)


def refuse(query: Query, code: int) -> bytes:
    """Return an answer that is only a response code."""
    flags = _AUTHORITATIVE if code == NO_SUCH_NAME else 0
    return _header(query, flags | code, 0) + query.question


def code_of(message: bytes) -> int:
    """Return a response's code.

    Raises:
        MalformedError: It is shorter than a header, or no response.
    """
    if len(message) < _HEADER.size or not (flags := _HEADER.unpack_from(message)[1]) & _RESPONSE:
        raise MalformedError("not a response")
    return int(flags & 0xF)


def is_truncated(message: bytes) -> bool:
    """Tell whether a response says that it is not whole."""
    return len(message) >= _HEADER.size and bool(_HEADER.unpack_from(message)[1] & _TRUNCATED)


def _header(query: Query, flags: int, answers: int) -> bytes:
    kept = query.flags & _RECURSION_WANTED
    return _HEADER.pack(query.identifier, _RESPONSE | _RECURSION_THERE | kept | flags, 1, answers, 0, 0)


def _name(message: bytes, offset: int) -> tuple[str, int]:
    """Read a name that is not compressed; return it and the offset behind it."""
    labels = []
    while size := message[offset]:
        if size > _LONGEST_LABEL:
            raise MalformedError("a compressed name in a question")
        label = message[offset + 1 : offset + 1 + size]
        labels.append(label.decode("ascii", "replace").lower())
        offset += 1 + size
    return ".".join(labels), offset + 1


def _datagram_limit(additional: bytes) -> int:
    """Return what the EDNS record offers, where the additional section begins with one."""
    if len(additional) < _OPT.size:
        return CLASSIC_LIMIT
    name, kind, size = _OPT.unpack_from(additional)
    if name or kind != OPT:
        return CLASSIC_LIMIT
    return int(min(max(size, CLASSIC_LIMIT), DATAGRAM_LIMIT))
