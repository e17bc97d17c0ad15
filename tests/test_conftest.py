"""The guards that all tests stand behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from dockyard.tools.process import attach, run

WAYS: dict[str, Callable[[], object]] = {
    "run": lambda: run(["true"], timeout=1),
    "attach": lambda: attach(["true"], path=Path()),
    "system": lambda: os.system("true"),  # noqa: S605, S607 - it must not even start
}


@pytest.mark.parametrize("way", WAYS)
def test_an_unmarked_test_cannot_start_a_program(way: str) -> None:
    """The failure names the markers that would allow it."""
    with pytest.raises(pytest.fail.Exception, match="process, docker, cluster"):
        WAYS[way]()


@pytest.mark.process
def test_a_marked_test_can_start_a_program() -> None:
    """The guard is lifted by the marker."""
    assert run(["true"], timeout=5).returncode == 0


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_what_is_missing_is_skipped_at_home_and_fails_in_ci(
    ci: str, outcome: type[BaseException], missing_tool: Callable[[str], NoReturn], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In CI a run without a tool is no run."""
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="helm is missing"):
        missing_tool("helm")
