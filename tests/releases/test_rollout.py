"""One release on its way: sent, watched, remembered when it is good; explained and taken back when it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dockyard.model.diagnosis import CauseKind
from dockyard.model.errors import ApiSilentError, ClusterError, LeftFailedError, RolloutError, StoppedError
from dockyard.model.events import Diagnosed, Move
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases import rollout as rolling
from dockyard.releases import secret
from dockyard.releases.causes import Object
from dockyard.releases.plan import Verb
from dockyard.releases.records import read_records
from dockyard.tools.http import Answer
from tests.fakes import rendered
from tests.releases.conftest import Work
from tests.releases.objects import runs, waits

CRASHES: Object = waits("CrashLoopBackOff", restarts=2, ended={"exitCode": 3})
LOST: Object = waits("ErrImagePull", "manifest unknown")
REFUSED = "Error: UPGRADE FAILED: the server is on fire"


def fails(work: Work, *containers: Object) -> None:
    """Let the next changes come to containers of these states, one each."""
    work.helm.fates["web"] = [[(0.0, container)] for container in containers]


def caught(call: Callable[[], object]) -> RolloutError:
    """Return the error that a rollout ends with."""
    with pytest.raises(RolloutError) as found:
        call()
    return found.value


def test_a_first_install_becomes_good(work: Work) -> None:
    """Through the states of the specification; then the cluster remembers it."""
    done = work.bring("v1")
    assert (done.release, done.verb, done.revision, done.tag, done.served) == ("web", Verb.INSTALL, 1, "v1", ())
    assert work.stages == ["Loading", "Installing", "Pending", "Running", "Ready"]
    assert (work.helm.calls, work.good) == (["upgrade web"], {1})


def test_an_upgrade_becomes_good(work: Work) -> None:
    """The revision before stays good: it is the one to go back to."""
    work.deployed("v1")
    done = work.bring("v2")
    assert (done.verb, done.revision) == (Verb.UPGRADE, 2)
    assert work.stages == ["Ready", "Upgrading", "Pending", "Running", "Ready"]
    assert work.good == {1, 2}


PROBES = """\
        livenessProbe: {httpGet: {path: /live, port: 8000}}
        readinessProbe: {httpGet: {path: /ready, port: 8000}}
