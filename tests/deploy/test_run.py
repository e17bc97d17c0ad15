"""One deploy: what is done in which order, what is reported, and in what state things are when it is stopped."""

from __future__ import annotations

import shutil
import threading
from collections import namedtuple
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import pytest

from dockyard import database
from dockyard.database import Database, DatabaseFacts, Settings
from dockyard.deploy import pipeline, run
from dockyard.deploy.plan import Facts, Plan, make_plan
from dockyard.deploy.run import DeployRun
from dockyard.images import bases
from dockyard.images.bases import Base
from dockyard.model.errors import (
    BuildError,
    ClusterError,
    MachineError,
    RefusedError,
    RolloutError,
    StoppedError,
    ToolFailedError,
)
from dockyard.model.events import Event, Move, Report
from dockyard.model.lifecycle import DeploymentState
from dockyard.model.project import Project
from dockyard.releases.lock import Claim, Lock
from dockyard.releases.plan import Verb
from dockyard.tools import jobs
from dockyard.tools import stop as stopping
from tests.deploy.conftest import BASE, ME, NAMES, NOON, Deploying
from tests.fakes import FakeCluster, FakeDocker, Recorder, rendered
from tests.releases.objects import waits

Usage = namedtuple("Usage", ["total", "used", "free"])  # noqa: PYI024 - shutil's own has no public name


def begin(deploying: Deploying, *names: str, jobs: int = 1) -> DeployRun:
    """Return a deploy that has looked at this machine and has started nothing."""
    how = deploying.options(jobs=jobs)
    return DeployRun.look(deploying.workspace, names or NAMES, deploying.report, how, deploying.gate)


@pytest.fixture
def lock(monkeypatch: pytest.MonkeyPatch) -> Lock:
    """The lock that the next deploy holds."""
    held = Lock(Claim(ME, NOON))
    monkeypatch.setattr(run, "locked", lambda *_: nullcontext(held))
    return held


def moves(deploying: Deploying, name: str) -> list[str]:
    """Return the states that a release was told to be in."""
    return [event.stage for event in deploying.report.events if isinstance(event, Move) and event.subject == name]


def shared(deploying: Deploying) -> Deploying:
    """Return the project with two releases that run the same image, and one that runs none of the project's."""
    project = {
        "name": "test",
        "images": {"api-image": {"baseImage": BASE, "buildContext": "api-image", "dockerfile": "api.Dockerfile"}},
        "releases": {
            "api": {"chart": "helm/api", "image": "api-image"},
            "web": {"chart": "helm/web", "image": "api-image"},
            "mail": {"chart": "helm/mail"},
        },
    }
    workspace = replace(deploying.workspace, project=Project.model_validate(project))
    workspace.fake_helm.charts["mail"] = rendered("mail", image="somebody/mail:1")
    return Deploying(workspace)


# --- steps and states -------------------------------------------------------------------------------------------------


def test_each_step_of_a_service_is_told_when_it_begins_and_ends(deploying: Deploying) -> None:
    """In its order, under the release's name; a timeline is drawn from them."""
    begin(deploying, "api").run()
    assert deploying.steps() == [
        ("api", step, ended, True) for step in ("build", "load", "release") for ended in (False, True)
    ]


def test_a_step_that_fails_is_told_to_have_ended_badly(deploying: Deploying) -> None:
    """Else a timeline would show it as going on."""
    deploying.workspace.docker.failure = "ERROR"
    with pytest.raises(BuildError):
        begin(deploying, "api").run()
    assert deploying.steps() == [("api", "build", False, True), ("api", "build", True, False)]


def test_work_on_an_image_is_told_under_the_release_that_runs_it(deploying: Deploying) -> None:
    """Every event of a deploy has a row on the board."""
    begin(deploying, "api").run()
    about = {event.subject: event.service for event in deploying.report.events}
    assert about == {"cluster": "", "api": "api", "api-image": "api"}


def test_an_image_that_two_releases_run_is_made_once(deploying: Deploying) -> None:
    """Under the first one's name, and both of them are then being loaded; the release without one waits for nothing."""
    both = shared(deploying)
    done = begin(both, jobs=4).run()
    assert (both.built, both.loaded) == (["api-image"], ["api-image"])
    assert [entry.release for entry in done] == ["api", "web", "mail"]
    for name in NAMES:
        assert moves(both, name) == ["Building", "Loading", "Installing", "Pending", "Running", "Ready"]
    assert {service for service, step, _, _ in both.steps() if step != "release"} == {"api"}


