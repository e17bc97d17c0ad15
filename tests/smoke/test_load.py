"""Ten people who chat at once (SC-008), and how long a tool call takes the backend (SC-010)."""

from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor

import pytest

from dockyard.workspace import Workspace
from tests.smoke.person import Person, stranger

pytestmark = pytest.mark.cluster

PEOPLE = 10
MESSAGES = 20
"""What each of them says, one after the other: a message is sent when the last one was answered."""

TOOL_CALL = 200.0
"""Milliseconds that 95 of 100 tool calls of one person take at most."""

TOOL_CALL_AT_ONCE = 1000.0
"""The same for ten people at once: the backend then waits for its CPU limit of half a core, on slow machines longer."""


def test_ten_chats_at_once(workspace: Workspace, measured: dict[str, float]) -> None:
    """Every message is answered by its tool, and everybody's list is their own."""
    people = [stranger(workspace) for _ in range(PEOPLE)]
    for person in people:
        person.sign_up()
        person.say("list")  # the first call of a new pod pays for what is loaded then
    with ThreadPoolExecutor(PEOPLE) as pool:
        took = [one for calls in pool.map(chat, people) for one in calls]
    assert len(took) == PEOPLE * MESSAGES
    for number, person in enumerate(people):
        assert sorted(person.titles()) == sorted(f"thing {turn}" for turn in range(1, MESSAGES, 2)), number
    measured |= summary(took)
    assert measured["tool call p95"] < TOOL_CALL_AT_ONCE, measured


def test_a_tool_call_of_one_person(workspace: Workspace) -> None:
    """It is answered within the time that the specification allows."""
    person = stranger(workspace)
    person.sign_up()
    person.say("list")  # the first call of a new pod pays for what is loaded then
    found = summary(chat(person))
    assert found["tool call p95"] < TOOL_CALL, found


def chat(person: Person) -> list[float]:
    """Add and list in turn, and return how long each call of a tool took, in ms, as the backend tells it."""
    took = []
    for turn in range(MESSAGES):
        answer = person.say(f"add thing {turn}" if turn % 2 else "list open")
        assert answer.status == 200, answer
        assert [call["failed"] for call in answer.body["tool_calls"]] == [False], answer.body
        took.append(float(answer.headers["server-timing"].partition("dur=")[2]))
    return took


def summary(took: list[float]) -> dict[str, float]:
    """Return median, 95th percentile, maximum and count, each under its name."""
    hundredths = statistics.quantiles(took, n=100)
    figures = {"median": hundredths[49], "p95": hundredths[94], "max": max(took), "calls": len(took)}
    return {f"tool call {name}": round(figure, 1) for name, figure in figures.items()}
