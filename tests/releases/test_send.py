"""Sending a release through an API server that goes away, past others who work on it, and saying why Helm refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockyard.model.diagnosis import CauseKind
from dockyard.model.errors import (
    ClusterError,
    StoppedError,
    ToolFailedError,
    ToolTimeoutError,
)
from dockyard.releases.plan import Recovery
from dockyard.releases.records import find_record
from dockyard.releases.send import PATIENCE, Refusal, free, persist, refusal
from tests.releases.conftest import Work

REFUSED_CONNECTION = (
    'Error: UPGRADE FAILED: Kubernetes cluster unreachable: Get "https://127.0.0.1:16443/version": '
    "dial tcp 127.0.0.1:16443: connect: connection refused"
)
BUSY = "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"


class Helm:
    """What Helm does, call by call: an error is raised, anything else is done.

    Attributes:
        calls: How often it was called.
    """

    def __init__(self, *endings: Exception | Callable[[], object]) -> None:
        self._endings, self.calls = list(endings), 0

    def __call__(self) -> None:
        """Do the next thing; nothing more when all is done."""
        self.calls += 1
        ending = self._endings.pop(0) if self._endings else None
        if isinstance(ending, Exception):
            raise ending
        if ending is not None:
            ending()


def failed(said: str) -> ToolFailedError:
    """Return Helm's failure."""
    return ToolFailedError(["helm", "upgrade", "web"], 1, f"{said}\n")


def test_what_helm_takes_is_sent_once(work: Work) -> None:
    """Nothing is told and nothing waited for."""
    helm = Helm()
    persist(work.site, work.life(), helm)
    assert (helm.calls, work.clock.now(), work.stages) == (1, 0, ["Ready"])


@pytest.mark.parametrize(
    "said",
    [
        REFUSED_CONNECTION,
        'Error: Get "https://127.0.0.1:16443/api": net/http: TLS handshake timeout',
        'Error: UPGRADE FAILED: Get "https://127.0.0.1:16443/api": EOF',
        "Error: UPGRADE FAILED: etcdserver: request timed out",
        "Error: UPGRADE FAILED: the server is currently unable to handle the request",
        'Error: Get "https://127.0.0.1:16443/api": context deadline exceeded',
        'Error: Get "https://127.0.0.1:16443/api": http2: client connection lost',
    ],
)
def test_a_server_that_was_away_is_sent_to_again(work: Work, said: str) -> None:
    """Helm gives up at the first refused connection; a deploy does not."""
    helm = Helm(failed(said))
    persist(work.site, work.life(), helm)
    assert helm.calls == 2
    assert work.stages == ["Ready", "Waiting"]
    assert work.clock.now() < 2


def test_a_server_that_is_away_for_a_while_is_waited_for(work: Work) -> None:
    """Ten seconds, say; Helm is not called meanwhile."""
    ups = [False] * 20

    def ready() -> bool:
        return ups.pop() if ups else True

    work.site.api.ready = ready  # type: ignore[method-assign]
    helm = Helm(failed(REFUSED_CONNECTION))
    persist(work.site, work.life(), helm)
    assert helm.calls == 2
    assert 10 <= work.clock.now() <= 11


def test_a_server_that_does_not_come_back_is_told(work: Work) -> None:
    """With what Helm said, when the patience is over."""
    work.api.silent = True
    with pytest.raises(ClusterError, match="The API server is gone") as caught:
        persist(work.site, work.life(), Helm(failed(REFUSED_CONNECTION)))
    assert "connection refused" in caught.value.why
    assert PATIENCE <= work.clock.now() <= PATIENCE + 1


def test_a_cluster_that_stopped_is_told_at_once(work: Work) -> None:
    """Waiting would not start it."""
    work.api.silent, work.workspace.cluster.running = True, False
    with pytest.raises(ClusterError):
        persist(work.site, work.life(), Helm(failed(REFUSED_CONNECTION)))
    assert work.clock.now() == 0