"""


def test_a_probe_that_will_kill_is_known_before_it_does(work: Work) -> None:
    """Ready is not enough: what the kubelet asks for later must be answered, too."""
    work.deployed("v1")
    work.helm.charts["web"] += PROBES
    work.api.answered["/live"] = 404
    error = caught(lambda: work.bring("v2"))
    assert (error.exit_code, work.history[-1]) == (1, (3, "deployed"))
    (found,) = (event for event in work.report.events if isinstance(event, Diagnosed))
    assert found.diagnosis is not None
    assert found.diagnosis.cause.kind is CauseKind.PROBE
    assert "GET /live on port 8000 is answered with 404" in found.text
    assert work.good == {1, 3}
    del work.api.answered["/live"]
    assert work.bring("v2").revision == 4


def test_what_helm_really_sent_is_waited_for(work: Work) -> None:
    """A template may be told more on the cluster than off it: the number of the revision, what is there already."""
    chart = work.helm.charts["web"]
    work.helm.on_call = lambda _: work.helm.charts.update(web=chart.replace("name: web\nspec", "name: web-r1\nspec"))
    assert work.bring("v1").revision == 1
    assert ("Deployment", "web-r1") in work.api.objects


@pytest.mark.parametrize(("timeout", "hooks"), [(30, 120), (600, 600)])
def test_hooks_may_take_as_long_as_the_release(work: Work, timeout: int, hooks: int) -> None:
    """And never less than what Helm takes by itself."""
    work.workspace.project.releases["web"].__dict__["timeout"] = timeout
    work.bring("v1")
    assert work.helm.hooks == [hooks]


def test_what_only_is_waited_for_is_not_sent(work: Work) -> None:
    """It was deployed, and its maker died before it was Ready."""
    made = work.deployed("v1", good=False)
    work.api.apply(made.manifests, [(0.0, runs(ready=False)), (4.0, runs())])
    done = work.bring("v1")
    assert (done.verb, done.revision, work.helm.calls, work.good) == (Verb.WATCH, 1, [], {1})


def test_what_was_ready_before_is_not_rolled_back(work: Work) -> None:
    """Its surroundings changed (a database is down, say), not the release: an older revision would fare no better."""
    work.deployed("v1")
    made = work.deployed("v2")
    work.api.apply(made.manifests, [(0.0, CRASHES)])
    error = caught(lambda: work.bring("v2"))
    assert (type(error), error.exit_code, work.helm.calls) == (LeftFailedError, 3, [])
    assert "Revision 2 was Ready before" in str(error)


def test_what_the_server_changed_by_itself_is_accepted(work: Work) -> None:
    """A field that it drops, because its feature gate is disabled, is no drift for ever."""
    work.helm.charts["web"] = work.helm.charts["web"].replace("replicas: 1", "replicas: 1\n  brandNew: yes")
    sent = work.helm.charts["web"]
    work.helm.on_call = lambda _: work.helm.charts.update(web=sent)
    apply = work.api.apply

    def dropping(*given: Any) -> None:  # noqa: ANN401 - as the real one
        apply(*given)
        work.api.objects["Deployment", "web"]["spec"].pop("brandNew")

    work.api.apply = dropping  # type: ignore[method-assign, assignment]
    work.bring("v1")
    assert work.record is not None
    assert work.record.accepted == {"deployment/web spec.brandNew"}
    assert rolling.drifted(work.site, work.record.newest.manifests) == ("deployment/web spec.brandNew",)


def test_a_failed_upgrade_is_explained_and_rolled_back(work: Work) -> None:
    """Evidence first, while the pod is there; then the good revision again, watched until it serves."""
    work.deployed("v1")
    fails(work, CRASHES)
    work.api.lines = {("web-2-a", False): "starting\n", ("web-2-a", True): "no database\n"}
    error = caught(lambda: work.bring("v2"))
    assert (error.exit_code, error.what) == (1, "Release web failed and was rolled back")
    assert error.why == "Revision 2 did not become Ready; revision 1 serves again"
    assert work.helm.calls == ["upgrade web", "rollback web 1"]
    assert work.stages == [
        *("Ready", "Upgrading", "Failed", "Failed"),
        *("Upgrading", "Pending", "Running", "Ready"),
    ]
    assert error.diagnosis is not None
    assert error.diagnosis.cause.kind is CauseKind.CRASH_LOOP
    assert [entry.lines for entry in error.diagnosis.evidence] == [("starting",), ("no database",)]
    assert work.good == {1, 3}


def test_no_log_is_read_where_it_is_not_known_what_pods_were_given(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cause is told all the same, and the release is rolled back."""

    def fail(*_: object) -> None:
        raise ApiSilentError("127.0.0.1:1", "timed out")

    monkeypatch.setattr(secret, "learn", fail)
    work.deployed("v1")
    fails(work, CRASHES)
    work.api.lines = {("web-2-a", False): "starting\n"}
    error = caught(lambda: work.bring("v2"))
    assert error.diagnosis is not None
    assert (error.diagnosis.cause.kind, error.diagnosis.evidence) == (CauseKind.CRASH_LOOP, ())
    assert work.good == {1, 3}


def test_the_cause_is_told_before_anything_is_taken_back(work: Work) -> None:
    """A person sees it seconds after the cluster knows it, not after the rollback."""
    work.deployed("v1")
    fails(work, LOST)
    told: list[int] = []
    work.helm.on_call = lambda call: (
        told.append(sum(isinstance(event, Diagnosed) for event in work.report.events)) if "rollback" in call else None
    )
    caught(lambda: work.bring("v2"))
    assert told == [1]
    assert work.clock.now() < 5


def test_a_failed_upgrade_may_be_left(work: Work) -> None:
    """With `--no-rollback`: exit code 3, and the way back."""
    work.deployed("v1")
    fails(work, CRASHES)
    error = caught(lambda: work.bring("v2", roll_back=False))
    assert isinstance(error, LeftFailedError)
    assert error.exit_code == 3
    assert error.fix == "`./inv rollback --release web` goes back to revision 1"
    assert (work.helm.calls, work.good) == (["upgrade web"], {1})


def test_a_rollback_that_fails_is_told(work: Work) -> None:
    """Both do not become Ready: exit code 3; the cause is that of the upgrade."""
    work.deployed("v1")
    fails(work, CRASHES, LOST)
    error = caught(lambda: work.bring("v2"))
    assert isinstance(error, LeftFailedError)
    assert error.what == "Release web failed, and so did its rollback to revision 1"
    assert "cannot be pulled" in error.why
    assert error.diagnosis is not None
    assert error.diagnosis.cause.kind is CauseKind.CRASH_LOOP
    assert work.good == {1}


