"""Doing what was planned, and saying why Helm refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.charts.manifests import Manifests
from dockyard.charts.render import Rendered
from dockyard.model.errors import RolloutError, ToolFailedError
from dockyard.releases.apply import apply, recover, refusal
from dockyard.releases.plan import ReleaseAction, Verb
from tests.fakes import FakeHelm, Recorder

CHART = Rendered(
    release="web",
    tag="v2",
    archive=Path("web.tgz"),
    values={"image": {"repository": "web", "tag": "v2"}},
    files=(),
    manifests=Manifests({}),
)


def action(verb: Verb) -> ReleaseAction:
    """Return an action on the release."""
    return ReleaseAction("web", verb, "because")


def helm(*statuses: str) -> FakeHelm:
    """Return a Helm that has revisions of these states."""
    made = FakeHelm({"web": ""})
    for status in statuses:
        made.record("web", "", status=status)
    return made


@pytest.mark.parametrize("verb", [Verb.NOTHING, Verb.WATCH])
def test_nothing_is_sent_that_is_there(verb: Verb) -> None:
    """Neither Helm nor the screen is troubled."""
    fake, report = helm("deployed"), Recorder()
    apply(fake, action(verb), CHART, report, away=lambda: fake.uninstall("web"))
    assert (fake.calls, report.events) == ([], [])


@pytest.mark.parametrize(("verb", "stage"), [(Verb.INSTALL, "Installing"), (Verb.UPGRADE, "Upgrading")])
def test_a_release_is_sent_once(verb: Verb, stage: str) -> None:
    """With a state of the specification and the reason told before."""
    fake, report = helm(), Recorder()
    apply(fake, action(verb), CHART, report, away=lambda: fake.uninstall("web"))
    assert fake.calls == ["upgrade web"]
    assert [(event.stage, event.text) for event in report.events] == [(stage, "because")]


def test_a_release_that_was_deployed_once_is_rolled_back_before_it_is_sent() -> None:
    """The last revision that Helm deployed is the one to go back to, not the first and not the pending one."""
    fake, report = helm("superseded", "deployed", "failed", "pending-upgrade"), Recorder()
    apply(fake, action(Verb.RECOVER), CHART, report, away=lambda: fake.uninstall("web"))
    assert fake.calls == ["rollback web 2", "upgrade web"]
    assert report.lasting == [("web", "Recovering"), ("web", "Upgrading")]


def test_a_first_install_that_was_killed_is_taken_away() -> None:
    """Helm cannot roll back to revision 0."""
    fake = helm("pending-install")
    recover(fake, action(Verb.RECOVER), Recorder(), away=lambda: fake.uninstall("web"))
    assert fake.calls == ["uninstall web"]


def test_a_refusal_is_our_error() -> None:
    """Helm's own words are kept as the cause."""
    fake = helm()
    fake.refuses["web"] = "Error: the server is on fire\n"
    with pytest.raises(RolloutError) as caught:
        apply(fake, action(Verb.INSTALL), CHART, Recorder(), away=lambda: fake.uninstall("web"))
    assert str(caught.value) == "Release web was refused. Error: the server is on fire."


def said(stderr: str) -> RolloutError:
    """Return the error for what Helm said."""
    error = refusal("web", ToolFailedError(["helm", "upgrade", "web"], 1, stderr))
    assert isinstance(error, RolloutError)
    return error


def test_a_taken_node_port_is_named() -> None:
    """The API server names the port and not who has it: the sentence says how to find out."""
    error = said(
        'Error: Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 30081: '
        "provided port is already allocated\n"
    )
    assert error.what == "Release web was refused: its NodePort 30081 is taken by another Service of the cluster"
    assert "kubectl get services --all-namespaces" in error.fix


def test_a_node_port_out_of_range_is_not_called_taken() -> None:
    """The same field, another reason."""
    error = said(
        'Error: Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 29000: '
        "provided port is not in the valid range. The range of valid ports is 30000-32767"
    )
    assert error.what == "Release web was refused"
    assert "not in the valid range" in error.why


def test_an_immutable_field_says_what_to_do() -> None:
    """A changed selector can only be installed anew."""
    error = said(
        'Error: UPGRADE FAILED: cannot patch "web" with kind Deployment: Deployment.apps "web" is invalid: '
        "spec.selector: Invalid value: {}: field is immutable"
    )
    assert "a field that cannot change has changed" in error.what
    assert error.fix == "`./inv destroy --release web deploy` makes it anew"
