"""Helm 3 and 4 as they are called."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from dockyard.model.errors import ToolFailedError
from dockyard.tools.helm import OWN, Helm, ReleaseFacts, RevisionFacts
from dockyard.tools.target import Target
from tests.tools.fake import Call, Fake

pytestmark = pytest.mark.process

CHART = Path("helm/backend")
ODD = 'pg://u:p@db/x?a=1,b="\\ä\n'
"""What `--set` would damage."""

TEXTS = ("1e5", "0123", "yes", "null", "~", "1_000", "0x1F", "12:30", "=", "*a", "a: b", "", "word " * 100)
"""What a YAML reader takes for a number, a truth or a mapping where it is not quoted, and what it would fold."""

Use = Callable[[Helm], object]


@pytest.fixture(params=["v3.17.3", "v4.3.1"], ids=["3", "4"])
def helm(request: pytest.FixtureRequest, fake: Fake, target: Target) -> Helm:
    """Return the wrapper around a fake Helm of each major version."""
    fake.answer("version", out=request.param)
    return Helm(fake.path, target)


def last(fake: Fake) -> Call:
    """Return the last call; the ones before ask for the version."""
    assert all(call.argv[0] == "version" for call in fake.calls[:-1])
    return fake.calls[-1]


def own(fake: Fake, target: Target) -> list[str]:
    """Return the last call's arguments without those that name the cluster, which must be there once each."""
    where = [f"--kubeconfig={target.kubeconfig}", f"--kube-context={target.context}", f"--namespace={target.namespace}"]
    argv = list(last(fake).argv)
    for option in where:
        argv.remove(option)
    assert not [word for word in argv if word.startswith(("--kube", "--namespace"))]
    return argv


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (lambda helm: helm.uninstall("app"), "uninstall app --cascade foreground --timeout 120s"),
        (lambda helm: helm.history("app"), "history app --output json"),
        (lambda helm: helm.manifest("app"), "get manifest app"),
        (lambda helm: helm.manifest("app", revision=3), "get manifest app --revision 3"),
    ],
    ids=["uninstall", "history", "manifest", "manifest of a revision"],
)
def test_calls_name_their_cluster(fake: Fake, target: Target, use: Use, expected: str) -> None:
    """Each call has its arguments, and kubeconfig, context and namespace once."""
    fake.answer("history", out="[]")
    use(Helm(fake.path, target))
    assert own(fake, target) == expected.split()


def apply_options(helm: Helm) -> list[str]:
    """Return the options with which Helm 4 always applies server-side; Helm 3 has only the three-way merge."""
    return ["--server-side=true", "--force-conflicts"] if helm.major == 4 else []


def test_an_upgrade_installs_too(fake: Fake, helm: Helm, target: Target) -> None:
    """Nobody waits, no old value comes back, and no field of another field manager makes it fail."""
    helm.upgrade("app", CHART, {})
    ours = ["--reset-values", "--values=-", "--description=Sent by Dockyard"]
    limit = ["--timeout", "120s"]
    assert own(fake, target) == ["upgrade", "app", "helm/backend", "--install", *ours, *apply_options(helm), *limit]


def test_a_rollback_applies_as_an_upgrade_does(fake: Fake, helm: Helm, target: Target) -> None:
    """Also to a revision that was applied client-side, and over fields of other field managers."""
    helm.rollback("app", 2)
    assert own(fake, target) == ["rollback", "app", "2", *apply_options(helm)]


