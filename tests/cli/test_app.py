"""Everyday tasks: what is asked of the layers below, and what is shown of it."""

from __future__ import annotations

import json
import os
import signal
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dockyard.cli import wiring
from dockyard.deploy import pipeline
from dockyard.deploy.options import Options
from dockyard.model.errors import LeftFailedError, RefusedError, RolloutError, StoppedError
from dockyard.releases import records
from dockyard.releases.plan import Verb
from dockyard.releases.rollout import Deployed, Policy
from dockyard.releases.verify import Served
from dockyard.tools import stop
from dockyard.tools.http import Answer
from tests.cli.conftest import Inv
from tests.fakes import RUNS, FakeWorkspace
from tests.releases.objects import waits

SERVED = Served("api", "http://127.0.0.1:30081", (Answer("http://127.0.0.1:30081/health", 200, "ok"),))
CRASHES = ((0.0, waits("CrashLoopBackOff", restarts=3, ended={"exitCode": 3})),)


class Asked:
    """What the pipeline was asked for; nothing is done.

    Attributes:
        names: The releases, of each deploy.
        options: How it was to be done.
        failure: What it ends with.
    """

    def __init__(self) -> None:
        self.names: list[tuple[str, ...]] = []
        self.options: list[Options] = []
        self.failure: BaseException | None = None

    def deploy(
        self, _workspace: object, names: tuple[str, ...], _report: object, options: Options, **_: object
    ) -> tuple[Deployed, ...]:
        """Say that all went well."""
        self.names.append(names)
        self.options.append(options)
        if self.failure:
            raise self.failure
        return (Deployed("api", Verb.INSTALL, 1, "v1", (SERVED,)),)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The stand-in, in place of the real deploy."""
    made = Asked()
    monkeypatch.setattr(pipeline, "deploy", made.deploy)
    return made


# --- deploy -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("workspace")
def test_a_deploy_brings_every_release_and_shows_where_it_serves(
    inv: Inv, asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the order of `needs`; the URLs that answered come last."""
    assert inv("deploy") == 0
    assert asked.names == [("api", "web")]
    assert capsys.readouterr().out.split()[-4:] == ["api", "http://127.0.0.1:30081", "/health", "200"]


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(("release", "names"), [("api", ("api",)), ("web", ("api", "web"))])
def test_one_release_comes_with_what_it_needs(inv: Inv, asked: Asked, release: str, names: tuple[str, ...]) -> None:
    """And with nothing else."""
    assert inv("deploy", "--release", release) == 0
    assert asked.names == [names]


@pytest.mark.usefixtures("workspace")
def test_a_deploy_rolls_back_and_waits_for_nobody_where_nothing_else_is_said(inv: Inv, asked: Asked) -> None:
    """The defaults of the specification; who deploys is this process."""
    assert inv("deploy") == 0
    (how,) = asked.options
    assert (how.policy, how.wait_lock) == (Policy(roll_back=True, keep_failed=False), 0)
    assert (how.jobs >= 4, how.who.pid) == (True, os.getpid())


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    ("argv", "policy"),
    [
        (["--no-rollback"], Policy(roll_back=False)),
        (["--keep-failed"], Policy(keep_failed=True)),
        (["--no-rollback", "--keep-failed"], Policy(roll_back=False, keep_failed=True)),
    ],
)
def test_what_becomes_of_a_failure_is_handed_on(inv: Inv, asked: Asked, argv: list[str], policy: Policy) -> None:
    """Each of the two by itself."""
    assert inv("deploy", *argv) == 0
    assert asked.options[0].policy == policy


