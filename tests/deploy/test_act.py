"""Carrying out a plan: what is done in which order, told by whom, and in what state things are when it is stopped."""

from __future__ import annotations

import shutil
from collections import namedtuple
from dataclasses import replace
from typing import Any

import pytest

from dockyard.deploy import graph
from dockyard.deploy.act import Act, load
from dockyard.deploy.plan import make_plan
from dockyard.model.errors import BuildError, MachineError, RefusedError, RolloutError, StoppedError
from dockyard.model.events import Move, Progress
from dockyard.model.lifecycle import DeploymentState
from dockyard.model.project import Project
from dockyard.releases.lock import Claim, Lock
from dockyard.releases.plan import Verb
from dockyard.releases.rollout import Policy
from dockyard.releases.site import connect
from tests.deploy.conftest import BASE, ME, NAMES, NOON, Deploying, looked
from tests.fakes import FakeWorkspace, Recorder, rendered
from tests.releases.objects import waits

Usage = namedtuple("Usage", ["total", "used", "free"])  # noqa: PYI024 - shutil's own has no public name


def act(deploying: Deploying, *names: str) -> Act:
    """Return what a deploy would do now, ready to be done."""
    site = connect(deploying.workspace)
    facts = looked(deploying.workspace, names or NAMES, site)
    lock, policy = Lock(Claim(ME, NOON)), Policy()
    return Act(site, facts, make_plan(facts), deploying.report, lock, policy, deploying.gate)


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
    act(deploying, "api").run(jobs=1)
    assert deploying.steps() == [
        ("api", step, ended, True) for step in ("build", "load", "release") for ended in (False, True)
    ]


def test_a_step_that_fails_is_told_to_have_ended_badly(deploying: Deploying) -> None:
    """Else a timeline would show it as going on."""
    deploying.workspace.docker.failure = "ERROR"
    with pytest.raises(BuildError):
        act(deploying, "api").run(jobs=1)
    assert deploying.steps() == [("api", "build", False, True), ("api", "build", True, False)]


def test_work_on_an_image_is_told_under_the_release_that_runs_it(deploying: Deploying) -> None:
    """Every event of a deploy has a row on the board."""
    act(deploying, "api").run(jobs=1)
    about = {event.subject: event.service for event in deploying.report.events}
    assert about == {"api": "api", "api-image": "api"}


def test_an_image_that_two_releases_run_is_made_once(deploying: Deploying) -> None:
    """Under the first one's name, and both of them are then being loaded; the release without one waits for nothing."""
    both = shared(deploying)
    done = act(both).run(jobs=4)
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
        act(deployed, "api").run(jobs=1)
    assert moves(deployed, "api") == [
        *("Ready", "Upgrading", "Failed"),
        *("Upgrading", "Pending", "Running", "Ready"),
    ]


def test_what_is_unchanged_is_told_to_be_ready_and_no_step_is_made_of_it(deployed: Deploying) -> None:
    """A row on the board, and nothing in the timeline."""
    done = act(deployed, "api").run(jobs=1)
    assert (moves(deployed, "api"), deployed.steps()) == (["Ready"], [])
    assert [(entry.verb, entry.revision) for entry in done] == [(Verb.NOTHING, 1)]


# --- loading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "text", "megabytes"),
    [(3_000_000, "3.0 MB sent", 3.0), (100_000, "0.1 MB sent", 0.1), (99_900, "99.9 kB sent", 0.1)],
)
def test_a_load_tells_how_much_was_sent(
    workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch, sent: int, text: str, megabytes: float
) -> None:
    """A changed line of source is kilobytes."""
    report, real = Recorder(), workspace.cluster.load
    monkeypatch.setattr(workspace.cluster, "load", lambda *given: replace(real(*given), sent=sent))
    load(workspace, "web-image:v1", report)
    (event,) = (event for event in report.events if not event.passing)
    assert (event.subject, event.stage, event.text) == ("web-image", "Loaded", text)
    assert event.progress == Progress(megabytes, megabytes, "MB")


