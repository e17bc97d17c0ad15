"""Errors as people read them."""

from __future__ import annotations

import pytest

from dockyard.model.errors import (
    DockyardError,
    IllegalMoveError,
    RefusedError,
    RuleError,
    ToolFailedError,
    ToolMissingError,
    ToolTimeoutError,
    UnknownNameError,
    nearest,
)

READ = {
    "what alone": (DockyardError("It broke"), "It broke."),
    "all three": (DockyardError("It broke", why="Rust", fix="Oil it"), "It broke. Rust. Oil it."),
    "full stops": (DockyardError("It broke.", fix="Oil it."), "It broke. Oil it."),
    "a near name": (
        UnknownNameError("release", "bakend", ["mcp", "backend"]),
        "There is no release named 'bakend'. Known: mcp, backend. Did you mean 'backend'?",
    ),
    "no near name": (UnknownNameError("release", "zzz", ["mcp"]), "There is no release named 'zzz'. Known: mcp."),
    "no names": (UnknownNameError("release", "a", []), "There is no release named 'a'. Known: none."),
    "a move": (
        IllegalMoveError("Ready", "Building", ["Failed", "Upgrading"]),
        "Ready cannot become Building. Legal from Ready: Failed, Upgrading (data-model.md, section 6).",
    ),
    "a missing program": (ToolMissingError("helm"), "The program 'helm' is not there. Run `./inv setup`."),
    "a failed program": (
        ToolFailedError(["helm", "lint", "--strict", "x"], 1, "first\nlast\n"),
        "`helm lint --strict` failed with exit code 1. It said: last.",
    ),
    "a silent program": (ToolFailedError(["a"], -9, " "), "`a` failed with exit code -9. It said nothing."),
    "a slow program": (ToolTimeoutError(["a", "b"], 1.5), "`a b` did not end within 1.5 s. It was stopped."),
}


@pytest.mark.parametrize(("error", "text"), READ.values(), ids=READ)
def test_an_error_reads_as_sentences(error: DockyardError, text: str) -> None:
    """What happened, why, and what to do, each with its full stop."""
    assert str(error) == text


def test_a_refusal_has_an_exit_code_of_its_own() -> None:
    """Nothing was started: 4; everything else: 1."""
    assert (RefusedError("a").exit_code, RuleError("a").exit_code) == (4, 1)


def test_a_broken_rule_is_a_value_error() -> None:
    """So that pydantic gives it a place in the document."""
    assert issubclass(RuleError, ValueError)


@pytest.mark.parametrize(("name", "near"), [("front", "frontend"), ("backend", "backend"), ("xyz", None)])
def test_the_nearest_name_is_the_likely_one(name: str, near: str | None) -> None:
    """Nothing is proposed where nothing is near."""
    assert nearest(name, ["mcp", "backend", "frontend"]) == near