def test_a_strict_deploy_refuses_what_others_only_warn_of(
    inv: Inv, sources: FakeWorkspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A .env that others may read, before anything starts, in a dry run too; the checks are asked for warnings."""
    strictness: list[bool] = []
    monkeypatch.setattr("dockyard.cli.app.refuse_errors", lambda *_, strict, **__: strictness.append(strict))
    (sources.root / ".env").touch(0o600)
    (sources.root / ".env").chmod(0o644)
    for argv in (["--strict"], ["--strict", "--dry-run"]):
        assert inv("deploy", *argv) == 4
        assert ".env is open to other users" in capsys.readouterr().err
    assert (sources.fake_api.changes, sources.cluster.calls, sources.docker.built) == ([], [], [])
    (sources.root / ".env").chmod(0o600)
    assert inv("deploy", "--strict") == 0
    assert strictness == [True]


@pytest.mark.usefixtures("workspace")
def test_jobs_and_the_wait_for_the_lock_are_handed_on(inv: Inv, asked: Asked) -> None:
    """As numbers."""
    assert inv("deploy", "--jobs", "1", "--wait-lock", "300") == 0
    assert (asked.options[0].jobs, asked.options[0].wait_lock) == (1, 300)


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--jobs", "0"], "--jobs is 0."),
        (["--jobs", "many"], "--jobs is 'many'."),
        (["--jobs=-1"], "--jobs is '-1'."),
        (["--wait-lock", "5s"], "--wait-lock is '5s'."),
    ],
)
def test_a_wrong_number_is_told_before_anything_is_done(
    inv: Inv, asked: Asked, argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence, and no traceback."""
    assert inv("deploy", *argv) == 1
    assert said in capsys.readouterr().err
    assert asked.names == []


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RolloutError("Release api failed and was rolled back", why="It crashed"), 1),
        (LeftFailedError("Release api failed and is left as it is"), 3),
        (RefusedError("Another deploy is at work in namespace default"), 4),
        (StoppedError("Stopped", why="api is Ready; web was not sent", fix="`./inv deploy` goes on from here"), 130),
    ],
    ids=["rolled back", "left failed", "refused", "stopped"],
)
def test_a_deploy_ends_with_the_code_of_what_became_of_it(
    inv: Inv, asked: Asked, error: StoppedError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """As docs/exit-codes.md has them, with the sentence."""
    asked.failure = error
    assert inv("deploy") == code
    shown = capsys.readouterr()
    for part in (error.what, error.why, error.fix):
        assert part in shown.err
    assert shown.out == ""


def test_a_profile_is_handed_on(
    inv: Inv, workspace: FakeWorkspace, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To whoever reads dockyard.yaml."""
    profiles: list[str | None] = []

    def opened(*, profile: str | None) -> FakeWorkspace:
        profiles.append(profile)
        return workspace

    monkeypatch.setattr(wiring, "open_workspace", opened)
    assert inv("deploy", "--profile", "ci") == inv("deploy") == 0
    assert profiles == ["ci", None]
    assert len(asked.names) == 2


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("task", ["deploy", "plan", "history", "rollback", "logs", "destroy"])
def test_an_unknown_release_names_the_nearest(
    inv: Inv, asked: Asked, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is done."""
    assert inv(task, "--release", "wbe") == 1
    assert "Did you mean 'web'?" in capsys.readouterr().err
    assert asked.names == []


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("task", ["history", "rollback", "logs"])
def test_help_in_the_place_of_a_name_is_no_release(inv: Inv, task: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is begun."""
    assert inv(task, "--help") == 1
    shown = capsys.readouterr().err
    assert "`./inv --help NAME`" in shown
    assert "Began" not in shown


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent is not looked at: charts of these tests are smaller than any check allows."""
    monkeypatch.setattr("dockyard.cli.app.refuse_errors", lambda *_, **__: None)


@pytest.fixture
def undisturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """NodePorts of these tests lead nowhere: they are not asked."""
    for module in ("rollout", "verify"):
        monkeypatch.setattr(f"dockyard.releases.{module}.verify", lambda *_, **__: (SERVED,))
    monkeypatch.setattr("dockyard.deploy.act.verify", lambda *_, **__: (SERVED,))


@pytest.mark.usefixtures("unchecked", "undisturbed")
def test_a_whole_deploy_and_then_nothing_to_do(
    inv: Inv, sources: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the command line to Helm; what is told goes to standard error, what it came to to standard output."""
    assert inv("deploy") == 0
    shown = capsys.readouterr()
    assert {call for call in sources.fake_helm.calls if "upgrade" in call} == {"upgrade api", "upgrade web"}
    assert "Ready" in shown.err
    assert "Ready" not in shown.out
    sources.fake_helm.calls.clear()
    assert inv("plan", "--exit-code") == 0
    assert "Nothing to do." in capsys.readouterr().out
    assert inv("deploy") == 0
    assert sources.fake_helm.calls == []


@pytest.mark.usefixtures("unchecked", "undisturbed")
def test_a_failing_deploy_shows_the_cause_and_the_last_lines(
    inv: Inv, sources: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, since the revision before serves again."""
    sources.fake_helm.fates["api"] = [CRASHES]
    sources.fake_api.lines = {("api-2-a", False): "no such option\n", ("api-2-a", True): "the run before\n"}
    assert inv("deploy") == 1
    err = capsys.readouterr().err
    assert "Release api failed and was rolled back." in err
    assert "ended 4 times, last with exit code 3" in err
    assert err.index("no such option") < err.index("the run before")


@pytest.mark.usefixtures("unchecked", "undisturbed")
def test_a_failing_deploy_without_rollback_ends_with_3(inv: Inv, sources: FakeWorkspace) -> None:
    """The failed revision is what is there."""
    sources.fake_helm.fates["api"] = [CRASHES]
    assert inv("deploy", "--no-rollback") == 3
    assert "rollback api 1" not in sources.fake_helm.calls


# --- plan -------------------------------------------------------------------------------------------------------------


def test_a_plan_names_actions_and_reasons(inv: Inv, sources: FakeWorkspace, capsys: pytest.CaptureFixture[str]) -> None:
    """A row each, and the exit code 0 where nobody asked for another; nothing is done."""
    assert inv("plan") == 0
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert rows[:4] == [["subject", "action"], ["api-image", "build"], ["api", "upgrade"], ["web", "install"]]
    assert (sources.fake_api.changes, sources.cluster.calls, sources.docker.built) == ([], [], [])


@pytest.mark.usefixtures("sources")
def test_a_plan_ends_with_2_where_there_is_something_to_do(inv: Inv) -> None:
    """Where that was asked for: a pipeline decides by it."""
    assert inv("plan", "--exit-code") == 2
    assert inv("plan", "--exit-code", "--release", "api") == 2


def test_a_dry_run_is_the_plan(inv: Inv, sources: FakeWorkspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Word for word; and it deploys nothing."""
    assert inv("plan") == 0
    planned = capsys.readouterr().out
    assert inv("deploy", "--dry-run") == 0
    assert capsys.readouterr().out == planned
    assert sources.fake_api.changes == []


# --- status, history, url, logs ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("workspace")
def test_status_is_a_table_and_json(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """The same rows for people and for machines."""
    assert inv("status") == 0
    table = capsys.readouterr().out
    assert table.splitlines()[0].split() == ["release", "state", "revision", "image", "tag", "pods", "note"]
    assert "api      Ready" in table
    assert inv("status", "--json") == 0
    shown = capsys.readouterr()
    api, web = json.loads(shown.out)
    assert (api["release"], api["state"], api["revision"], api["tag"]) == ("api", "Ready", 2, "v2")
    assert (web["release"], web["state"]) == ("web", "Absent")
    assert shown.err == ""


def test_status_tells_what_is_missing(inv: Inv, workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a release that a killed Helm left, both Helm's word and what pods say."""
    workspace.fake_helm.record("api", workspace.fake_helm.kept("api")[-1].text, status="pending-upgrade", tag="v3")
    assert inv("status", "--json") == 0
    api, _ = json.loads(capsys.readouterr().out)
    assert (api["revision"], api["note"]) == (3, "Helm says pending-upgrade.")


@pytest.mark.usefixtures("workspace")
def test_history_shows_which_revisions_were_good(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """Oldest first; only what Dockyard saw Ready is good."""
    assert inv("history", "--release", "api") == 0
    head, *lines = capsys.readouterr().out.splitlines()
    column = head.index("good")
    assert [(line.split()[:2], line[column : column + 4].strip()) for line in lines] == [
        (["1", "2026-01-01"], "yes"),
        (["2", "2026-01-01"], "-"),
    ]


@pytest.mark.usefixtures("workspace")
def test_history_is_json_for_machines(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """With the same facts."""
    assert inv("history", "--release", "api", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["status"], row["good"], row["tag"]) for row in rows] == [
        ("superseded", True, "v1"),
        ("deployed", False, "v2"),
    ]


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("task", ["history", "rollback", "logs"])
def test_a_release_that_is_not_installed_is_told(inv: Inv, task: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is known, so no other name is guessed at."""
    assert inv(task, "--release", "web") == 1
    assert "Release web is not installed." in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["status"], ["url"], ["history", "-r", "api"], ["logs", "-r", "api"], ["destroy"]])
def test_a_cluster_that_does_not_run_is_told(
    inv: Inv, workspace: FakeWorkspace, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Asking starts none."""
    workspace.cluster.running = False
    assert inv(*argv) == 1
    assert "Run `./inv cluster.start`." in capsys.readouterr().err
    assert workspace.cluster.calls == []


@pytest.mark.usefixtures("workspace")
def test_url_is_a_table_and_json(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """Of what is installed."""
    assert inv("url") == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["api", "http://127.0.0.1:30081"]
    assert inv("url", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"api": "http://127.0.0.1:30081"}


def test_logs_come_under_the_name_of_their_pod(
    inv: Inv, workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """As they are: what looks like markup is none."""
    workspace.fake_api.lines = {("api-1-a", False): "[bold]started[/bold]\n"}
    assert inv("logs", "--release", "api", "--tail", "5") == 0
    assert capsys.readouterr().out == "--- api-1-a\n[bold]started[/bold]\n"


def test_logs_show_nothing_of_what_a_pod_was_given(
    inv: Inv, workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where .env has another value by now, or never had it: what the cluster has is removed too."""
    value = "x7Kq2mVp9TzR4wYb"
    data = {"DATABASE_URL": b64encode(f"postgresql://todo:{value}@db/todo".encode()).decode()}
    workspace.fake_api.put({"kind": "Secret", "metadata": {"name": "given"}, "type": "Opaque", "data": data})
    workspace.fake_api.lines = {("api-1-a", False): f"no route to {value}@db\n"}
    assert inv("logs", "--release", "api") == 0
    assert capsys.readouterr().out == "--- api-1-a\nno route to ***@db\n"


# --- rollback and destroy ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("argv", "revision"), [([], None), (["--revision", "1"], 1), (["--revision", "0"], 0)])
def test_a_rollback_is_asked_for_as_it_was_typed(
    inv: Inv,
    workspace: FakeWorkspace,
    monkeypatch: pytest.MonkeyPatch,
    argv: list[str],
    revision: int | None,
) -> None:
    """Without a number the layer below chooses; 0 is a number, and no revision."""
    asked: list[tuple[str, int | None, float]] = []

    def back(given: FakeWorkspace, release: str, wanted: int | None, _report: object, how: Options) -> Any:  # noqa: ANN401 - a pair
        assert given is workspace
        asked.append((release, wanted, how.wait_lock))
        return workspace.fake_helm.kept("api")[0], Deployed("api", Verb.UPGRADE, 3, "v1", (SERVED,))

    monkeypatch.setattr(pipeline, "roll_back", back)
    assert inv("rollback", "--release", "api", "--wait-lock", "7", *argv) == 0
    assert asked == [("api", revision, 7)]


def test_a_rollback_ends_with_a_sentence(
    inv: Inv, workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which revision it is, and as which it stands in the history; that one is good."""
    assert inv("rollback", "--release", "api") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "Release api serves revision 1 again (image tag v1), as revision 3."
    assert records.read_records(workspace.fake_api)["api"].good == {1, 3}


def test_a_rollback_whose_image_is_nowhere_touches_nothing(
    inv: Inv, workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither in the node nor in the engine: it says so before."""
    workspace.cluster.held.clear()
    workspace.docker.held.clear()
    assert inv("rollback", "--release", "api") == 1
    assert "The image api-image:v1 of that revision is gone, and nothing was touched." in capsys.readouterr().err
    assert workspace.fake_helm.calls == []


def test_a_rollback_to_what_does_not_become_ready_ends_with_3(
    inv: Inv, workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is left there: whoever asked for it may want to look."""
    workspace.fake_helm.fates["api"] = [CRASHES]
    assert inv("rollback", "--release", "api") == 3
    assert "does not become Ready." in capsys.readouterr().err


def test_destroy_takes_all_or_one(inv: Inv, workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not there is said, and is no mistake."""
    assert inv("destroy", "--release", "web") == 0
    assert list(records.read_records(workspace.fake_api)) == ["api"]
    assert inv("destroy") == 0
    assert records.read_records(workspace.fake_api) == {}
    assert "it is not installed" in capsys.readouterr().err


def test_nothing_is_written_by_asking(inv: Inv, workspace: FakeWorkspace, tmp_path: Path) -> None:
    """Neither files nor changes to the cluster."""
    for argv in (["status"], ["url"], ["history", "--release", "api"], ["logs", "--release", "api"]):
        assert inv(*argv) == 0
    assert list(tmp_path.iterdir()) == []
    assert (workspace.fake_helm.calls, workspace.cluster.calls, workspace.fake_api.changes) == ([], [], [])


# --- signals ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unchecked", "undisturbed")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_a_deploy_in_order(
    inv: Inv, sources: FakeWorkspace, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 130, a sentence on what state things are in, and the lock is given back."""
    slow = ((0.0, waits("ContainerCreating")), (20.0, RUNS))
    sources.fake_helm.fates["api"] = [slow]
    sources.clock.on_sleep = signalling(number, sources)
    assert inv("deploy", "--jobs", "1") == 130
    err = capsys.readouterr().err
    assert "api was sent and is Pending; web was not sent." in err
    assert "`./inv deploy` goes on from here." in err
    assert "Traceback" not in err
    assert ("Lease", "dockyard") not in sources.fake_api.objects


def signalling(number: int, workspace: FakeWorkspace) -> Callable[[], None]:
    """Return what a wait does: the signal arrives when pods are waited for, and ends this wait as the system's does."""

    def wait() -> None:
        if ("Pod", "api-2-a") not in workspace.fake_api.objects:
            return
        if not stop.is_asked():
            os.kill(os.getpid(), number)
        stop.pause(5)

    return wait
