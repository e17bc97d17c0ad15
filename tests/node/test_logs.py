"""The components' logs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard_node import logs


@pytest.fixture
def log(tmp_path: Path) -> Iterator[int]:
    """The descriptor that a component has of its log."""
    descriptor = logs.open_log("etcd", tmp_path)
    yield descriptor
    os.close(descriptor)


def test_a_log_that_is_opened_again_goes_on(log: int, tmp_path: Path) -> None:
    """The lines of the run before say why it ended."""
    os.write(log, b"first\n")
    again = logs.open_log("etcd", tmp_path)
    os.write(again, b"second\n")
    os.close(again)
    assert logs.path_of("etcd", tmp_path).read_text() == "first\nsecond\n"


def test_a_log_is_not_inherited_by_accident(log: int) -> None:
    """Only the child that it is handed to has it."""
    assert not os.get_inheritable(log)


def test_the_tail_is_the_last_lines(log: int, tmp_path: Path) -> None:
    """Bytes that are no text do no harm."""
    os.write(log, b"".join(b"line %d\n" % number for number in range(100)) + b"\xff the end")
    assert logs.tail("etcd", tmp_path, lines=3) == ["line 98", "line 99", "\N{REPLACEMENT CHARACTER} the end"]


def test_no_log_has_no_tail(tmp_path: Path) -> None:
    """A program that could not be started has written nothing."""
    assert logs.tail("none", tmp_path) == []


def test_a_log_at_its_limit_is_moved_aside_and_goes_on_empty(log: int, tmp_path: Path) -> None:
    """The component still has it open, and what it writes next stands at the beginning."""
    os.write(log, b"0123456789")
    logs.rotate(tmp_path, limit=10)
    os.write(log, b"next")
    assert (tmp_path / "etcd.log").read_bytes() == b"next"
    assert (tmp_path / "etcd.log.1").read_bytes() == b"0123456789"


def test_only_one_old_log_is_kept(log: int, tmp_path: Path) -> None:
    """So the room that logs take has a bound."""
    for content in (b"first.....", b"second...."):
        os.write(log, content)
        logs.rotate(tmp_path, limit=10)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "etcd.log": b"",
        "etcd.log.1": b"second....",
    }


def test_a_log_below_its_limit_stays(log: int, tmp_path: Path) -> None:
    """Nothing is copied for nothing."""
    os.write(log, b"012345678")
    logs.rotate(tmp_path, limit=10)
    assert [path.name for path in tmp_path.iterdir()] == ["etcd.log"]