def test_a_rollback_that_is_refused_is_told(work: Work) -> None:
    """Helm's own words are the reason."""
    work.deployed("v1")
    fails(work, CRASHES)
    work.helm.refuses = {"rollback web": ["Error: no"]}
    error = caught(lambda: work.bring("v2"))
    assert error.exit_code == 3
    assert error.why == "It was refused: Helm did not take it"


def test_a_rollback_whose_image_is_gone_is_told(work: Work) -> None:
    """Pruned from node and engine: the upgrade's failure stays the diagnosis."""
    work.deployed("v1", held=False)
    fails(work, CRASHES)
    error = caught(lambda: work.bring("v2"))
    assert error.exit_code == 3
    assert "The image web:v1 of that revision is gone" in error.why
    assert error.diagnosis is not None


def test_the_revision_that_was_seen_ready_is_gone_back_to(work: Work) -> None:
    """Not the newest one that Helm calls deployed: that never became Ready."""
    work.deployed("v1")
    work.deployed("v2", good=False)
    fails(work, CRASHES)
    error = caught(lambda: work.bring("v3"))
    assert work.helm.calls == ["upgrade web", "rollback web 1"]
    assert "revision 1 serves again" in error.why


def test_a_failed_first_install_is_removed(work: Work) -> None:
    """Nothing of it is left, in Helm and in the ledger; exit code 1."""
    fails(work, CRASHES)
    error = caught(lambda: work.bring("v1"))
    assert (error.exit_code, error.what) == (1, "Release web failed and was removed")
    assert work.helm.calls == ["upgrade web", "uninstall web"]
    assert (work.history, work.stages[-1]) == ([], "Removed")
    assert ("Deployment", "web") not in work.api.objects


def test_a_failed_first_install_may_be_kept(work: Work) -> None:
    """With `--keep-failed`, to look at it; exit code 3, and how to be rid of it."""
    fails(work, CRASHES)
    error = caught(lambda: work.bring("v1", keep_failed=True))
    assert (error.exit_code, work.history) == (3, [(1, "deployed")])
    assert "./inv destroy --release web" in error.fix


def test_a_refused_upgrade_is_rolled_back(work: Work) -> None:
    """Half of it may have been applied; Helm has marked it as failed."""
    work.deployed("v1")
    work.helm.refuses = {"upgrade web": [REFUSED]}
    error = caught(lambda: work.bring("v2"))
    assert error.what == "Release web failed and was rolled back"
    assert work.helm.calls == ["upgrade web", "rollback web 1"]
    assert error.diagnosis is not None
    assert error.diagnosis.cause.kind is CauseKind.REFUSED


def test_what_is_refused_before_anything_is_sent_is_as_it_was(work: Work) -> None:
    """Helm made no revision: the one that serves is not taken for the failed one, and nothing goes back behind it."""
    work.deployed("v1")
    work.deployed("v2")
    upgrade = work.helm.upgrade

    def refuse(*given: Any, **more: Any) -> None:  # noqa: ANN401 - as the real one
        work.helm.refuses = {"upgrade web": [REFUSED]}
        work.helm.record = lambda *_, **__: work.helm.kept("web")[-1]  # type: ignore[method-assign]
        upgrade(*given, **more)

    work.helm.upgrade = refuse  # type: ignore[method-assign]
    error = caught(lambda: work.bring("v3"))
    assert (error.exit_code, error.what) == (1, "Release web was refused and is as it was")
    assert error.why == "Revision 2 serves on"
    assert (work.helm.calls, work.history) == (["upgrade web"], [(1, "superseded"), (2, "deployed")])


def test_a_refused_first_install_leaves_nothing(work: Work) -> None:
    """Helm has marked it as failed: it is removed."""
    work.helm.refuses = {"upgrade web": [REFUSED]}
    error = caught(lambda: work.bring("v1"))
    assert error.what == "Release web failed and was removed"
    assert work.history == []


def test_a_release_that_vanished_is_told(work: Work) -> None:
    """Somebody removed it while it was sent: nothing is taken back."""
    fails(work, CRASHES)
    work.helm.refuses = {"upgrade web": [REFUSED]}
    work.helm.record = lambda *_, **__: None  # type: ignore[method-assign, assignment]
    error = caught(lambda: work.bring("v1"))
    assert error.what == "Release web failed, and nothing of it is there"


