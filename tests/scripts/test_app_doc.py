"""docs/app.md: what it says of variables, tools and overlays is so, and its figures are those that were measured."""

from __future__ import annotations

import re

import pytest

from scripts.app_doc import PAGE, ROOT, rows

TEXT = PAGE.read_text(encoding="utf-8")

VARIABLE = re.compile(r'\b(?:env\.get|_text|_url|number)\((?:env, )?"([A-Z_]+)"')
GIVEN_BY_THE_CHART = {"APP_VERSION", "POD_NAMESPACE", "PORT", "READY_SECONDS"}
"""Variables that nobody has a reason to set."""


@pytest.mark.parametrize("package", ["todo_backend", "todo_mcp"])
def test_every_variable_is_described(package: str) -> None:
    """The page lists the environment variables that a service reads."""
    sources = (ROOT / "backend/src" / folder / "settings.py" for folder in (package, "todo_service"))
    read = {name for source in sources for name in VARIABLE.findall(source.read_text(encoding="utf-8"))}
    assert {"DATABASE_URL", "LOG_LEVEL"} < read
    assert {name for name in read - GIVEN_BY_THE_CHART if f"`{name}`" not in TEXT} == set()


def test_every_tool_is_described() -> None:
    """The MCP server's tools are those of the page."""
    source = (ROOT / "backend/src/todo_mcp/tools.py").read_text(encoding="utf-8")
    tools = re.findall(r"async def (\w+_tasks?)\(", source)
    assert sorted(tools) == sorted(re.findall(r"^\| `(\w+_tasks?)` \|", TEXT, re.MULTILINE))


def test_every_fault_is_described() -> None:
    """The overlays are those of the page."""
    listed = re.findall(r"^\| `([\w-]+\.yaml)` \|", TEXT, re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in (ROOT / "helm" / "faults").iterdir())


def test_figures_stand_in_their_rows() -> None:
    """Sizes in MB, times with their unit, in the order of the deploy."""
    measured = {"tool call median": 90.4, "tool call p95": 150.6, "tool call max": 201.0, "tool call calls": 200}
    services = ("mcp", "backend", "frontend")
    measured |= dict.fromkeys((f"{service} requests in an update" for service in services), 280)
    measured |= dict.fromkeys((f"{service} replaced" for service in services), 5.3)
    table = dict(rows(measured, {"mcp": 93_400_000, "backend": 130_200_000, "frontend": 116_000_000}))
    assert table["all three"] == "339.6 MB"
    assert table["200 tool calls by 10 people who chat at once, p95"] == "151 ms"
    assert table["a pod of mcp killed, until the whole app serves again"] == "5.3 s"
    assert table["requests lost while every pod of backend is replaced"] == "0 of 280"
