"""Events of every type, as one deploy would send them; shared by the tests of what reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dockyard.model.diagnosis import Cause, CauseKind, Diagnosis, Evidence
from dockyard.model.events import Began, Diagnosed, Ended, Event, Move, Progress, Stamped, Step
from dockyard.model.lifecycle import DeploymentState

AT = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
RUN = "20260301T120000Z-abc123"

DIAGNOSIS = Diagnosis(
    "api",
    Cause(
        CauseKind.CRASH_LOOP,
        "container app ended with exit code 3 twice",
        pod="api-7d9f-x2x4z",
        container="app",
        compared="asked for a start within 30 s, has 2 restarts in 9 s",
        event="BackOff: Back-off restarting failed container",
        fix="Mend what the last lines tell of and run `./inv deploy`",
    ),
    (
        Evidence("Last lines of pod api-7d9f-x2x4z, container app", tuple(f"line {at}" for at in range(25))),
        Evidence("Last lines of its previous run", ("Traceback:", "  no \x1b[31msuch\x1b[0m host")),
    ),
)

BEGAN = Began("deploy", "Began", command="deploy", services=("mcp", "api"))
NOTE = Event("database", "Ready", "127.0.0.1:15432 on this machine")
PROGRESS = Event("api-image", "Building", "RUN pip install", True, "api", Progress(3, 9, "steps"))  # noqa: FBT003 - passing, as the engine has it
STEP_BEGAN = Step("api-image", "build", service="api", step="build")
STEP_ENDED = Step("api-image", "build", service="api", step="build", ended=True)
STEP_FAILED = Step("api", "release", "it was not Ready", service="api", step="release", ended=True, ok=False)
MOVE = Move("api", DeploymentState.PENDING, "0 of 1 pods", service="api", before=DeploymentState.INSTALLING)
DIAGNOSED = Diagnosed("api", DeploymentState.FAILED, service="api", diagnosis=DIAGNOSIS)
ENDED = Ended("deploy", "Failed", "api is back on revision 3", exit_code=1)

DEPLOY = (BEGAN, NOTE, STEP_BEGAN, PROGRESS, STEP_ENDED, MOVE, DIAGNOSED, STEP_FAILED, ENDED)
"""A deploy that failed: every type of event."""


def stamped(event: Event, elapsed: float = 0.0, *, run: str = RUN) -> Stamped:
    """Return an event with its time."""
    return Stamped(run, event, AT + timedelta(seconds=elapsed), elapsed)