def test_a_release_that_somebody_changed_meanwhile_is_not_called_good(work: Work) -> None:
    """A bare `helm upgrade` began while we waited: what is Ready may be either's. Exit code 3."""
    work.deployed("v1")
    clock, sleep = work.clock, work.clock.sleep
    fails(work, runs(ready=False))
    work.helm.fates["web"] = [[(0.0, runs(ready=False)), (2.0, runs())]]

    def other(seconds: float) -> None:
        sleep(seconds)
        if clock.now() > 1 and len(work.helm.kept("web")) == 2:
            work.helm.cut_off("web", "pending-upgrade")

    clock.sleep = other  # type: ignore[method-assign]
    error = caught(lambda: work.bring("v2"))
    assert (error.exit_code, work.good) == (3, {1})
    assert "changed by somebody else" in error.what


def test_a_killed_upgrade_is_recovered_then_made(work: Work) -> None:
    """Back to what was good, then to what is wanted."""
    work.deployed("v1")
    work.helm.cut_off("web", "pending-upgrade")
    done = work.bring("v2")
    assert work.helm.calls == ["rollback web 1", "upgrade web"]
    assert (done.revision, work.good) == (4, {1, 4})
    assert work.stages[:3] == ["Failed", "Recovering", "Upgrading"]


def test_a_killed_first_install_is_removed_then_made(work: Work) -> None:
    """As if it had never been."""
    work.helm.cut_off("web", "pending-install")
    done = work.bring("v1")
    assert work.helm.calls == ["uninstall web", "upgrade web"]
    assert (done.revision, work.history) == (1, [(1, "deployed")])


def test_an_install_waits_for_what_is_still_leaving(work: Work) -> None:
    """An object of that name with a deletion time would take the new one away with it."""
    work.api.put({"kind": "Service", "metadata": {"name": "web", "deletionTimestamp": "now"}})
    work.helm.charts["web"] = rendered("web", node_port=30081)
    sleep = work.clock.sleep

    def leave(seconds: float) -> None:
        sleep(seconds)
        if work.clock.now() >= 3 and work.helm.calls == []:
            work.api.drop("Service", "web")

    work.clock.sleep = leave  # type: ignore[method-assign]
    work.bring("v1")
    assert work.clock.now() >= 3
    assert work.history == [(1, "deployed")]


