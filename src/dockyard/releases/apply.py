"""Doing to a release what was planned, and translating what Helm says when it refuses."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from dockyard.model.errors import DockyardError, RolloutError, ToolError, ToolFailedError
from dockyard.model.events import Event
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.plan import ReleaseAction, Verb

if TYPE_CHECKING:
    from collections.abc import Callable

    from dockyard.charts.render import Rendered
    from dockyard.model.events import Report
    from dockyard.tools.helm import Helm

STAGE = {Verb.INSTALL: DeploymentState.INSTALLING, Verb.UPGRADE: DeploymentState.UPGRADING}


def apply(helm: Helm, action: ReleaseAction, chart: Rendered, report: Report, *, away: Callable[[], None]) -> None:
    """Send a release to the cluster; a first install that is refused leaves nothing behind.

    Args:
        helm: Helm on the cluster.
        action: What was planned.
        chart: What is sent.
        report: Told of what happens.
        away: Removes the release and returns when it is gone.

    Raises:
        RolloutError: Helm or the API server refused it.
    """
    if action.verb in {Verb.NOTHING, Verb.WATCH}:
        return
    if action.verb is Verb.RECOVER:
        recover(helm, action, report, away=away)
    report(Event(action.release, STAGE.get(action.verb, DeploymentState.UPGRADING), action.reason))
    try:
        helm.upgrade(action.release, chart.archive, chart.values, files=chart.files)
    except ToolFailedError as error:
        if action.verb is Verb.INSTALL:
            with contextlib.suppress(ToolError, RolloutError):  # the refusal is what has to be told
                away()
        raise refusal(action.release, error) from error


def recover(helm: Helm, action: ReleaseAction, report: Report, *, away: Callable[[], None]) -> None:
    """Free a release that a killed Helm left pending: back to its last deployed revision, or away if it had none."""
    report(Event(action.release, "Recovering", action.reason))
    good = [entry.revision for entry in helm.history(action.release) if entry.status in {"deployed", "superseded"}]
    if good:
        helm.rollback(action.release, good[-1])
    else:
        away()


def refusal(release: str, error: ToolFailedError) -> DockyardError:
    """Return the error for a release that Helm refused, with what to do where the reason is a known one."""
    said = error.stderr.strip()
    if clash := re.search(r"(?:nodePort: Invalid value: (\d+): )?provided port is already allocated", said):
        port = f" {clash[1]}" if clash[1] else ""
        return RolloutError(
            f"Release {release} was refused: its NodePort{port} is taken by another Service of the cluster",
            why=said.rpartition("\n")[2],
            fix="`kubectl get services --all-namespaces` shows which; remove that one or choose another nodePort",
        )
    if "field is immutable" in said:
        return RolloutError(
            f"Release {release} was refused: a field that cannot change has changed",
            why=said.rpartition("\n")[2],
            fix=f"`./inv destroy --release {release} deploy` makes it anew",
        )
    return RolloutError(f"Release {release} was refused", why=said)
