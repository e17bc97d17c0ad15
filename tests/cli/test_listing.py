"""The list of tasks that a bare `./inv` shows."""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
from pathlib import Path

import pytest

from dockyard.cli import GROUPS, namespace
from dockyard.cli.listing import Group, render
from dockyard.tools.process import run
from tests.cli.conftest import Inv

ROOT = Path(__file__).parents[2]
BUDGET = 0.35
"""Seconds."""

EXPLAIN = """
import json
from dockyard.cli import namespace
tasks = namespace()
json.dump({name: {option.name: option.help for option in tasks[name].get_arguments()} for name in tasks.task_names},
          __import__("sys").stdout)
"""


def test_groups_are_aligned_over_all() -> None:
    """One line each, the summaries below each other."""
    groups = (Group("First.", (("a", "Do a."),)), Group("Second.", (("long.name", "Do more."), ("b", "Do b."))))
    assert render(groups).splitlines() == [
        "First.",
        "  a          Do a.",
        "",
        "Second.",
        "  long.name  Do more.",
        "  b          Do b.",
        "",
        "`./inv --help NAME` shows the options of a task.",
    ]


def test_a_bare_call_lists_every_task_once(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the namespace that is run, not of another list."""
    assert inv() == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    called = [aliases[0] if aliases else name for name, aliases in namespace().task_names.items()]
    assert sorted(listed) == sorted(name for name in called if name != "tasks")
    assert len(listed) == sum(len(names) for _, _, names in GROUPS)


def test_every_line_has_a_summary_and_fits(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence, in 120 columns."""
    inv()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert lines
    assert all(len(line) <= 120 and line.endswith(".") and len(line.split()) > 2 for line in lines)


@pytest.mark.process
def test_every_option_of_every_task_is_explained() -> None:
    """`--help` says what it is for. In a process of its own: Invoke gives away a task's explanations only once."""
    done = run([sys.executable, "-c", EXPLAIN], timeout=60)
    explained: dict[str, dict[str, str | None]] = json.loads(done.stdout)
    assert "release" in explained["rollback"]
    assert [
        f"{task} --{option}" for task, options in explained.items() for option in options if not options[option]
    ] == []


@pytest.mark.process
def test_the_list_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """The median of five, in processor time: other programs of a busy machine do not count against it."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    spent = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = run(["invoke", "--list"], timeout=60, cwd=ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert "deploy" in done.stdout
    assert statistics.median(spent) < BUDGET
