"""Replacing a secret: the file, the releases that use it, and the way back."""

from __future__ import annotations

import base64
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dockyard import credentials, envfile
from dockyard.deploy import rotate as rotation
from dockyard.deploy.pipeline import deploy
from dockyard.deploy.rotate import Rotated, rotate
from dockyard.model.errors import (
    ClusterError,
    LeftFailedError,
    RefusedError,
    RolloutError,
    StoppedError,
    UnknownNameError,
)
from dockyard.model.events import Move, Report, Step
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.lock import LockedError
from dockyard.tools.identity import Identity
from dockyard.workspace import Workspace
from tests.deploy.conftest import BASE, NAMES, PROJECT, Deploying, chart
from tests.deploy.test_pipeline import CRASHES
from tests.fakes import SECRETS, FakeDocker, FakeWorkspace, Recorder, fake_workspace

OLD = "x7Kq2mVp9TzR4wYbC3nD"
TEXT = f"# ours\r\nOTHER='a # b'\n  export KEY = {OLD} # replaced each month\nLAST=1"
OWN = "web-own"
"""The Secret that Dockyard writes itself for `web`, whose values Helm never has."""

USERS: dict[str, dict[str, Any]] = {
    "web": {
        "existingSecret": OWN,
        "secrets": {"KEY": {"generate": True, "minLength": 20}, "OTHER": {"required": False}},
    },
    "mail": {"secrets": ["KEY"]},
}


