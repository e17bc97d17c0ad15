"""Sending a release to the cluster, and translating what Helm says when it refuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockyard.model.diagnosis import Cause, CauseKind
from dockyard.model.errors import ClusterError, ToolFailedError, ToolTimeoutError
from dockyard.releases.plan import Recovery
from dockyard.releases.records import find_record
from dockyard.releases.remove import remove
from dockyard.tools.clock import ticks

if TYPE_CHECKING:
    from collections.abc import Callable

    from dockyard.releases.life import Life
    from dockyard.releases.site import Site

PATIENCE = 90.0
"""Seconds for an API server to come back, and for somebody else's Helm to end."""

PAUSE = 0.5

SILENT = re.compile(
    r"connection refused|connection reset|unreachable|i/o timeout|TLS handshake timeout|EOF\b|no route to host"
    r"|http2: client connection lost|etcdserver|server is currently unable|ServiceUnavailable"
    r"|\"https?://[^\"]*\": context deadline exceeded"
)
"""What Helm says when it is not answered."""

WEBHOOK = "failed calling webhook"
"""It is the webhook that is silent then, not the API server that tells of it."""

BUSY = "another operation (install/upgrade/rollback) is in progress"


class Refusal(Exception):  # noqa: N818 - not an error for a user yet: it is made one with its evidence
    """Helm or the API server refused a release.

    Attributes:
        cause: Why, and what to do.
    """

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.sentence)
        self.cause = cause


def free(site: Site, release: str, recovery: Recovery, target: int, life: Life) -> None:
    """Bring a release back that a killed Helm left behind: to its last good revision, or away if it had none."""
    if recovery is Recovery.REMOVE:
        life.note("Recovering", "it never became Ready: removed, to be installed anew")
        remove(site.helm, site.api, release, clock=site.workspace.clock)
    elif recovery is Recovery.ROLL_BACK:
        life.note("Recovering", f"back to revision {target}")
        site.helm.rollback(release, target)


def persist(site: Site, life: Life, change: Callable[[], None]) -> None:
    """Make Helm change a release, through an API server that goes away and comes back.

    Helm gives up at the first connection that is refused, and may leave the release pending. Then the server is waited
    for, the release is freed, and the change is made again; the same where somebody else's Helm is at work.

    Args:
        site: The site.
        life: The service.
        change: Calls Helm.

    Raises:
        Refusal: Helm or the API server refused.
        ClusterError: The API server did not come back.
    """
    said = ""
    for _ in ticks(site.workspace.clock, limit=PATIENCE, pause=PAUSE):
        try:
            change()
        except ToolFailedError as error:
            said = error.stderr.strip()
            if BUSY in said:
                _await_others(site, life)
            elif SILENT.search(said) and WEBHOOK not in said and _await_server(site, life, said):
                _free_now(site, life)
            else:
                raise Refusal(refusal(life.release, said)) from error
        except ToolTimeoutError as error:  # a hook that does not end, say
            raise Refusal(
                _refused(f"Helm did not end within {error.limit:g} s", "", "See what its hooks do")
            ) from error
        else:
            return
    raise ClusterError(
        f"Release {life.release} could not be sent within {PATIENCE:g} s", why=said, fix="Run the same command again"
    )


def _await_server(site: Site, life: Life, said: str) -> bool:
    """Wait until the API server answers.

    Returns:
        True.

    Raises:
        ClusterError: It does not, or the cluster does not run.
    """
    life.note("Waiting", f"for the API server: {said.rpartition('error: ')[2].rpartition(': ')[2]}")
    for _ in ticks(site.workspace.clock, limit=PATIENCE, pause=PAUSE):
        if site.api.ready():
            return True
        if not site.runs():
            break
    raise ClusterError(
        "The API server is gone",
        why=f"Helm was refused while it sent release {life.release}: {said.splitlines()[-1]}",
        fix="See `./inv cluster.status`, then run the same command again",
    )


def _await_others(site: Site, life: Life) -> None:
    """Wait until somebody else's Helm has ended; one that died leaves the release pending for good."""
    told = False
    for _ in ticks(site.workspace.clock, limit=PATIENCE / 3, pause=PAUSE):
        record = find_record(site.api, life.release)
        if record is None or not record.pending:
            return
        if not told:
            told = True
            life.note(
                "Waiting", f"somebody else's Helm is at work: revision {record.newest.number} is {record.newest.status}"
            )
    _free_now(site, life)


def _free_now(site: Site, life: Life) -> None:
    """Free a release that is pending, as a plan would."""
    record = find_record(site.api, life.release)
    if record is None or not record.pending:
        return
    good = record.last_good(but=record.newest.number)
    free(site, life.release, Recovery.ROLL_BACK if good else Recovery.REMOVE, good.number if good else 0, life)


REFUSALS = (
    (
        re.compile("field is immutable"),
        "a field that cannot change has changed",
        "`./inv destroy --release {release} deploy` makes it anew",
    ),
    (
        re.compile("duplicate entries for key"),
        "a list has two entries with the same key",
        "Remove the one that does not count from the chart or its values; Kubernetes uses the last",
    ),
    (
        re.compile("field not declared in schema"),
        "the API server does not know a field",
        "Correct its name or place in the chart; `kubectl explain` shows the fields that the cluster knows",
    ),
    (
        re.compile("is being terminated|NamespaceTerminating"),
        "its namespace is being deleted",
        "Wait until it is gone, or deploy into another one",
    ),
    (re.compile("exceeded quota"), "it is more than the namespace's quota allows", "Raise the quota, or ask for less"),
    (
        re.compile(WEBHOOK),
        "an admission webhook does not answer",
        "`kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations` shows whose it is",
    ),
    (
        re.compile("denied the request|admission webhook"),
        "an admission webhook denied it",
        "Change what the message names",
    ),
)
"""What the API server says, why it is, and what to do; the first that is found."""

PORT_TAKEN = re.compile(r"(?:nodePort: Invalid value: (\d+): )?provided port is already allocated")


def refusal(release: str, said: str) -> Cause:
    """Return why Helm or the API server refused a release, with what to do where the reason is a known one."""
    last = said.rpartition("\n")[2]
    if clash := PORT_TAKEN.search(said):
        port = f" {clash[1]}" if clash[1] else ""
        return _refused(
            f"its NodePort{port} is taken by another Service of the cluster",
            last,
            "`kubectl get services --all-namespaces` shows which; remove that one or choose another nodePort",
        )
    known = ((why, fix.format(release=release)) for words, why, fix in REFUSALS if words.search(said))
    why, fix = next(known, ("Helm did not take it", ""))
    return _refused(why, last, fix)


def _refused(why: str, said: str, fix: str) -> Cause:
    return Cause(CauseKind.REFUSED, f"It was refused: {why}", event=said, fix=fix)
