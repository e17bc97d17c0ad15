"""Who a process is, and whether it lives."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dockyard.tools import identity
from dockyard.tools.identity import is_alive, myself


def test_this_process_is_known_and_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """By whom it runs, where, and what it was called with."""
    monkeypatch.setattr(sys, "argv", ["/some/where/inv", "deploy", "--jobs", "2"])
    me = myself()
    assert (me.user, me.host, me.pid) == (getpass.getuser(), socket.gethostname(), os.getpid())
    assert me.command == "inv deploy --jobs 2"
    assert is_alive(me) is True


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run as any."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert myself().user == str(os.getuid())


@pytest.mark.parametrize(
    "other",
    [{"host": "elsewhere"}, {"space": "another boot"}, {"space": ""}],
    ids=["another machine", "another boot or container", "a system that does not tell"],
)
def test_of_a_process_that_is_not_this_machines_nothing_is_known(other: dict[str, Any]) -> None:
    """Its number means nothing here: neither that it lives nor that it died."""
    assert is_alive(replace(myself(), **other)) is None


def test_a_system_that_does_not_tell_its_space_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One without /proc."""
    monkeypatch.setattr(identity, "_space", lambda: "")
    assert is_alive(myself()) is None


def test_a_number_that_was_given_again_is_another_process() -> None:
    """It started at another moment."""
    assert is_alive(replace(myself(), started="1")) is False


def test_without_a_start_the_number_has_to_do() -> None:
    """Where the system did not tell it."""
    assert is_alive(replace(myself(), started="")) is True


def test_another_users_process_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may not be signalled, which says that it is there."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert is_alive(myself()) is True


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours that waits."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:  # noqa: S607 - of this machine
        yield process


@pytest.mark.process
def test_a_process_that_ended_is_dead(child: subprocess.Popen[bytes]) -> None:
    """While it runs, when it has ended and nobody took note (a zombie), and when it is gone."""
    started = identity._started(child.pid)  # noqa: SLF001 - as it would tell of itself
    other = replace(myself(), pid=child.pid, started=started)
    assert started.isdigit()
    assert is_alive(other) is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(other) is False
    child.wait()
    assert is_alive(other) is False
    assert is_alive(replace(other, started="")) is False