@pytest.fixture
def workspace(tmp_path: Path) -> FakeWorkspace:
    """Three releases, of which `web` and `mail` use KEY, and `web` needs `api`."""
    for name in NAMES:
        (tmp_path / f"{name}-image").mkdir()
        (tmp_path / f"{name}-image" / "main.py").write_text("print(1)\n", encoding="utf-8")
        (tmp_path / f"{name}.Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
        (tmp_path / "helm" / name).mkdir(parents=True)
        (tmp_path / "helm" / name / "Chart.yaml").touch()
    releases: dict[str, Any] = {name: {**spec, **USERS.get(name, {})} for name, spec in PROJECT["releases"].items()}
    charts = {name: chart(name, config={"SECRETS": SECRETS} if name in USERS else None) for name in NAMES}
    (tmp_path / ".env").write_bytes(TEXT.encode())
    (tmp_path / ".env").chmod(0o640)
    return fake_workspace(
        tmp_path,
        {**PROJECT, "releases": releases},
        docker=FakeDocker(BASE),
        charts=charts,
        secrets={"KEY": OLD, "OTHER": "a # b"},
    )


def value(workspace: FakeWorkspace) -> str:
    """Return what .env says now."""
    return envfile.read(workspace.root / ".env")["KEY"]


def in_cluster(workspace: FakeWorkspace) -> str:
    """Return the value that the Secret in the cluster has now."""
    there = workspace.fake_api.get("Secret", OWN)
    assert there is not None
    return base64.b64decode(there["data"]["KEY"]).decode()


def turn(deployed: Deploying, *, name: str = "KEY") -> Rotated:
    """Replace a secret."""
    deployed.forget()
    deployed.workspace.redactor.learn(deployed.workspace.secrets)
    return rotate(deployed.workspace, name, deployed.report, deployed.options(), gate=_gate)


def _gate(
    workspace: Workspace,
    names: tuple[str, ...],
    references: Mapping[str, str],
    report: Report,
    *,
    kubernetes_version: str,
) -> None:
    """Refuse nothing."""


def agree(deployed: Deploying) -> bool:
    """Tell whether a plain deploy, which reads .env anew, finds nothing to do."""
    found = credentials.read(deployed.workspace.root, {}, ["KEY", "OTHER"])
    fresh = replace(deployed.workspace, secrets=found)
    deployed.workspace.fake_helm.calls.clear()
    deploy(fresh, NAMES, Recorder(), deployed.options(), gate=_gate)
    return deployed.changes == []


def test_a_new_value_goes_to_the_file_and_to_who_uses_it(deployed: Deploying) -> None:
    """Nobody else is touched; the file is private, and every other byte of it is as it was."""
    done = turn(deployed)
    new = value(deployed.workspace)
    assert done.releases == ("web", "mail")
    assert sorted(deployed.changes) == ["upgrade mail", "upgrade web"]
    assert new == in_cluster(deployed.workspace) != OLD
    assert len(new) >= 20
    assert (deployed.workspace.root / ".env").read_bytes().decode() == TEXT.replace(OLD, f"'{new}'")
    assert stat.S_IMODE((deployed.workspace.root / ".env").stat().st_mode) == 0o600
    assert agree(deployed)


def test_nothing_that_is_told_holds_a_value(deployed: Deploying) -> None:
    """The redactor knows both values from the first event on."""
    turn(deployed)
    redact = deployed.workspace.redactor.redact
    assert redact(f"{OLD} {value(deployed.workspace)}") == "*** ***"
    assert value(deployed.workspace) not in repr(deployed.report.events)


@pytest.mark.parametrize("who", ["web", "mail"])
def test_a_release_that_fails_takes_all_back(deployed: Deploying, who: str) -> None:
    """It is rolled back by the engine, the other one is deployed with the old value, and file and cluster agree."""
    deployed.workspace.fake_helm.fates[who] = [CRASHES]
    with pytest.raises(RolloutError, match=f"KEY was not replaced: Release {who} failed and was rolled back") as caught:
        turn(deployed)
    assert caught.value.exit_code == 1
    assert "have the old value" in caught.value.why
    assert (deployed.workspace.root / ".env").read_bytes().decode() == TEXT
    assert in_cluster(deployed.workspace) == OLD
    assert agree(deployed)


def test_a_way_back_that_fails_is_said(deployed: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file has the old value, and the exit code says that something is left."""
    calls = iter([RolloutError("Release web failed and was rolled back"), RolloutError("Release mail failed")])

    def fail(_workspace: object, _names: object, report: Callable[[object], None], *_: object, **__: object) -> None:
        report(moved("mail"))
        report(Step("mail", "release", service="mail", step="release", ended=True))
        raise next(calls)

    monkeypatch.setattr(rotation, "deploy", fail)
    with pytest.raises(LeftFailedError, match="not every release could be brought back to it: Release mail failed"):
        turn(deployed)
    assert value(deployed.workspace) == OLD


def test_where_the_cluster_goes_away_nothing_is_said_to_be_back(
    deployed: Deploying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows then what a release has that was sent: it is tried, and said that it did not work."""
    tried = []

    def fail(_workspace: object, names: object, report: Callable[[object], None], *_: object, **__: object) -> None:
        tried.append(names)
        report(moved("web"))
        raise ClusterError("The cluster is stopped")

    monkeypatch.setattr(rotation, "deploy", fail)
    with pytest.raises(LeftFailedError, match="not every release could be brought back to it: The cluster is stopped"):
        turn(deployed)
    assert tried == [("api", "web", "mail"), ("web",)]
    assert value(deployed.workspace) == OLD


def moved(release: str) -> Move:
    """Return the event of a release that is sent."""
    return Move(release, DeploymentState.UPGRADING, service=release)


def test_a_deploy_that_is_refused_leaves_all_as_it_was(deployed: Deploying) -> None:
    """Somebody else deploys: the file is as it was, and nothing is sent."""
    deployed.alive = True
    deployed.held_by(Identity("bob", "there", 8, "", "", "inv deploy"))
    with pytest.raises(LockedError):
        turn(deployed)
    assert deployed.changes == []
    assert (deployed.workspace.root / ".env").read_bytes().decode() == TEXT


def test_who_stops_it_is_told_how_things_are(deployed: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file has the old value; what may run with the new one is named, and what to do."""

    def stop(_workspace: object, _names: object, report: Callable[[object], None], *_: object, **__: object) -> None:
        report(moved("web"))
        raise StoppedError("Stopped", why="web was sent and is Running")

    monkeypatch.setattr(rotation, "deploy", stop)
    with pytest.raises(StoppedError) as caught:
        turn(deployed)
    assert "web may run with the new one: web was sent and is Running." in str(caught.value)
    assert "`./inv deploy` brings every release to what .env says" in str(caught.value)
    assert value(deployed.workspace) == OLD


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_before_anything_is_sent_nothing_is_left(
    deployed: Deploying, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """Not even by an error of our own."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(rotation, "deploy", fail)
    with pytest.raises((StoppedError, ZeroDivisionError)):
        turn(deployed)
    assert (deployed.workspace.root / ".env").read_bytes().decode() == TEXT


def test_what_was_written_meanwhile_stays(deployed: Deploying) -> None:
    """Only the value itself is taken back."""
    path = deployed.workspace.root / ".env"
    deployed.workspace.fake_helm.fates["mail"] = [CRASHES]

    def edit(call: str) -> None:
        if call != "upgrade mail":  # releases are sent side by side, and one editor is enough
            return
        path.write_text(path.read_text(encoding="utf-8").replace("LAST=1", "LAST=2"), encoding="utf-8")

    deployed.workspace.fake_helm.on_call = edit
    with pytest.raises(RolloutError):
        turn(deployed)
    assert envfile.read(path) == {"OTHER": "a # b", "KEY": OLD, "LAST": "2"}


def test_killed_at_any_moment_a_plain_deploy_mends_it(deployed: Deploying) -> None:
    """Whichever value the file has: here the new one, and the releases the old one."""
    path = deployed.workspace.root / ".env"
    envfile.write(path, envfile.put(TEXT, "KEY", "n" + OLD))
    assert not agree(deployed)
    assert sorted(deployed.changes) == ["upgrade mail", "upgrade web"]
    assert agree(deployed)


def test_only_what_can_be_made_is_replaced(deployed: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each refusal says what to do instead, and touches nothing."""
    with pytest.raises(UnknownNameError, match="no secret named 'KEX'"):
        turn(deployed, name="KEX")
    with pytest.raises(RefusedError, match=r"OTHER cannot be made here.*Put the new value into .env"):
        turn(deployed, name="OTHER")
    monkeypatch.setitem(credentials.TAKEN, "KEY", OLD)
    with pytest.raises(RefusedError, match=r"KEY comes from the environment.*Set the new value there"):
        turn(deployed)
    (deployed.workspace.root / ".env").unlink()
    with pytest.raises(RefusedError, match=r"There is no .env"):
        turn(deployed)
    assert deployed.changes == []


def test_a_pattern_that_no_random_value_matches_is_said(deployed: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is as it was."""
    monkeypatch.setattr(credentials, "random_value", lambda _: "")
    with pytest.raises(RefusedError, match="No random value was found that matches the pattern of KEY"):
        turn(deployed)
    assert value(deployed.workspace) == OLD
