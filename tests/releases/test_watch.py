"""Waiting for a release."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from dockyard.model.diagnosis import Cause, CauseKind
from dockyard.model.errors import ApiRefusedError, ClusterError
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.causes import Object
from dockyard.releases.life import Life
from dockyard.releases.live import KINDS, Look, View
from dockyard.releases.silence import TOLD
from dockyard.releases.watch import PAUSE, STEADY, Watch
from tests.fakes import FakeClock, Recorder
from tests.releases.objects import deployment, ends, manifests, pod, replica_set, runs, waits, warning
from tests.releases.server import SILENT, Server

PROBED: Object = {"name": "app", "readinessProbe": {"httpGet": {"path": "/ready", "port": 80}}}
UNREADY = deployment(readyReplicas=0, availableReplicas=0)
READY = (deployment(), replica_set(), pod("web-a", runs()))
PULLING = (UNREADY, replica_set(), pod("web-a", waits("ContainerCreating")))
STARTING = (UNREADY, replica_set(), pod("web-a", runs(ready=False)))
LOST = (UNREADY, replica_set(), pod("web-a", waits("ErrImagePull", "manifest unknown")))
SLOW = (UNREADY, replica_set(), pod("web-a", waits("ErrImagePull", "i/o timeout")))
PROBE = (*STARTING, warning("web-a", "Unhealthy", "Readiness probe failed: 503"))

Trouble = Exception
Scene = tuple[Object, ...] | Trouble
STARTING_UP = ApiRefusedError(503, "ServiceUnavailable", "starting")


class Wait:
    """A wait for one release, on a cluster that shows a scene from a moment on.

    Attributes:
        clock: Its clock.
        report: Who is told.
        runs: Whether the cluster runs.
        asked: How often that was asked.
    """

    def __init__(self, *scenes: tuple[float, Scene], state: DeploymentState = DeploymentState.UPGRADING) -> None:
        self.clock, self.report, self.runs, self.asked = FakeClock(), Recorder(), True, 0
        self._scenes = scenes
        self.life = Life("web", state, self.report)

    def __call__(
        self, *containers: Object, limit: float = 60, grace: float = 10, init: Sequence[Object] = ()
    ) -> Cause | None:
        """Wait for pods of these containers; one with a readiness probe by default."""
        watch = Watch(self.life, _View(self._now, self.clock), clock=self.clock, runs=self._runs)
        sent = deployment()
        sent["spec"]["template"]["spec"] = {"containers": list(containers or [PROBED]), "initContainers": list(init)}
        return watch.wait(manifests(sent), limit=limit, grace=grace)

    def _now(self) -> Scene:
        return next(scene for since, scene in reversed(self._scenes) if self.clock.now() >= since)

    def _runs(self) -> bool:
        self.asked += 1
        return self.runs

    @property
    def stages(self) -> list[str]:
        """The stages of what was told and stays."""
        return [stage for _, stage in self.report.lasting]


class _View(View):
    """A view of a cluster that shows scenes."""

    def __init__(self, scene: Callable[[], Scene], clock: FakeClock) -> None:
        self._scene = scene
        super().__init__(Server(), clock)

    def look(self, *, after: float = 0.0) -> Look:
        """Show what there is, or fail as the server does."""
        scene, server = self._scene(), Server()
        if isinstance(scene, Exception):
            server.troubles = [scene] * (len(KINDS) + 1)
        else:
            server.hold(*scene)
        self._source = server
        return super().look(after=after)


def test_what_is_ready_is_not_waited_for() -> None:
    """The first look is enough."""
    wait = Wait((0, READY))
    assert wait() is None
    assert wait.clock.now() == 0
    assert wait.stages == ["Upgrading", "Pending", "Running"], "whoever asks its Services tells that it is Ready"


@pytest.mark.parametrize(
    ("containers", "init"),
    [([{"name": "app"}], []), ([PROBED], [{"name": "proxy", "restartPolicy": "Always"}])],
    ids=["container", "sidecar"],
)
def test_what_has_no_readiness_probe_must_stay_ready(containers: list[Object], init: list[Object]) -> None:
    """It is Ready as soon as it runs; an init container that ends needs no probe."""
    wait = Wait((0, READY))
    assert wait(*containers, init=init) is None
    assert STEADY <= wait.clock.now() <= STEADY + PAUSE
    wait = Wait((0, READY))
    assert wait(init=[{"name": "migrate"}]) is None
    assert wait.clock.now() == 0


def test_a_container_that_crashes_at_once_is_not_ready() -> None:
    """It runs for half a second, twice, and is Ready meanwhile; then the kubelet delays its next start."""
    ended = (UNREADY, replica_set(), pod("web-a", ends(1)))
    back_off = warning("web-a", "BackOff", "Back-off restarting failed container app in pod web-a")
    looping = (UNREADY, replica_set(), pod("web-a", ends(1, restarts=1)), back_off)
    wait = Wait((0, READY), (0.6, ended), (0.9, READY), (1.6, looping))
    found = wait({"name": "app"})
    assert found is not None
    assert found.kind is CauseKind.CRASH_LOOP
    assert wait.clock.now() < STEADY


def test_what_is_ready_at_the_limit_is_ready() -> None:
    """Its timeout may be shorter than the time that it must stay so."""
    assert Wait((0, READY))({"name": "app"}, limit=1) is None


def test_each_state_is_told_once() -> None:
    """On the way to Ready."""
    wait = Wait((0, PULLING), (2, STARTING), (4, READY), state=DeploymentState.INSTALLING)
    assert wait() is None
    assert wait.stages == ["Installing", "Pending", "Running"]
    assert 4 <= wait.clock.now() <= 4 + PAUSE


def test_a_terminal_cause_ends_the_wait_at_once() -> None:
    """Within one look of when the cluster knows it, whatever time is left."""
    wait = Wait((0, PULLING), (3, LOST))
    cause = wait(limit=600, grace=300)
    assert cause is not None
    assert (cause.kind, cause.terminal, cause.pod) == (CauseKind.IMAGE_NOT_FOUND, True, "web-a")
    assert 3 <= wait.clock.now() <= 3 + PAUSE
    assert "Failed" not in wait.stages, "who takes the evidence tells it"


def test_a_cause_that_may_mend_itself_gets_its_grace() -> None:
    """A slow registry, counted from when it showed."""
    wait = Wait((0, PULLING), (5, SLOW))
    cause = wait(limit=600, grace=10)
    assert cause is not None
    assert (cause.kind, cause.terminal) == (CauseKind.IMAGE_NOT_FOUND, False)
    assert 15 <= wait.clock.now() <= 15 + 2 * PAUSE


def test_a_cause_that_goes_away_is_forgotten() -> None:
    """It came and went: the grace begins anew when it comes again."""
    wait = Wait((0, SLOW), (8, PULLING), (9, SLOW), (17, PULLING), (18, READY))
    assert wait(grace=10) is None


def test_another_cause_has_a_grace_of_its_own() -> None:
    """First the registry was slow, then the probe failed."""
    wait = Wait((0, SLOW), (8, PROBE), (16, READY))
    assert wait(grace=10) is None


def test_without_grace_the_first_cause_ends_the_wait() -> None:
    """Whoever says 0 wants that."""
    wait = Wait((0, PROBE))
    cause = wait(grace=0)
    assert cause is not None
    assert (cause.kind, wait.clock.now()) == (CauseKind.PROBE, 0)


def test_a_wait_has_a_limit() -> None:
    """What still was missing is the reason, and its first pod the place to look."""
    wait = Wait((0, STARTING))
    cause = wait(limit=30)
    assert cause is not None
    assert cause.kind is CauseKind.TIMEOUT
    assert cause.sentence == "It was not Ready within 30 s: 0 of 1 pods are ready"
    assert (cause.pod, cause.container) == ("web-a", "")
    assert "timeout" in cause.fix
    assert 30 <= wait.clock.now() <= 30 + PAUSE


def test_the_limit_names_the_cause_that_stood() -> None:
    """With its container and its event: a grace that is longer than the limit hides nothing."""
    cause = Wait((0, PROBE))(limit=5, grace=60)
    assert cause is not None
    assert cause.kind is CauseKind.TIMEOUT
    assert "Readiness probe failed: 503" in cause.sentence
    assert (cause.container, cause.event) == ("app", "Unhealthy: Readiness probe failed: 503")
    assert cause.fix.startswith("Ask the path")


@pytest.mark.parametrize("trouble", [SILENT, STARTING_UP], ids=["silent", "starting up"])
def test_a_server_that_comes_back_is_waited_for(trouble: Exception) -> None:
    """It was away for ten seconds: told once when it went, once when it came."""
    wait = Wait((0, PULLING), (1, trouble), (11, READY))
    assert wait() is None
    notes = [event.text for event in wait.report.events if event.stage == "Waiting"]
    assert len(notes) == 2
    assert notes[0].startswith("for the API server: ")
    assert notes[1] == "the API server answers again"
    assert wait.asked == 10 // TOLD - 1


def test_a_short_silence_is_not_told() -> None:
    """A connection that was refused once is nobody's business."""
    wait = Wait((0, PULLING), (1, SILENT), (2.5, READY))
    assert wait() is None
    assert "Waiting" not in wait.stages
    assert wait.asked == 0