@pytest.fixture
def checked(work: Work, monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """A release that is asked for a path when it is Ready; what it answers."""
    work.helm.charts["web"] = rendered("web", node_port=30081)
    spec = work.workspace.project.release("web").model_copy(update={"check": ("/health",)})
    monkeypatch.setattr(type(work.workspace.project), "release", lambda _self, _name: spec)
    answers = {"http://127.0.0.1:30081/health": Answer("", 200, "ok")}
    monkeypatch.setattr("dockyard.releases.verify.ask", lambda url, **_: answers[url])
    return answers


def test_what_is_ready_is_asked_as_its_users_would(work: Work, checked: dict[str, Answer]) -> None:
    """What it answered is part of what the deploy came to."""
    done = work.bring("v1")
    assert [answer for served in done.served for answer in served.answers] == list(checked.values())


def test_a_release_is_ready_once_its_services_accept_connections(work: Work) -> None:
    """kube-proxy programs a Service after the pods are Ready."""
    work.helm.charts["web"] = rendered("web", node_port=30081)
    work.workspace.cluster.refusing = {80}
    seen = []

    def program() -> None:
        seen.append(work.stages[-1])
        if len(seen) == 20:
            work.workspace.cluster.refusing = set()

    work.clock.on_sleep = program
    work.bring("v1")
    assert "Ready" not in seen[1:]
    assert work.report.lasting[-1] == ("web", "Ready")
    assert work.report.events[-1].text == "http://127.0.0.1:30081"


def test_a_service_that_accepts_no_connection_failed_the_release(work: Work) -> None:
    """The cause names the Service, the port and what was seen."""
    work.deployed("v1")
    work.helm.charts["web"] = rendered("web", node_port=30081)
    work.workspace.cluster.refusing = {80}
    error = caught(lambda: work.bring("v2", roll_back=False))
    assert error.diagnosis is not None
    assert error.diagnosis.cause.sentence == (
        "Service web does not accept connections on port 80 (NodePort 30081): "
        "For 30 s 127.0.0.1:30081: Connection refused"
    )


def test_a_release_may_raise_how_long_its_services_are_waited_for(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program without a readiness probe may be slow to listen."""
    work.deployed("v1")
    work.helm.charts["web"] = rendered("web", node_port=30081)
    work.workspace.cluster.refusing = {80}
    spec = work.workspace.project.release("web").model_copy(update={"grace": 70})
    monkeypatch.setattr(type(work.workspace.project), "release", lambda _self, _name: spec)
    work.clock.on_sleep = lambda: work.workspace.cluster.refusing.clear() if work.clock.now() > 60 else None
    assert work.bring("v2").revision == 2


def test_pods_that_are_gone_explain_a_service_that_does_not_answer(work: Work) -> None:
    """They were Ready for a moment, and then their program ended."""
    work.deployed("v1")
    work.helm.charts["web"] = rendered("web", node_port=30081)
    work.helm.fates["web"] = [((0.0, runs()), (5.0, waits("CrashLoopBackOff", restarts=3, ended={"exitCode": 1})))]
    work.workspace.cluster.refusing = {80}
    error = caught(lambda: work.bring("v2", roll_back=False))
    assert error.diagnosis is not None
    assert error.diagnosis.cause.kind is CauseKind.CRASH_LOOP


def test_what_is_ready_and_does_not_serve_failed(work: Work, checked: dict[str, Answer]) -> None:
    """Its probes pass and its users get an error: it goes back like any other."""
    work.deployed("v1")
    checked["http://127.0.0.1:30081/health"] = Answer("", 500, "no")
    error = caught(lambda: work.bring("v2", roll_back=False))
    assert error.exit_code == 3
    assert error.diagnosis is not None
    assert error.diagnosis.cause.kind is CauseKind.PROBE
    assert work.stages[-2:] == ["Failed", "Failed"]
    assert DeploymentState.READY in work.stages


def test_a_cluster_that_stops_leaves_the_release_as_it_is(work: Work) -> None:
    """Nothing can be taken back, and nobody knows what became of it."""
    work.deployed("v1")
    fails(work, runs(ready=False))
    sleep = work.clock.sleep

    def stop(seconds: float) -> None:
        sleep(seconds)
        if work.helm.calls:
            work.api.silent, work.workspace.cluster.running = True, False

    work.clock.sleep = stop  # type: ignore[method-assign]
    with pytest.raises(ClusterError, match="The cluster stopped while it was worked on"):
        work.bring("v2")
    assert work.helm.calls == ["upgrade web"]


def test_who_asks_to_stop_takes_nothing_back(work: Work) -> None:
    """Not even a rollback is begun: the next deploy goes on from there."""
    work.deployed("v1")
    fails(work, CRASHES, runs(ready=False))
    sleep = work.clock.sleep

    def stop(seconds: float) -> None:
        if "rollback web 1" in work.helm.calls:
            raise StoppedError("Stopped")
        sleep(seconds)

    work.clock.sleep = stop  # type: ignore[method-assign]
    with pytest.raises(StoppedError):
        work.bring("v2")
    assert work.good == {1}


def test_an_earlier_revision_is_brought_back(work: Work) -> None:
    """It is watched as a deploy is, and good as the newest revision it becomes."""
    first = work.deployed("v1")
    work.deployed("v2")
    done = work.rollout().go_back(first)
    assert (done.revision, done.tag, work.helm.calls) == (3, "v1", ["rollback web 1"])
    assert work.stages == ["Ready", "Upgrading", "Pending", "Running", "Ready"]
    assert [event.text for event in work.report.events if isinstance(event, Move)][1] == (
        "back to revision 1, image tag v1"
    )
    assert work.good == {1, 2, 3}


def test_an_earlier_revision_that_does_not_come_up_is_left(work: Work) -> None:
    """The release is at it again, and it does not serve: exit code 3, with the evidence."""
    first = work.deployed("v1")
    work.deployed("v2")
    fails(work, LOST)
    error = caught(lambda: work.rollout().go_back(first))
    assert error.exit_code == 3
    assert error.what == "Release web is at revision 1 again, which does not become Ready"
    assert error.diagnosis is not None
    assert work.stages[-2:] == ["Failed", "Failed"]


@pytest.mark.parametrize(("half_way", "code"), [(False, 1), (True, 3)])
def test_a_refused_way_back_is_told(work: Work, *, half_way: bool, code: int) -> None:
    """Nothing is at the old revision; whether the release is as it was is Helm's word."""
    first = work.deployed("v1")
    work.deployed("v2")
    work.helm.refuses = {"rollback web": ["Error: no"]}
    if not half_way:
        work.helm.record = lambda *_, **__: first  # type: ignore[method-assign]
    error = caught(lambda: work.rollout().go_back(first))
    assert (error.exit_code, error.what) == (code, "Release web could not go back to revision 1")
    assert error.why == "It was refused: Helm did not take it"


def test_two_releases_are_remembered_side_by_side(work: Work) -> None:
    """The ledger is one, the pages are two."""
    work.bring("v1")
    work.helm.record("api", rendered("api"))
    assert set(read_records(work.api)) == {"web", "api"}
    assert work.good == {1}