def test_every_move_is_a_legal_one(deployed: Deploying) -> None:
    """A failing upgrade and its rollback, as the specification has the states."""
    deployed.change("api")
    broken = waits("CrashLoopBackOff", restarts=3, ended={"exitCode": 1})
    deployed.workspace.fake_helm.fates["api"] = [((0.0, broken),)]
    with pytest.raises(RolloutError):
        begin(deployed, "api").run()
    assert moves(deployed, "api") == [
        *("Ready", "Upgrading", "Failed"),
        *("Upgrading", "Pending", "Running", "Ready"),
    ]


def test_what_is_unchanged_is_told_to_be_ready_and_no_step_is_made_of_it(deployed: Deploying) -> None:
    """A row on the board, and nothing in the timeline."""
    done = begin(deployed, "api").run()
    assert (moves(deployed, "api"), deployed.steps()) == (["Ready"], [])
    assert [(entry.verb, entry.revision) for entry in done] == [(Verb.NOTHING, 1)]


# --- in parallel ------------------------------------------------------------------------------------------------------

LIMIT = 20.0
"""Seconds after which threads that should have met never will."""


@pytest.fixture
def starting(deploying: Deploying, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Return a function that sets what happens while the cluster starts, which is not running yet."""
    cluster = deploying.workspace.cluster
    cluster.running = False
    start = FakeCluster.start

    def during(action: Callable[[], object]) -> None:
        def begin_and_start(report: Report) -> None:
            action()
            start(cluster, report)

        monkeypatch.setattr(cluster, "start", begin_and_start)

    return during


Starting = Callable[[Callable[[], object]], None]


def when(words: str, action: Callable[[], object]) -> Callable[[str], None]:
    """Return what acts at the calls that have these words in them."""

    def call(name: str) -> None:
        if words in name:
            action()

    return call


def test_images_are_built_while_the_cluster_starts(deploying: Deploying, starting: Starting) -> None:
    """Each build, and the start, goes on only once all have begun, also with one job at a time for the rest."""
    met = threading.Barrier(1 + len(NAMES), timeout=LIMIT)
    deploying.workspace.docker.on_call = when("", met.wait)
    starting(met.wait)
    assert [entry.verb for entry in begin(deploying, jobs=3).run()] == [Verb.INSTALL] * 3


def test_the_start_of_the_cluster_is_no_job_of_the_limit(deploying: Deploying, starting: Starting) -> None:
    """It may build the image of a node for minutes."""
    met = threading.Barrier(2, timeout=LIMIT)
    deploying.workspace.docker.on_call = when("api", met.wait)
    starting(met.wait)
    assert len(begin(deploying, jobs=1).run()) == 3


def test_the_cluster_starts_without_waiting_for_images(deploying: Deploying, starting: Starting) -> None:
    """The first release is sent while another image is still being built."""
    sent = threading.Event()
    helm, docker = deploying.workspace.fake_helm, deploying.workspace.docker
    helm.on_call = lambda call: sent.set() if call == "upgrade api" else None
    docker.on_call = when("mail", lambda: sent.wait(LIMIT))
    starting(lambda: None)
    begin(deploying, jobs=4).run()
    assert sent.is_set()


def bases_of(deploying: Deploying, **images: str) -> Deploying:
    """Return the project with other base images for some of its images; none is in the engine."""
    project = deploying.workspace.project.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for name, base in images.items():
        project["images"][f"{name}-image"]["baseImage"] = base
    deploying.workspace.docker.held.clear()
    return Deploying(replace(deploying.workspace, project=Project.model_validate(project)))


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], object]], None]:
    """Return a function that sets what happens before a base image is in the engine."""

    def during(action: Callable[[str], object]) -> None:
        def resolve(docker: FakeDocker, image: str, _report: Report, **_: object) -> Base:
            action(image)
            docker.held[image] = FakeDocker(image).held[image]
            return Base(image, image, docker.held[image].id, fallback=False)

        monkeypatch.setattr(bases, "resolve", resolve)

    return during


Resolving = Callable[[Callable[[str], object]], None]


@pytest.mark.parametrize("running", [True, False])
def test_an_image_is_built_as_soon_as_its_own_base_is_there(
    deploying: Deploying, resolving: Resolving, *, running: bool
) -> None:
    """The base of another image may take a minute more."""
    built = threading.Event()
    other = bases_of(deploying, api="node:22-slim")
    other.workspace.cluster.running = running
    other.workspace.docker.on_call = lambda call: built.set() if "web" in call else None
    resolving(lambda image: built.wait(LIMIT) if image.startswith("node") else None)
    assert len(begin(other, jobs=1).run()) == 3
    assert built.is_set()
    assert sorted(other.built) == ["api-image", "mail-image", "web-image"]


def test_a_base_is_resolved_once_for_all_its_images(deploying: Deploying, resolving: Resolving) -> None:
    """And all of them are looked up again, since their tags depend on it."""
    asked: list[str] = []
    other = bases_of(deploying, api="node:22-slim")
    resolving(asked.append)
    begin(other, jobs=4).run()
    assert sorted(asked) == ["node:22-slim", BASE]
    assert not pipeline.plan(other.workspace, NAMES).changes


def test_on_a_running_cluster_nothing_is_built_before_the_lock_is_held(
    deploying: Deploying, resolving: Resolving
) -> None:
    """Another deploy may be at work there; its base images are of use to it too."""
    other = bases_of(deploying, api="node:22-slim")
    resolving(lambda _: None)
    other.held_by(replace(ME, user="bob", pid=8))
    other.alive = True
    with pytest.raises(RefusedError, match="Another deploy"):
        begin(other, jobs=4).run()
    assert other.built == []


def test_what_a_stopped_node_has_is_built_all_the_same(deployed: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node could be asked only later; the image is then loaded over the one of the same sources."""
    docker, cluster = deployed.workspace.docker, deployed.workspace.cluster
    for reference in [name for name in docker.held if name.startswith("web-image")]:
        del docker.held[reference]
    monkeypatch.setattr(cluster, "running", False)
    begin(deployed, jobs=4).run()
    assert (deployed.built, deployed.loaded, deployed.changes) == (["web-image"], ["web-image"], [])


def test_what_a_running_node_has_is_not_built(deployed: Deploying) -> None:
    """Somebody may have removed images from the engine."""
    docker = deployed.workspace.docker
    for reference in [name for name in docker.held if name.startswith("web-image")]:
        del docker.held[reference]
    begin(deployed, jobs=4).run()
    assert (deployed.built, deployed.loaded, deployed.changes) == ([], [], [])


def test_a_cluster_is_asked_for_its_state_only_if_something_is_built(
    deployed: Deploying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Minikube takes a third of a second for the answer."""
    monkeypatch.setattr(deployed.workspace.cluster, "status", lambda: pytest.fail("It was asked"))
    assert [entry.verb for entry in begin(deployed).run()] == [Verb.NOTHING] * 3


# --- the development database -----------------------------------------------------------------------------------------


@pytest.fixture
def with_database(deploying: Deploying, monkeypatch: pytest.MonkeyPatch) -> Deploying:
    """The project whose release `web` uses the development database, which is not there yet."""
    project = deploying.workspace.project.model_dump(mode="json", by_alias=True, exclude_unset=True)
    project["database"] = {"secret": "KEY"}
    workspace = replace(deploying.workspace, project=Project.model_validate(project), secrets={})
    monkeypatch.setattr(database, "observe", lambda _docker: DatabaseFacts(Settings(), None, "password-of-nobody"))
    monkeypatch.setattr(database, "start", lambda *_, **__: None)
    return Deploying(workspace)


def without_gate(*_: object, **__: object) -> None:
    """Refuse nothing."""


def test_a_release_waits_for_the_database_that_it_uses(
    with_database: Deploying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others do not, and neither do plan, builds and loads."""
    helm = with_database.workspace.fake_helm
    others, ready = threading.Barrier(3, timeout=LIMIT), threading.Event()

    def start(*_: object, facts: DatabaseFacts, **__: object) -> None:
        assert facts.password == "password-of-nobody"  # noqa: S105 - nobody's
        others.wait()
        ready.set()

    def call(name: str) -> None:
        if name in {"upgrade api", "upgrade mail"}:
            others.wait()
        if name == "upgrade web":
            assert ready.is_set()

    monkeypatch.setattr(database, "start", start)
    helm.on_call = call
    doing = begin(with_database, jobs=4)
    doing.gate = without_gate
    assert len(doing.run()) == 3
    url = Database(Settings(), "password-of-nobody", started=False).url_in_cluster
    assert helm.values["web"]["secrets"] == {"KEY": url}


def test_a_database_that_does_not_start_is_reported_at_once(
    with_database: Deploying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs meanwhile is completed, and the error is the database's."""

    def fail(*_: object, **__: object) -> None:
        raise MachineError("The port is taken")

    monkeypatch.setattr(database, "start", fail)
    doing = begin(with_database, jobs=4)
    doing.gate = without_gate
    with pytest.raises(MachineError, match="The port is taken"):
        doing.run()
    assert ("database", "Failed") in with_database.report.lasting
    assert "upgrade web" not in with_database.changes


# --- failures while the cluster starts --------------------------------------------------------------------------------


def noticed(deploying: Deploying, subject: str) -> threading.Event:
    """Return what is set once the failure of a subject is reported."""
    seen = threading.Event()

    class Noticing(Recorder):
        """A recorder that notices it."""

        def __call__(self, event: Event) -> None:
            """Keep an event."""
            super().__call__(event)
            if (event.subject, event.stage) == (subject, "Failed"):
                seen.set()

    deploying.report = Noticing()
    return seen


def test_a_cluster_that_does_not_start_is_reported_at_once(deploying: Deploying, starting: Starting) -> None:
    """While images are being built, which are completed; nothing further is begun."""
    reported = noticed(deploying, "cluster")

    def fail() -> None:
        raise ClusterError("It does not start")

    deploying.workspace.docker.on_call = when("", lambda: reported.wait(LIMIT))
    starting(fail)
    with pytest.raises(ClusterError, match="It does not start"):
        begin(deploying, jobs=1).run()
    assert reported.is_set()
    assert len(deploying.built) <= 1
    assert (deploying.loaded, deploying.changes) == ([], [])


def test_a_build_that_fails_while_the_cluster_starts_fails_its_releases(
    deploying: Deploying, starting: Starting
) -> None:
    """They are shown as failed at once; when the cluster is there nothing is planned or sent."""
    failed = noticed(deploying, "api")
    deploying.workspace.docker.failure = "ERROR"
    starting(lambda: failed.wait(LIMIT))
    with pytest.raises(BuildError):
        begin(deploying, "api", jobs=4).run()
    assert ("api", "Failed") in deploying.report.lasting
    assert moves(deploying, "api") == []
    assert (deploying.loaded, deploying.changes, deploying.is_locked) == ([], [], False)


def test_a_build_that_fails_while_the_plan_is_made_ends_the_deploy_there(
    deploying: Deploying, starting: Starting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No release is said to be in a state of the plan afterwards."""
    planning, failed = threading.Event(), noticed(deploying, "api")

    def slow(facts: Facts) -> Plan:
        planning.set()
        assert failed.wait(LIMIT)
        return make_plan(facts)

    deploying.workspace.docker.failure = "ERROR"
    deploying.workspace.docker.on_call = when("", lambda: planning.wait(LIMIT))
    monkeypatch.setattr(run, "make_plan", slow)
    starting(lambda: None)
    with pytest.raises(BuildError):
        begin(deploying, "api", jobs=4).run()
    assert (moves(deploying, "api"), deploying.changes, deploying.is_locked) == ([], [], False)


def test_a_stop_while_the_cluster_starts_says_that_nothing_was_sent(deploying: Deploying, starting: Starting) -> None:
    """A program that is ended by the signal makes its job fail, which is no reason of its own."""
    starting(stop)
    deploying.workspace.docker.on_call = stop
    error = stopped(begin(deploying))
    assert error.why == "api was not sent; web was not sent; mail was not sent"
    assert not [event for event in deploying.report.events if event.stage == "Failed"]


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_nothing_more_is_begun_without_the_lock(deploying: Deploying, lock: Lock) -> None:
    """Whoever has it now works on the same releases."""
    doing = begin(deploying)
    lock.lost.set()
    with pytest.raises(RefusedError, match="The lock was lost") as caught:
        doing.run()
    assert caught.value.exit_code == 4
    assert (deploying.built, deploying.loaded, deploying.changes) == ([], [], [])


def test_a_lock_that_is_lost_on_the_way_ends_the_deploy_at_the_next_step(deploying: Deploying, lock: Lock) -> None:
    """What was begun is brought to its end."""
    doing = begin(deploying, "api", "web")
    deploying.workspace.fake_helm.on_call = lambda _: lock.lost.set()
    with pytest.raises(RefusedError, match="The lock was lost"):
        doing.run()
    assert deploying.changes == ["upgrade api"]
    assert deploying.records["api"].good == {1}


def test_a_full_disk_is_told_before_anything_is_built(deploying: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for images; where none is built or loaded none is needed."""
    deploying.workspace.docker.root = deploying.workspace.root
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _folder: Usage(10, 10, 0))
        with pytest.raises(MachineError, match=r"Only 0\.0 GB are free"):
            begin(deploying).run()
    assert deploying.built == []
    begin(deploying).run()
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10, 10, 0))
    begin(deploying).run()


def test_a_load_alone_needs_room_too(deployed: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node keeps a copy."""
    deployed.workspace.docker.root = deployed.workspace.root
    deployed.workspace.cluster.held.clear()
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10, 10, 0))
    with pytest.raises(MachineError):
        begin(deployed).run()
    assert deployed.loaded == []


# --- being stopped ----------------------------------------------------------------------------------------------------


def stopped(doing: DeployRun) -> StoppedError:
    """Return how a deploy ends that somebody stops."""
    with pytest.raises(StoppedError) as caught:
        doing.run()
    assert caught.value.exit_code == 130
    return caught.value


def stop(*_: object) -> None:
    """What a wait or a program does that is ended by a signal."""
    raise StoppedError("Stopped")


def test_a_stop_before_anything_was_sent_says_so(deploying: Deploying) -> None:
    """The cluster is as it was."""
    deploying.workspace.docker.on_call = stop
    assert stopped(begin(deploying)).why == "api was not sent; web was not sent; mail was not sent"


def test_a_stop_while_an_image_is_loaded_sent_no_release(deploying: Deploying) -> None:
    """Loading is not sending."""
    deploying.workspace.cluster.on_call = stop
    assert stopped(begin(deploying, "api")).why == "api was not sent"


def test_a_program_that_a_signal_ends_did_not_fail(deploying: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its release is not shown as failed: `docker save` ends with an exit code of its own."""

    def end(_call: str) -> None:
        monkeypatch.setattr(stopping, "check", stop)
        raise ToolFailedError(["docker", "save"], 130, "")

    deploying.workspace.cluster.on_call = end
    assert stopped(begin(deploying, "api")).why == "api was not sent"
    assert "Failed" not in moves(deploying, "api")


def test_a_stop_half_way_tells_what_was_sent(deploying: Deploying) -> None:
    """And how far that is, as far as it was seen."""
    deploying.workspace.fake_helm.fates["web"] = [((0.0, waits("ContainerCreating")),)]
    doing = begin(deploying, "api", "web")

    def stop_in_time() -> None:
        if "Pending" in moves(deploying, "web"):
            stop()

    deploying.workspace.clock.on_sleep = stop_in_time
    error = stopped(doing)
    assert error.why == "api is Ready; web was sent and is Pending"
    assert (error.what, error.fix) == ("Stopped", "`./inv deploy` goes on from here")


def test_a_stop_of_a_deploy_that_had_little_to_do(deployed: Deploying) -> None:
    """What is unchanged is Ready, what was to be upgraded still serves as it did."""
    deployed.change("web")
    doing = begin(deployed)
    deployed.workspace.docker.on_call = stop
    assert stopped(doing).why == "api is Ready; web was not sent; mail is Ready"


def test_a_stop_while_a_release_was_waited_for(deployed: Deploying) -> None:
    """Nothing of it was sent by this deploy."""
    api = deployed.workspace.fake_api
    api.apply(deployed.records["api"].newest.manifests, ((0.0, waits("ContainerCreating")),))
    assert pipeline.plan(deployed.workspace, ("api",)).releases[0].verb is Verb.WATCH
    doing = begin(deployed, "api")
    deployed.workspace.clock.on_sleep = stop
    assert stopped(doing).why == "api was not waited for"


def test_ctrl_c_is_told_as_the_same(deploying: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised in the thread that waits for the others."""

    def interrupt(*_: object, **__: object) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    doing = begin(deploying, "api", "web")
    monkeypatch.setattr(jobs, "wait", interrupt)
    error = stopped(doing)
    assert error.why == "api was not sent; web was not sent"
    assert DeploymentState.READY not in moves(deploying, "api")