def test_a_load_of_what_is_there_says_so(workspace: FakeWorkspace) -> None:
    """No byte was sent."""
    report = Recorder()
    for _ in range(2):
        load(workspace, "web-image:v1", report)
    assert report.lasting == [("web-image", "Loaded"), ("web-image", "Unchanged")]


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_nothing_more_is_begun_without_the_lock(deploying: Deploying) -> None:
    """Whoever has it now works on the same releases."""
    doing = act(deploying)
    doing.lock.lost.set()
    with pytest.raises(RefusedError, match="The lock was lost") as caught:
        doing.run(jobs=1)
    assert caught.value.exit_code == 4
    assert (deploying.built, deploying.loaded, deploying.changes) == ([], [], [])


def test_a_lock_that_is_lost_on_the_way_ends_the_deploy_at_the_next_step(deploying: Deploying) -> None:
    """What was begun is brought to its end."""
    doing = act(deploying, "api", "web")
    deploying.workspace.fake_helm.on_call = lambda _: doing.lock.lost.set()
    with pytest.raises(RefusedError, match="The lock was lost"):
        doing.run(jobs=1)
    assert deploying.changes == ["upgrade api"]
    assert deploying.records["api"].good == {1}


def test_a_full_disk_is_told_before_anything_is_built(deploying: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for images; where none is built or loaded none is needed."""
    deploying.workspace.docker.root = deploying.workspace.root
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _folder: Usage(10, 10, 0))
        with pytest.raises(MachineError, match=r"Only 0\.0 GB are free"):
            act(deploying).run(jobs=1)
    assert deploying.built == []
    act(deploying).run(jobs=1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10, 10, 0))
    act(deploying).run(jobs=1)


def test_a_load_alone_needs_room_too(deployed: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node keeps a copy."""
    deployed.workspace.docker.root = deployed.workspace.root
    deployed.workspace.cluster.held.clear()
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10, 10, 0))
    with pytest.raises(MachineError):
        act(deployed).run(jobs=1)
    assert deployed.loaded == []


# --- being stopped ----------------------------------------------------------------------------------------------------


def stopped(doing: Act, **options: Any) -> StoppedError:  # noqa: ANN401 - as of `run`
    """Return how a deploy ends that somebody stops."""
    with pytest.raises(StoppedError) as caught:
        doing.run(jobs=1, **options)
    assert caught.value.exit_code == 130
    return caught.value


def stop(*_: object) -> None:
    """What a wait or a program does that is ended by a signal."""
    raise StoppedError("Stopped")


def test_a_stop_before_anything_was_sent_says_so(deploying: Deploying) -> None:
    """The cluster is as it was."""
    deploying.workspace.docker.on_call = stop
    assert stopped(act(deploying)).why == "api was not sent; web was not sent; mail was not sent"


def test_a_stop_while_an_image_is_loaded_sent_no_release(deploying: Deploying) -> None:
    """Loading is not sending."""
    deploying.workspace.cluster.on_call = stop
    assert stopped(act(deploying, "api")).why == "api was not sent"


def test_a_stop_half_way_tells_what_was_sent(deploying: Deploying) -> None:
    """And how far that is, as far as it was seen."""
    deploying.workspace.fake_helm.fates["web"] = [((0.0, waits("ContainerCreating")),)]
    doing = act(deploying, "api", "web")

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
    doing = act(deployed)
    deployed.workspace.docker.on_call = stop
    assert stopped(doing).why == "api is Ready; web was not sent; mail is Ready"


def test_a_stop_while_a_release_was_waited_for(deployed: Deploying) -> None:
    """Nothing of it was sent by this deploy."""
    api = deployed.workspace.fake_api
    api.apply(deployed.records["api"].newest.manifests, ((0.0, waits("ContainerCreating")),))
    doing = act(deployed, "api")
    assert doing.plan.releases[0].verb is Verb.WATCH
    deployed.workspace.clock.on_sleep = stop
    assert stopped(doing).why == "api was not waited for"


def test_ctrl_c_is_told_as_the_same(deploying: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised in the thread that waits for the others."""

    def interrupt(*_: object, **__: object) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    doing = act(deploying, "api", "web")
    monkeypatch.setattr(graph, "wait", interrupt)
    error = stopped(doing)
    assert error.why == "api was not sent; web was not sent"
    assert doing.facts.releases[0].live is None
    assert DeploymentState.READY not in moves(deploying, "api")