def test_what_a_cut_connection_left_pending_is_freed_first(work: Work) -> None:
    """Helm could not write its own record any more: the next upgrade would be refused for ever."""
    work.deployed("v1")

    def half() -> None:
        work.helm.cut_off("web", "pending-upgrade")
        raise failed(REFUSED_CONNECTION)

    persist(work.site, work.life(), Helm(half))
    assert work.helm.calls == ["rollback web 1"]
    assert [status for _, status in work.history][-1] == "deployed"
    assert "Recovering" in work.stages


def test_what_a_cut_first_install_left_is_removed_first(work: Work) -> None:
    """There is nothing to go back to."""

    def half() -> None:
        work.helm.cut_off("web", "pending-install")
        raise failed(REFUSED_CONNECTION)

    helm = Helm(half)
    persist(work.site, work.life(), helm)
    assert (work.helm.calls, work.history, helm.calls) == (["uninstall web"], [], 2)


def test_somebody_elses_helm_is_waited_for(work: Work) -> None:
    """A bare `helm upgrade` beside us: it ends, then ours is sent; told once."""
    work.deployed("v1")
    work.helm.cut_off("web", "pending-upgrade")
    sleep = work.clock.sleep

    def later(seconds: float) -> None:
        sleep(seconds)
        if work.clock.now() >= 5 and work.record and work.record.pending:
            work.api.drop("Secret", "sh.helm.release.v1.web.v2")

    work.clock.sleep = later  # type: ignore[method-assign]
    helm = Helm(failed(BUSY))
    persist(work.site, work.life(), helm)
    assert (helm.calls, work.helm.calls) == (2, [])
    assert [event.text for event in work.report.events if event.stage == "Waiting"] == [
        "somebody else's Helm is at work: revision 2 is pending-upgrade"
    ]


def test_somebody_elses_helm_that_died_is_recovered_from(work: Work) -> None:
    """It never ends: after a third of the patience its release is freed."""
    work.deployed("v1")
    work.helm.cut_off("web", "pending-upgrade")
    persist(work.site, work.life(), Helm(failed(BUSY)))
    assert work.helm.calls == ["rollback web 1"]
    assert PATIENCE / 3 <= work.clock.now() <= PATIENCE / 3 + 2


def test_a_release_that_is_busy_for_ever_is_told(work: Work) -> None:
    """Each time another one was quicker."""
    with pytest.raises(ClusterError, match=r"could not be sent within 90 s.*another operation"):
        persist(work.site, work.life(), Helm(*[failed(BUSY)] * 1000))


def test_a_refusal_is_one_at_once(work: Work) -> None:
    """Helm's last line is its event; it is not sent again."""
    helm = Helm(failed("walk.go: warning\nError: UPGRADE FAILED: the server is on fire"))
    with pytest.raises(Refusal) as caught:
        persist(work.site, work.life(), helm)
    assert helm.calls == 1
    assert caught.value.cause.kind is CauseKind.REFUSED
    assert caught.value.cause.event == "Error: UPGRADE FAILED: the server is on fire"


@pytest.mark.parametrize("said", ["connect: connection refused", "context deadline exceeded"])
def test_a_webhook_that_is_silent_is_not_the_api_server(work: Work, said: str) -> None:
    """The server answers, and tells of it: nothing is sent again and again."""
    post = 'failed calling webhook "check.example.org": Post "https://hook.ns.svc:443/validate"'
    helm = Helm(failed(f"Error: UPGRADE FAILED: Internal error occurred: {post}: {said}"))
    with pytest.raises(Refusal) as caught:
        persist(work.site, work.life(), helm)
    assert helm.calls == 1
    assert caught.value.cause.sentence == "It was refused: an admission webhook does not answer"


