"""Writes the tables and examples of docs/events.md from docs/events.schema.json and one event of each type.

Run `.venv/bin/python scripts/events_doc.py` after a change of either; tests/test_events_doc.py fails while they differ.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dockyard.model.diagnosis import Cause, CauseKind, Diagnosis, Evidence
from dockyard.model.events import (
    Began,
    Diagnosed,
    Ended,
    Event,
    FieldTakenOver,
    Move,
    Progress,
    Stamped,
    Step,
    as_record,
    type_of,
)
from dockyard.model.lifecycle import DeploymentState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DOCS = Path(__file__).parents[1] / "docs"
SCHEMA = DOCS / "events.schema.json"
PAGE = DOCS / "events.md"
BEGIN, END = "<!-- generated -->", "<!-- /generated -->"

WHAT = {
    "begin": "A command began.",
    "note": "Something happened that none of the other types says.",
    "progress": "How far a piece of work is; a later one replaces it. The journal has none.",
    "step": "A step of work on a service began or ended.",
    "move": "A service went from one state to another; `stage` is the new one.",
    "takeover": "A release is about to overwrite a field that `kubectl edit`, an autoscaler or others set.",
    "cause": "A rollout failed, and this is why.",
    "end": "A command ended; `text` says in what state things are.",
}
"""What each type says, in the order of the page."""

DIAGNOSIS = Diagnosis(
    "backend",
    Cause(
        CauseKind.UNSCHEDULABLE,
        "no node has room for its pod",
        pod="ai-todo-backend-deployment-5c9d-x2x4z",
        compared="asked for 8 CPUs, the node has 1.4 of 2 left",
        event="FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu.",
        fix="Lower resources.requests.cpu in the values of backend's chart",
    ),
    (Evidence("Last lines of the running pod ai-todo-backend-deployment-7d4f-k8s2p", ("INFO started on port 8000",)),),
)

EXAMPLES: tuple[tuple[float, Event], ...] = (
    (0.001, Began("deploy", "Began", command="deploy", services=("mcp", "backend", "frontend"))),
    (0.21, Event("database", "Ready", "dockyard-db in the cluster, 127.0.0.1:15432 on this machine")),
    (
        1.5,
        Event(
            "ai-todo-backend",
            "Building",
            "RUN uv pip install",
            passing=True,
            service="backend",
            progress=Progress(3, 9, "steps"),
        ),
    ),
    (8.25, Step("ai-todo-backend", "build", service="backend", step="build", ended=True)),
    (
        8.9,
        FieldTakenOver(
            "backend",
            "Warning",
            "overwriting deployment/ai-todo-backend-deployment .spec.replicas, which kubectl (scale) set",
            service="backend",
            object_kind="Deployment",
            object_name="ai-todo-backend-deployment",
            field=".spec.replicas",
            manager="kubectl",
            subresource="scale",
        ),
    ),
    (9.1, Move("backend", DeploymentState.PENDING, service="backend", before=DeploymentState.UPGRADING)),
    (11.0, Diagnosed("backend", DeploymentState.FAILED, service="backend", diagnosis=DIAGNOSIS)),
    (14.5, Ended("deploy", "Failed", "backend is back on revision 3; mcp and frontend serve", exit_code=1)),
)


def records() -> dict[str, dict[str, Any]]:
    """Return one record of each type, by the type's name."""
    start = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    return {
        type_of(event): as_record(
            Stamped("20260301T120000Z-5f0c1a", event, start + timedelta(seconds=elapsed), elapsed)
        )
        for elapsed, event in EXAMPLES
    }


def generated() -> str:
    """Return the part of the page that this script owns."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    parts = ["## Members of every record\n", *_table(schema, schema)]
    own = {variant["properties"]["type"]["const"]: variant for variant in schema["oneOf"]}
    found = records()
    for type_, what in WHAT.items():
        members = {name: entry for name, entry in own[type_]["properties"].items() if name != "type"}
        parts += [f"\n## {type_}\n", what]
        if members:
            parts += ["", *_table({**own[type_], "properties": members}, schema)]
        parts += ["\n```json", json.dumps(found[type_], indent=2, ensure_ascii=False), "```"]
    for name in ("progress", "diagnosis", "cause", "evidence"):
        parts += [f"\n## Members of `{name}` objects\n", *_table(schema["$defs"][name], schema)]
    return "\n".join(parts)


def _table(entry: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    required = entry.get("required", ())
    yield "| member | type | always | meaning |\n|---|---|---|---|"
    for name, member in entry["properties"].items():
        always = "yes" if name in required else ""
        yield f"| `{name}` | {_type(member, schema)} | {always} | {_meaning(member, schema)} |"


def _type(member: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "$ref" in member:
        name = member["$ref"].rpartition("/")[2]
        return "string" if "enum" in schema["$defs"][name] else f"object: {name}"
    if "items" in member:
        return f"list of {_type(member['items'], schema)}"
    return str(member.get("type", "string" if "enum" in member else "integer"))


def _meaning(member: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    there = {**schema["$defs"][member["$ref"].rpartition("/")[2]], **member} if "$ref" in member else member
    values = f" One of {', '.join(f'`{value}`' for value in there['enum'])}." if "enum" in there else ""
    return f"{there['description']}{values}"


def page() -> str:
    """Return the page as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{generated()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