def test_the_users_environment_leads_helm_nowhere_else(
    fake: Fake, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its variables would win over the kubeconfig that each call names; others of Helm's stay."""
    for name in (*OWN, "HELM_CACHE_HOME"):
        monkeypatch.setenv(name, "elsewhere")
    Helm(fake.path, target).uninstall("app")
    given = dict(fake.call.helm)
    assert given.pop("HELM_CACHE_HOME") == "elsewhere"
    assert given.pop("HELM_DRIVER") == "secret"
    assert given == dict.fromkeys(OWN.keys() - {"HELM_DRIVER"}, "")


def test_releases_in_every_state_are_listed(fake: Fake, helm: Helm, target: Target) -> None:
    """Helm 3 hides pending ones where it is not told; Helm 4 shows all and refuses the option."""
    fake.answer("list", out="[]")
    assert helm.releases() == ()
    only_three = ["--all"] if helm.major == 3 else []
    assert own(fake, target) == ["list", *only_three, "--output", "json"]


def test_the_major_version_is_asked_once(fake: Fake, helm: Helm) -> None:
    """Every start of Helm costs."""
    assert helm.major == helm.major
    assert helm.major in {3, 4}
    assert len(fake.calls) == 1


def test_values_are_given_on_standard_input(fake: Fake, helm: Helm) -> None:
    """A secret is in no argument, where `ps` would show it, and arrives byte for byte."""
    values: dict[str, Any] = {"secrets": {"DATABASE_URL": ODD}, "replicas": 2, "debug": False}
    helm.upgrade("app", CHART, values)
    call = last(fake)
    assert yaml.safe_load(call.stdin) == values
    assert not [word for word in call.argv if "pg://" in word or "DATABASE" in word]


def test_text_stays_text(fake: Fake) -> None:
    """Each is quoted and stands on one line, so that every YAML reader reads the same."""
    values = {f"key {at}": text for at, text in enumerate(TEXTS)}
    Helm(fake.path).template("app", CHART, values)
    assert fake.call.stdin.splitlines() == [f'"{key}": "{text}"' for key, text in values.items()]
    assert yaml.safe_load(fake.call.stdin) == values


def test_the_document_wins_over_files(fake: Fake, helm: Helm) -> None:
    """Helm lets the last `--values` win."""
    helm.upgrade("app", CHART, {}, files=[Path("a.yaml"), Path("b.yaml")])
    values = [word for word in last(fake).argv if word.startswith("--values")]
    assert values == ["--values=a.yaml", "--values=b.yaml", "--values=-"]


def test_a_failed_upgrade_shows_no_value(fake: Fake, helm: Helm) -> None:
    """The error has the command and what Helm said; the document is not in it."""
    fake.answer("upgrade", err="Error: another operation (install/upgrade/rollback) is in progress\n", code=1)
    with pytest.raises(ToolFailedError, match="is in progress") as caught:
        helm.upgrade("app", CHART, {"secret": "hunter2"})
    assert "hunter2" not in f"{caught.value!r} {vars(caught.value)}"


def test_rendering_needs_no_cluster(fake: Fake) -> None:
    """It names none; it is rendered as an upgrade, with the namespace it is for."""
    fake.answer("template", out="kind: Service\n")
    helm = Helm(fake.path)
    assert helm.template("app", CHART, {"a": "b"}, files=[Path("c.yaml")], namespace="todo") == "kind: Service\n"
    assert fake.call.stdin == '"a": "b"\n'
    assert fake.call.argv == (
        *("template", "app", "helm/backend", "--namespace", "todo", "--is-upgrade"),
        *("--values=c.yaml", "--values=-"),
    )


def test_a_helm_without_a_cluster_goes_to_none(fake: Fake) -> None:
    """Rather an error than the user's current context."""
    with pytest.raises(ValueError, match="no cluster"):
        Helm(fake.path).uninstall("app")
    assert fake.calls == ()


def test_lint_takes_all_charts_at_once(fake: Fake) -> None:
    """One start of Helm for all; a finding is the caller's to judge."""
    fake.answer("lint", out="[ERROR] Chart.yaml\n", err="1 chart(s) failed", code=1)
    done = Helm(fake.path).lint([CHART, Path("helm/mcp")], {"a": "b"}, files=[Path("v.yaml")])
    assert (done.returncode, done.stdout) == (1, "[ERROR] Chart.yaml\n")
    assert fake.call.argv == ("lint", "--strict", "--values=v.yaml", "--values=-", "helm/backend", "helm/mcp")
    assert fake.call.stdin == '"a": "b"\n'


@pytest.mark.parametrize(
    ("app_version", "version"), [(None, ()), ("0.0.0-abc", ("--app-version", "0.0.0-abc"))], ids=["own", "given"]
)
def test_a_package_is_where_helm_says(
    fake: Fake, tmp_path: Path, app_version: str | None, version: tuple[str, ...]
) -> None:
    """The archive's name has the chart's version in it, which only Helm knows."""
    archive = tmp_path / "with: colon" / "ai-todo-backend-1.0.0.tgz"
    fake.answer("package", out=f"Successfully packaged chart and saved it to: {archive}\n")
    assert Helm(fake.path).package(CHART, tmp_path, app_version=app_version) == archive
    assert fake.call.argv == ("package", "helm/backend", "--destination", str(tmp_path), *version)


def test_releases_are_read(fake: Fake, helm: Helm) -> None:
    """A revision is text in `helm list`; other keys are Helm's own affair."""
    entry = {
        "name": "backend",
        "namespace": "todo",
        "revision": "12",
        "updated": "2026-11-23 20:51:02.123456789 +0000 UTC",
        "status": "pending-upgrade",
        "chart": "ai-todo-backend-1.0.0",
        "app_version": "0.0.0-abc",
    }
    fake.answer("list", out=[entry, {**entry, "name": "old", "app_version": ""}])
    first, second = helm.releases()
    assert first == ReleaseFacts("backend", 12, "pending-upgrade", "ai-todo-backend-1.0.0", "0.0.0-abc")
    assert (second.name, second.app_version) == ("old", "")


def test_revisions_are_read(fake: Fake, helm: Helm) -> None:
    """A revision is a number in `helm history`; its time has nanoseconds and a zone."""
    fake.answer(
        "history",
        out=[
            {
                "revision": 1,
                "updated": "2026-11-23T20:51:02.123456789Z",
                "status": "superseded",
                "chart": "ai-todo-backend-1.0.0",
                "app_version": "0.0.0-abc",
                "description": "Install complete",
            },
            {"revision": 2, "updated": "2026-11-23T21:51:02.5+01:00", "status": "failed", "chart": "c-1"},
        ],
    )
    first, second = helm.history("backend")
    made = datetime(2026, 11, 23, 20, 51, 2, 123456, tzinfo=UTC)
    assert first == RevisionFacts(1, made, "superseded", "0.0.0-abc", "Install complete")
    assert (second.revision, second.app_version, second.description) == (2, "", "")
    assert second.updated == datetime(2026, 11, 23, 20, 51, 2, 500000, tzinfo=UTC)


def test_a_release_that_is_not_there_has_no_history(fake: Fake, helm: Helm) -> None:
    """Helm's error for it is an answer; any other error stays one."""
    fake.answer("history", err="Error: release: not found\n", code=1)
    assert helm.history("backend") == ()
    fake.answer("history", err="Error: Kubernetes cluster unreachable: lookup cluster.invalid: host not found", code=1)
    with pytest.raises(ToolFailedError, match="unreachable"):
        helm.history("backend")


def test_a_manifest_is_what_helm_sent(fake: Fake, helm: Helm) -> None:
    """It comes as it is."""
    fake.answer("get", "manifest", out="---\nkind: Service\n")
    assert helm.manifest("backend") == "---\nkind: Service\n"