def test_a_hook_that_does_not_end_is_a_refusal(work: Work) -> None:
    """Helm was stopped: nothing of a traceback, and the words say where to look."""
    with pytest.raises(Refusal) as caught:
        persist(work.site, work.life(), Helm(ToolTimeoutError(["helm"], 120)))
    assert "did not end within 120 s" in caught.value.cause.sentence
    assert "hooks" in caught.value.cause.fix


def test_who_asks_to_stop_is_heard(work: Work) -> None:
    """It is no refusal, and nothing is sent again."""
    helm = Helm(StoppedError("Stopped"))
    with pytest.raises(StoppedError):
        persist(work.site, work.life(), helm)
    assert helm.calls == 1


def test_freeing_does_what_was_planned(work: Work) -> None:
    """Nothing, back, or away; each is told but the first."""
    work.deployed("v1")
    work.deployed("v2")
    free(work.site, "web", Recovery.NONE, 0, work.life())
    assert work.helm.calls == []
    free(work.site, "web", Recovery.ROLL_BACK, 1, work.life())
    free(work.site, "web", Recovery.REMOVE, 0, work.life())
    assert work.helm.calls == ["rollback web 1", "uninstall web"]
    assert work.stages == ["Ready", "Ready", "Recovering", "Ready", "Recovering"]
    assert find_record(work.api, "web") is None


NODE_PORT_TAKEN = (
    'Error: Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 30081: provided port is already allocated'
)
IMMUTABLE = (
    'Error: UPGRADE FAILED: cannot patch "web" with kind Deployment: Deployment.apps "web" is invalid: '
    "spec.selector: Invalid value: {}: field is immutable"
)
APPLY_FAILED = (
    "Error: UPGRADE FAILED: server-side apply failed for object todo/web apps/v1, Kind=Deployment: failed to create "
    'typed patch object (todo/web; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="app"]'
)
TERMINATING = (
    'Error: INSTALLATION FAILED: secrets "x" is forbidden: unable to create new content in namespace web because '
    "it is being terminated"
)
KNOWN = {
    "NodePort": (
        NODE_PORT_TAKEN,
        "its NodePort 30081 is taken by another Service of the cluster",
        "kubectl get services --all-namespaces",
    ),
    "a NodePort without its number": (
        "Error: provided port is already allocated",
        "its NodePort is taken by another Service of the cluster",
        "another nodePort",
    ),
    "immutable": (
        IMMUTABLE,
        "a field that cannot change has changed",
        "`./inv destroy --release web deploy` makes it anew",
    ),
    "a list entry twice": (
        f'{APPLY_FAILED}.env: duplicate entries for key [name="A"]',
        "a list has two entries with the same key",
        "Remove the one that does not count",
    ),
    "an unknown field": (
        f"{APPLY_FAILED}.foo: field not declared in schema",
        "the API server does not know a field",
        "kubectl explain",
    ),
    "namespace": (
        TERMINATING,
        "its namespace is being deleted",
        "Wait until it is gone",
    ),
    "quota": (
        'Error: services "web" is forbidden: exceeded quota: small, requested: services=1',
        "it is more than the namespace's quota allows",
        "Raise the quota",
    ),
    "webhook": (
        'Error: admission webhook "policy" denied the request: no',
        "an admission webhook denied it",
        "Change what the message names",
    ),
    "anything": ("Error: the server is on fire", "Helm did not take it", ""),
}


@pytest.mark.parametrize(("said", "why", "fix"), KNOWN.values(), ids=KNOWN)
def test_known_refusals_are_explained(said: str, why: str, fix: str) -> None:
    """What it means, Helm's own line, and what to do."""
    cause = refusal("web", said)
    assert (cause.kind, cause.terminal) == (CauseKind.REFUSED, True)
    assert (cause.sentence, cause.event) == (f"It was refused: {why}", said)
    assert fix in cause.fix


def test_a_node_port_out_of_range_is_not_called_taken() -> None:
    """The same field, another reason."""
    said = (
        'Error: Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 29000: provided port is not in range'
    )
    assert refusal("web", said).sentence == "It was refused: Helm did not take it"
