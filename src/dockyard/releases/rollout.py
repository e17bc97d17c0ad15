"""One release on its way: send, watch, verify, remember what is good; and when it fails, explain and take back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dockyard.model.diagnosis import Cause, CauseKind, Diagnosis
from dockyard.model.errors import ApiSilentError, DockyardError, LeftFailedError, RolloutError, StoppedError, ToolError
from dockyard.model.events import Diagnosed, FieldTakenOver
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases import secret
from dockyard.releases.diagnose import diagnose
from dockyard.releases.drift import drift, kinds_of, live_objects
from dockyard.releases.images import bring_back, images_of
from dockyard.releases.liveness import await_alive
from dockyard.releases.plan import SENDING, Verb
from dockyard.releases.records import find_record, mark_good
from dockyard.releases.remove import await_gone, remove
from dockyard.releases.send import Refusal, free, persist
from dockyard.releases.stateful import replace_broken
from dockyard.releases.takeover import taken_over
from dockyard.releases.verify import Served, verify
from dockyard.releases.watch import Watch
from dockyard.tools.helm import CHANGE
from dockyard.tools.kubernetes import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from dockyard.charts.manifests import Manifests
    from dockyard.charts.render import Rendered
    from dockyard.model.events import Report
    from dockyard.model.project import ReleaseSpec
    from dockyard.releases.life import Life
    from dockyard.releases.plan import ReleaseAction
    from dockyard.releases.records import ReleaseRecord, Revision
    from dockyard.releases.site import Site


DEPLOYED_NOW = "deployed"
"""Helm's word for the revision that is the release; one that Helm gave up is `failed`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done about a release that fails.

    Attributes:
        roll_back: Whether an upgrade goes back to the last good revision.
        keep_failed: Whether a first install is left as it is.
    """

    roll_back: bool = True
    keep_failed: bool = False


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a release came to.

    Attributes:
        release: The release.
        verb: What was done to it.
        revision: The revision that serves.
        tag: The tag of its image.
        served: What its services answered.
    """

    release: str
    verb: Verb
    revision: int
    tag: str
    served: tuple[Served, ...]


