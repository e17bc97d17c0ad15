"""Events as machines read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

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

AT = datetime(2026, 3, 1, 12, 0, 0, 5_400, tzinfo=UTC)
DIAGNOSIS = Diagnosis(
    "api", Cause(CauseKind.CRASH_LOOP, "it ended twice", pod="api-a"), (Evidence("pod api-a", ("boom",)),)
)
EVERY = {
    "note": Event("db", "Ready", "port 1"),
    "progress": Event("api", "Loading", passing=True, service="api", progress=Progress(1.5, 3, "MB")),
    "begin": Began("deploy", "Began", command="deploy", services=("mcp", "api")),
    "step": Step("api", "build", service="api", step="build", ended=True, ok=False),
    "move": Move("api", DeploymentState.READY, service="api", before=DeploymentState.RUNNING),
    "takeover": FieldTakenOver(
        "api", "Warning", service="api", object_kind="Deployment", object_name="web", field=".spec.x", manager="kubectl"
    ),
    "cause": Diagnosed("api", "Failed", service="api", diagnosis=DIAGNOSIS),
    "end": Ended("deploy", "Failed", "api was rolled back", exit_code=1),
}


@pytest.mark.parametrize("kind", EVERY)
def test_every_kind_of_event_has_a_record(kind: str) -> None:
    """JSON, with version, run, time in UTC to the millisecond, seconds gone, and the type."""
    record = as_record(Stamped("r1", EVERY[kind], AT, 1.23456))
    head = {"v": 1, "run": "r1", "time": "2026-03-01T12:00:00.005Z", "elapsed": 1.235, "type": kind}
    assert {key: record[key] for key in head} == head
    assert json.loads(json.dumps(record))["subject"] == EVERY[kind].subject
    assert type_of(EVERY[kind]) == kind


def test_a_record_has_the_facts_of_its_kind() -> None:
    """Members are in camelCase; what is empty is left out."""
    end = as_record(Stamped("r1", EVERY["end"], AT, 1))
    assert (end["exitCode"], "service" in end) == (1, False)
    assert as_record(Stamped("r1", EVERY["move"], AT, 1))["before"] == "Running"
    assert as_record(Stamped("r1", EVERY["step"], AT, 1)).items() >= {"ended": True, "ok": False}.items()
    taken_over = as_record(Stamped("r1", EVERY["takeover"], AT, 1))
    assert taken_over.items() >= {"objectKind": "Deployment", "field": ".spec.x", "manager": "kubectl"}.items()
    assert "autoscaler" not in taken_over
    cause = json.loads(json.dumps(as_record(Stamped("r1", EVERY["cause"], AT, 1))))
    assert cause["diagnosis"]["cause"]["kind"] == "CrashLoop"
    assert cause["diagnosis"]["evidence"] == [{"title": "pod api-a", "lines": ["boom"]}]