def test_a_second_silence_is_told_again() -> None:
    """Each has its own sentence."""
    wait = Wait((0, SILENT), (5, PULLING), (6, SILENT), (11, READY))
    assert wait() is None
    assert wait.stages.count("Waiting") == 4


def test_a_silence_does_not_interrupt_a_grace() -> None:
    """Nobody saw the cause go."""
    wait = Wait((0, SLOW), (4, SILENT), (6, SLOW))
    cause = wait(grace=10)
    assert cause is not None
    assert wait.clock.now() <= 10 + 2 * PAUSE


def test_a_cluster_that_stopped_is_told() -> None:
    """Within seconds, not at the limit: waiting would not start it."""
    wait = Wait((0, PULLING), (1, SILENT))
    wait.runs = False
    with pytest.raises(ClusterError, match="The cluster stopped while it was worked on") as caught:
        wait(limit=600)
    assert "Run `./inv deploy` again" in caught.value.fix
    assert wait.clock.now() <= 1 + TOLD + 2 * PAUSE


def test_a_server_that_is_gone_for_good_is_told_at_the_limit() -> None:
    """With how long it was away; nothing is said of a release that nobody saw."""
    wait = Wait((0, PULLING), (10, SILENT))
    with pytest.raises(ClusterError) as caught:
        wait(limit=30)
    assert caught.value.what == "The API server did not answer for 20 s"
    assert "Release web was sent" in caught.value.why


def test_a_server_that_came_back_in_time_leaves_a_time_out() -> None:
    """The silence is over: what is missing is the reason."""
    wait = Wait((0, SILENT), (20, STARTING))
    cause = wait(limit=30)
    assert cause is not None
    assert cause.kind is CauseKind.TIMEOUT