class Rollout:
    """Work on one release."""

    def __init__(self, site: Site, spec: ReleaseSpec, life: Life, report: Report) -> None:
        self._site, self._spec, self._life, self._report = site, spec, life, report
        self._take_secret_back: Callable[[], object] = lambda: None

    def bring(self, action: ReleaseAction, chart: Rendered, policy: Policy) -> Deployed:
        """Bring a release to what was planned.

        Raises:
            RolloutError: It failed; it was taken back, or is as it was.
            LeftFailedError: It failed, and is left as it is.
            ClusterError: The cluster went away.
        """
        free(self._site, action.release, action.recovery, action.target, self._life)
        if action.verb in SENDING:
            failed = self._send(action, chart)
            if failed:
                raise self._take_back(failed, policy)
        manifests = self._sent(chart)
        cause, served = self._settle(manifests)
        if cause:
            raise self._take_back(cause, policy)
        newest = self._remember(manifests)
        return Deployed(action.release, action.verb, newest.number, chart.tag, served)

    def go_back(self, target: Revision) -> Deployed:
        """Bring an earlier revision back, and wait until it serves.

        Raises:
            RolloutError: Helm refused; the release is as it was.
            LeftFailedError: The old revision does not become Ready, or Helm refused half-way.
        """
        cause, served = self._roll_back(target)
        if cause:
            raise self._not_back(target, cause)
        newest = self._remember(target.manifests)
        return Deployed(target.release, Verb.UPGRADE, newest.number, target.app_version, served)

    def _not_back(self, target: Revision, cause: Cause) -> RolloutError:
        """Return the error for an earlier revision that was not brought back."""
        name, found = target.release, self._explain(cause)
        if cause.kind is not CauseKind.REFUSED:
            what = f"Release {name} is at revision {target.number} again, which does not become Ready"
            return LeftFailedError(what, why=cause.sentence, fix=cause.fix, diagnosis=found)
        record = find_record(self._site.api, name)
        error = RolloutError if record and record.newest.status == DEPLOYED_NOW else LeftFailedError
        what = f"Release {name} could not go back to revision {target.number}"
        return error(what, why=cause.sentence, fix=cause.fix, diagnosis=found)

    def _send(self, action: ReleaseAction, chart: Rendered) -> Cause | None:
        """Send a release; return why it was refused, or None."""
        site, name = self._site, action.release
        if action.verb is Verb.INSTALL:  # an earlier release of that name may still be on its way out
            await_gone(name, site.api, chart.manifests, clock=site.workspace.clock, only_leaving=True)
        state = DeploymentState.INSTALLING if action.verb is Verb.INSTALL else DeploymentState.UPGRADING
        self._life.to(state, action.reason)
        if chart.secret is not None:  # before the pods that are told its checksum
            self._take_secret_back = secret.write(site.api, chart.secret, name)
        send = partial(
            site.helm.upgrade,
            name,
            chart.archive,
            chart.values,
            files=chart.files,
            hooks=max(CHANGE, self._spec.timeout),
        )
        self._report_taken_over(chart.manifests)
        try:
            persist(site, self._life, send)
        except Refusal as error:
            return error.cause
        self._replace_broken(chart.manifests)
        return None

    def _sent(self, chart: Rendered) -> Manifests:
        """Return what Helm sent: templates may have been told more than they are without a cluster."""
        with suppress(ApiSilentError):  # the wait for the release knows what to do about that
            if record := find_record(self._site.api, self._life.release):
                return record.newest.manifests
        return chart.manifests

    def _settle(self, manifests: Manifests) -> tuple[Cause | None, tuple[Served, ...]]:
        """Wait until what was sent serves; return why it does not, or what it answered."""
        workspace = self._site.workspace
        watch = Watch(self._life, self._site.view, clock=workspace.clock, runs=self._site.runs)
        cause = watch.wait(manifests, limit=self._spec.timeout, grace=self._spec.grace)
        cause = cause or self._await_alive(manifests)
        if cause:
            return cause, ()
        try:
            served = verify(self._site, manifests, self._spec, partial(self._life.note, "Waiting"))
        except RolloutError as error:
            seen = Cause(CauseKind.PROBE, f"{error.what}: {error.why}", fix=error.fix)
            return self._cause_in_cluster(manifests) or seen, ()
        self._life.to(DeploymentState.READY, ", ".join(entry.url for entry in served))
        return None, served

    def _cause_in_cluster(self, manifests: Manifests) -> Cause | None:
        """Return why pods that were Ready are not any more, if so: that explains a Service that does not answer."""
        with suppress(ApiSilentError):
            return self._site.view.look().verdict(manifests).cause
        return None

    def _await_alive(self, manifests: Manifests) -> Cause | None:
        """Ask the new pods for what will be asked of them later; return why they would not live."""
        seen = self._site.view.look()
        names = seen.verdict(manifests).pods
        pods = [entry for entry in seen.objects if entry["kind"] == "Pod" and entry["metadata"]["name"] in names]
        clock, grace = self._site.workspace.clock, self._spec.grace
        tell = partial(self._life.note, "Asking")
        return await_alive(self._site.api, pods, clock=clock, grace=grace, tell=tell)

    def _remember(self, manifests: Manifests) -> Revision:
        """Remember in the cluster that the newest revision was seen Ready; return it."""
        record = find_record(self._site.api, self._life.release)
        if record is None or record.pending:
            raise LeftFailedError(
                f"Release {self._life.release} was changed by somebody else while it was deployed",
                why="Helm's record of it is gone" if record is None else f"It is {record.newest.status}",
                fix="Run the same command again when the other one is done",
            )
        if record.newest.number not in record.good:
            mark_good(self._site.api, record.newest, accepted=sorted(drifted(self._site, manifests)))
        return record.newest

    def _explain(self, cause: Cause) -> Diagnosis:
        """Gather the evidence, and tell it at once."""
        name, found = self._life.release, Diagnosis(self._life.release, cause)
        with suppress(ToolError):  # no log is read where it is not known what must not be shown of it
            secret.learn(self._site.api, self._site.workspace.redactor)
            found = diagnose(name, cause, self._site.api)
        self._life.to(DeploymentState.FAILED)  # the diagnosis says why
        self._report(Diagnosed(name, DeploymentState.FAILED, cause.sentence, service=name, diagnosis=found))
        return found

    def _take_back(self, cause: Cause, policy: Policy) -> RolloutError:
        """Return the error for a release that failed, once it is taken back: the evidence first."""
        name, found = self._life.release, self._explain(cause)
        record = find_record(self._site.api, name)
        good = record.last_good(but=record.newest.number) if record else None
        if record is None:
            return RolloutError(f"Release {name} failed, and nothing of it is there", diagnosis=found)
        if cause.kind is CauseKind.REFUSED and record.newest.status == DEPLOYED_NOW:  # before any revision was made
            why = f"Revision {record.newest.number} serves on"
            return RolloutError(f"Release {name} was refused and is as it was", why=why, diagnosis=found)
        if record.newest.number in record.good:  # it only was waited for: what changed is not the release
            why = f"Revision {record.newest.number} was Ready before, so there is nothing to go back from"
            return LeftFailedError(f"Release {name} is not Ready any more", why=why, fix=cause.fix, diagnosis=found)
        if good is None:
            return self._give_up(found, policy)
        if not policy.roll_back:
            why = f"Revision {record.newest.number} stays, since nothing is to be rolled back"
            again = f"`./inv rollback --release {name}` goes back to revision {good.number}"
            return LeftFailedError(f"Release {name} failed and is left as it is", why=why, fix=again, diagnosis=found)
        return self._return_to(good, record, found)

    def _give_up(self, found: Diagnosis, policy: Policy) -> RolloutError:
        """Remove a first install that failed."""
        name = self._life.release
        if policy.keep_failed:
            fix = f"`./inv destroy --release {name}` removes it; the next deploy leads on from it"
            return LeftFailedError(f"Release {name} failed and is kept as it is", fix=fix, diagnosis=found)
        remove(self._site.helm, self._site.api, name, clock=self._site.workspace.clock)
        self._take_secret_back()
        self._life.note("Removed", "a first install that failed leaves nothing behind")
        return RolloutError(
            f"Release {name} failed and was removed", why="No revision of it was ever Ready", diagnosis=found
        )

    def _return_to(self, good: Revision, record: ReleaseRecord, found: Diagnosis) -> RolloutError:
        """Go back to a good revision; return the error that says whether that worked."""
        name = self._life.release
        try:
            self._take_secret_back()
            cause, _ = self._roll_back(good)
        except StoppedError:
            raise
        except DockyardError as error:
            cause = Cause(CauseKind.REFUSED, str(error))
        if cause:
            return LeftFailedError(
                f"Release {name} failed, and so did its rollback to revision {good.number}",
                why=cause.sentence,
                fix=f"`./inv status` and `./inv logs --release {name}` show how it is",
                diagnosis=found,
            )
        self._remember(good.manifests)
        return RolloutError(
            f"Release {name} failed and was rolled back",
            why=f"Revision {record.newest.number} did not become Ready; revision {good.number} serves again",
            diagnosis=found,
        )

    def _roll_back(self, target: Revision) -> tuple[Cause | None, tuple[Served, ...]]:
        workspace = self._site.workspace
        bring_back(workspace, images_of(target.manifests), self._report)
        tag = f", image tag {target.app_version}" if target.app_version else ""
        self._life.to(DeploymentState.UPGRADING, f"back to revision {target.number}{tag}")
        self._report_taken_over(target.manifests)
        try:
            persist(self._site, self._life, lambda: self._site.helm.rollback(target.release, target.number))
        except Refusal as error:
            return error.cause, ()
        self._replace_broken(target.manifests)
        return self._settle(target.manifests)

    def _report_taken_over(self, manifests: Manifests) -> None:
        """Report each field of another field manager that Helm is about to overwrite."""
        name = self._life.release
        for found in taken_over(self._site.api, manifests):
            self._report(
                FieldTakenOver(
                    name,
                    "Warning",
                    str(found),
                    service=name,
                    object_kind=found.object.kind,
                    object_name=found.object.name,
                    field=found.conflict.field,
                    manager=found.conflict.manager,
                    subresource=found.conflict.subresource,
                    autoscaler=found.autoscaler,
                )
            )

    def _replace_broken(self, manifests: Manifests) -> None:
        """Let no broken pod of an older revision hold up a StatefulSet."""
        for name in replace_broken(self._site.api, manifests, self._site.workspace.clock):
            self._life.note("Replacing", f"pod {name}, which is of an older revision and not Ready")


def drifted(site: Site, manifests: Manifests) -> tuple[str, ...]:
    """Return where live objects of a release are not what was sent."""
    kinds = kinds_of(manifests, RESOURCES)
    live = [entry for found in live_objects(site.api, kinds).values() for entry in found]
    return tuple(drift(manifests, live, kinds, namespace=site.api.namespace))
