"""Going back to an earlier revision, and knowing before anything is touched whether that can work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.model.errors import RolloutError
from dockyard.model.lifecycle import DeploymentState
from dockyard.model.project import ReleaseSpec
from dockyard.releases.images import bring_back, images_of
from dockyard.releases.life import Life
from dockyard.releases.rollout import Deployed, Rollout
from dockyard.releases.status import require_record

if TYPE_CHECKING:
    from dockyard.model.events import Report
    from dockyard.releases.records import ReleaseRecord, Revision
    from dockyard.releases.site import Site


def choose(record: ReleaseRecord, revision: int | None) -> Revision:
    """Return the revision to go back to.

    Args:
        record: The release.
        revision: The one that was asked for; None means the last good one that is not what is there now.

    Raises:
        RolloutError: There is no such revision, or none to go back to.
    """
    release, current = record.name, record.newest
    if revision is None:
        earlier = record.last_good(but=current.number, unlike=current)
        if earlier is None:
            raise RolloutError(
                f"Release {release} has nothing to go back to",
                why=f"Revision {current.number} is its only one"
                if len(record.revisions) == 1
                else "No earlier revision was ever deployed with another content",
            )
        return earlier
    known = {entry.number: entry for entry in record.revisions}
    if revision == current.number:
        raise RolloutError(f"Release {release} is at revision {revision} already")
    if revision not in known:
        raise RolloutError(
            f"Release {release} has no revision {revision}",
            why=f"Its revisions are {', '.join(map(str, known))}",
            fix=f"`./inv history --release {release}` shows them",
        )
    return known[revision]


def rollback(site: Site, release: str, revision: int | None, report: Report) -> tuple[Revision, Deployed]:
    """Bring an earlier revision back and wait until it serves.

    Returns:
        The revision that was gone back to, and what that came to.

    Raises:
        UnknownNameError: There is no such release on the cluster.
        RolloutError: It cannot be done, or the old revision does not become Ready.
    """
    record = require_record(site, release)
    target = choose(record, revision)
    bring_back(site.workspace, images_of(target.manifests), report)  # before anything is touched
    verdict = site.view.look().verdict(record.newest.manifests)
    state = DeploymentState.READY if verdict.state is DeploymentState.READY else DeploymentState.FAILED
    spec = site.workspace.project.releases.get(release) or ReleaseSpec(chart=".")
    return target, Rollout(site, spec, Life(release, state, report), report).go_back(target)
