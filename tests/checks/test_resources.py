"""Checks DY3xx: amounts, replicas, probes and strategies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.charts.manifests import Manifests
from dockyard.charts.pods import pod_templates
from dockyard.checks import resources
from dockyard.checks.finding import Severity
from tests.checks.samples import SETTINGS, WEB, changed, find, project, release, said, subject

APP = "Deployment/web: spec.template.spec.containers[0]"
LIMITS = "limits: {cpu: 500m, memory: 512Mi}"
REQUESTS = "requests: {cpu: 250m, memory: 256Mi}"
READINESS = "readinessProbe: {httpGet: {path: /ready, port: http}}"
LIVENESS = "livenessProbe: {httpGet: {path: /health, port: http}, initialDelaySeconds: 30}"
ROLLING = "rollingUpdate: {maxSurge: 1, maxUnavailable: 0}"
STRATEGY = f"""strategy:
    type: RollingUpdate
    {ROLLING}"""


@pytest.mark.parametrize("id_", [f"DY{number}" for number in range(301, 312)])
def test_a_sound_release_passes(id_: str) -> None:
    """No check of this group finds fault with the sample release."""
    assert said(id_, subject()) == []


def test_a_container_without_limits_is_found() -> None:
    """Limits that are missing are named, also where the other one is there, and for containers that initialise."""
    assert said("DY301", subject(changed(WEB, LIMITS, "limits: {cpu: 500m}"))) == [
        f"{APP}.resources.limits: container 'app' has no limit for memory"
    ]
    text = changed(WEB, "      containers:", "      initContainers: [{name: first}]\n      containers:")
    (found,) = find("DY301", subject(text))
    assert found.place.path.endswith("initContainers[0].resources.limits")
    assert found.message == "container 'first' has no limit for cpu and memory"


def test_a_container_without_requests_is_found() -> None:
    """A limit counts as the request, as Kubernetes takes it; without both there is a finding."""
    without = changed(WEB, REQUESTS, "requests: {}")
    assert said("DY302", subject(without)) == []
    assert said("DY302", subject(changed(without, LIMITS, "limits: {cpu: 1}"))) == [
        f"{APP}.resources.requests: container 'app' has no request for memory"
    ]


def test_a_request_over_its_limit_is_found() -> None:
    """Amounts are compared as numbers, whatever their unit; equal ones pass."""
    assert said("DY303", subject(changed(WEB, REQUESTS, "requests: {cpu: 0.5, memory: 0.5Gi}"))) == []
    assert said("DY303", subject(changed(WEB, REQUESTS, "requests: {cpu: 0.6, memory: 1Gi}"))) == [
        f"{APP}.resources.requests.cpu: container 'app' requests 600m of cpu, and its limit is 500m",
        f"{APP}.resources.requests.memory: container 'app' requests 1Gi of memory, and its limit is 512Mi",
    ]


@pytest.mark.parametrize("given_", ["512MB", "-1", "true", "[]", "'1 000'"])
def test_an_amount_that_cannot_be_read_is_found(given_: str) -> None:
    """What Kubernetes would refuse as a quantity is found, and no other check stumbles over it."""
    looked_at = subject(changed(WEB, REQUESTS, f"requests: {{cpu: 250m, memory: {given_}}}"))
    (found,) = said("DY304", looked_at)
    assert found.startswith(f"{APP}.resources.requests.memory: ")
    assert found.endswith("is no amount of memory")
    assert said("DY303", looked_at) == said("DY305", looked_at) == []


def test_requests_that_fit_no_longer_together_are_found() -> None:
    """Each release fits alone; the sum of both does not, and the message shows who asks for how much."""
    text = changed(WEB, REQUESTS, "requests: {cpu: 500m, memory: 512Mi}")
    small = project(cluster={"provider": "embedded", "cpus": 1, "memory": 4096})
    assert said("DY305", subject(text, of=small)) == []
    assert said("DY305", subject(text, release(text, name="other"), of=small)) == [
        "cluster: the pods request 2 of cpu, those of a rolling update included (web 1, other 1), and the cluster has 1"
    ]


def test_the_extra_pod_of_a_rolling_update_counts() -> None:
    """Two pods of 1,500 MB fit 4,096 MB, the third one of an update does not; recreated pods have none."""
    text = changed(changed(WEB, "replicas: 1", "replicas: 2"), REQUESTS, "requests: {cpu: 100m, memory: 1500Mi}")
    (found,) = find("DY305", subject(text))
    expected = "the pods request 4500Mi of memory, those of a rolling update included (web 4500Mi)"
    assert found.message == f"{expected}, and the cluster has 4Gi"
    assert said("DY305", subject(changed(text, STRATEGY, "strategy: {type: Recreate}"))) == []


@pytest.mark.parametrize(
    ("kind", "spec", "pods"),
    [
        ("Deployment", "{}", 2),
        ("Deployment", "{replicas: 3}", 4),
        ("Deployment", "{replicas: 4, strategy: {rollingUpdate: {maxSurge: 30%}}}", 6),
        ("Deployment", "{replicas: 2, strategy: {rollingUpdate: {maxSurge: 0}}}", 2),
        ("Deployment", "{replicas: 2, strategy: {rollingUpdate: {maxSurge: many}}}", 2),
        ("Deployment", "{replicas: 2, strategy: {type: Recreate}}", 2),
        ("StatefulSet", "{replicas: 3}", 3),
        ("DaemonSet", "{}", 1),
        ("DaemonSet", "{updateStrategy: {rollingUpdate: {maxSurge: 10%}}}", 2),
        ("Job", "{}", 1),
        ("Job", "{parallelism: 5, completions: 2}", 2),
        ("CronJob", "{jobTemplate: {spec: {parallelism: 3}}}", 3),
        ("Pod", "{}", 1),
    ],
)
def test_pods_are_counted_as_their_owner_makes_them(kind: str, spec: str, pods: int) -> None:
    """The number of pods on the one node at once follows the owner's kind and its bounds for updates."""
    manifests = Manifests.parse(f"{{kind: {kind}, metadata: {{name: x}}, spec: {spec}}}")
    (template,) = pod_templates(manifests)
    assert resources.pods_at_once(template, manifests.objects[template.owner]) == pods


def _pod(init: list[tuple[int, bool]], main: list[int]) -> Manifests:
    first = [f"{{resources: {{requests: {{cpu: {cpu}m}}}}{', restartPolicy: Always' * on}}}" for cpu, on in init]
    then = [f"{{resources: {{requests: {{cpu: {cpu}m}}}}}}" for cpu in main]
    spec = f"{{initContainers: [{', '.join(first)}], containers: [{', '.join(then)}]}}"
    return Manifests.parse(f"{{kind: Pod, metadata: {{name: x}}, spec: {spec}}}")


@pytest.mark.parametrize(
    ("pod", "cpu"),
    [
        ("{}", 700),
        ("{requests: {cpu: 2}}", 2000),
        ("{requests: {cpu: 0}}", 0),
        ("{limits: {cpu: 2}}", 700),
        ("{requests: {memory: 1Gi}, limits: {cpu: 2}}", 700),
        ("{limits: {cpu: 2}}, overhead: {cpu: 50m}", 750),
    ],
)
def test_a_request_of_the_pod_counts_instead_of_those_of_its_containers(pod: str, cpu: int) -> None:
    """Its limit alone does not, where its containers request something (Kubernetes sources, defaultPodRequests)."""
    spec = f"{{resources: {pod}, containers: [{{resources: {{requests: {{cpu: 700m}}}}}}]}}"
    manifests = Manifests.parse(f"{{kind: Pod, metadata: {{name: x}}, spec: {spec}}}")
    assert resources.requested(manifests, "cpu") == cpu


def test_a_limit_of_the_pod_is_its_request_where_nothing_requests_anything() -> None:
    """As that of a container is."""
    spec = "{resources: {limits: {cpu: 2}}, containers: [{name: app}]}"
    assert resources.requested(Manifests.parse(f"{{kind: Pod, metadata: {{name: x}}, spec: {spec}}}"), "cpu") == 2000


def test_limits_of_the_pod_are_limits_of_its_containers() -> None:
    """No container can take more, and the scheduler has what it needs; what the pod does not name is still missing."""
    bare = changed(changed(WEB, LIMITS, ""), REQUESTS, "").replace("resources:\n", "tty: false\n")
    pod = "securityContext: {runAsNonRoot: true}"
    whole = changed(bare, pod, f"{pod}\n      resources: {{limits: {{cpu: 1, memory: 1Gi}}}}")
    assert said("DY301", subject(whole)) == said("DY302", subject(whole)) == []
    part = changed(whole, "{cpu: 1, memory: 1Gi}", "{cpu: 1}")
    assert said("DY301", subject(part)) == [f"{APP}.resources.limits: container 'app' has no limit for memory"]
    assert said("DY302", subject(part)) == [f"{APP}.resources.requests: container 'app' has no request for memory"]


CPU = st.integers(1, 4000)


@given(st.lists(st.tuples(CPU, st.booleans()), max_size=4), st.lists(CPU, min_size=1, max_size=4))
def test_a_pod_requests_the_most_that_runs_at_one_time(init: list[tuple[int, bool]], main: list[int]) -> None:
    """The sum over each moment of a start, played through, is at most what is counted, and at one moment equal."""
    moments = [
        sum(cpu for cpu, goes_on in init[:at] if goes_on) + cpu for at, (cpu, goes_on) in enumerate(init) if not goes_on
    ]
    moments.append(sum(cpu for cpu, goes_on in init if goes_on) + sum(main))
    assert resources.requested(_pod(init, main), "cpu") == max(moments)


@given(st.lists(st.lists(CPU, min_size=1, max_size=3), min_size=1, max_size=4), st.integers(1, 12))
def test_the_sum_is_found_exactly_where_it_is_over_the_cluster(pods: list[list[int]], cpus: int) -> None:
    """There is a finding where the requests of all releases are more than the cores, and only there."""
    cluster = project(cluster={"provider": "embedded", "cpus": cpus})
    rendered = "---\n".join(
        f"{{kind: Pod, metadata: {{name: x{at}}}, spec: {next(_pod([], one).of_kind('Pod'))['spec']}}}\n"
        for at, one in enumerate(pods)
    )
    assert bool(find("DY305", subject(rendered, of=cluster))) == (sum(map(sum, pods)) > 1000 * cpus)


@pytest.mark.parametrize("replicas", ["0", "4", "-1"])
def test_replicas_out_of_range_are_found(replicas: str) -> None:
    """The specification allows 1 to 3; what is no number is the schema's finding."""
    assert said("DY306", subject(changed(WEB, "replicas: 1", f"replicas: {replicas}"))) == [
        f"Deployment/web: spec.replicas: Deployment 'web' has {replicas} replicas"
    ]
    assert said("DY306", subject(changed(WEB, "replicas: 1", "replicas: three"))) == []


def test_a_container_without_readiness_probe_is_found() -> None:
    """One without a probe is found; a second container that serves nothing needs none."""
    sidecar = changed(WEB, "      volumes:", "        - {name: logs, image: logs:1.0.0}\n      volumes:")
    assert said("DY307", subject(sidecar)) == []
    assert said("DY307", subject(changed(sidecar, READINESS, ""))) == [f"{APP}: container 'app' has no readinessProbe"]


def test_the_first_container_is_asked_where_none_names_a_port() -> None:
    """A worker without ports still says when it is ready; a Job never does."""
    text = changed(changed(WEB, READINESS, ""), "ports: [{name: http, containerPort: 8000}]", "")
    assert said("DY307", subject(text)) == [f"{APP}: container 'app' has no readinessProbe"]
    assert said("DY307", subject(text.replace("kind: Deployment", "kind: Job"))) == []


def test_a_container_without_liveness_probe_is_warned_of() -> None:
    """It is a warning: the program works until it hangs."""
    (found,) = find("DY308", subject(changed(WEB, LIVENESS, "")))
    assert (found.severity, found.message) == (Severity.WARNING, "container 'app' has no livenessProbe")


@pytest.mark.parametrize(
    ("kind", "key", "bounds", "found"),
    [
        ("Deployment", "strategy", "{maxSurge: 0, maxUnavailable: 0}", True),
        ("Deployment", "strategy", "{maxSurge: 0%, maxUnavailable: '0'}", True),
        ("Deployment", "strategy", "{maxUnavailable: 0}", False),
        ("Deployment", "strategy", "{maxSurge: 0}", False),
        ("Deployment", "strategy", "{maxSurge: 0, maxUnavailable: 25%}", False),
        ("DaemonSet", "updateStrategy", "{maxUnavailable: 0}", True),
        ("DaemonSet", "updateStrategy", "{maxUnavailable: 0, maxSurge: 1}", False),
        ("DaemonSet", "updateStrategy", "{}", False),
    ],
)
def test_an_update_that_cannot_move_is_found(kind: str, key: str, bounds: str, *, found: bool) -> None:
    """Both bounds at zero are found; a Deployment's surge is 25% where nothing is said, a DaemonSet's is 0."""
    text = f"{{kind: {kind}, metadata: {{name: web}}, spec: {{{key}: {{rollingUpdate: {bounds}}}}}}}"
    expected = f"{kind}/web: spec.{key}.rollingUpdate: maxSurge and maxUnavailable are both 0"
    assert said("DY309", subject(text)) == ([expected] if found else [])


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ("{type: Recreate}", "the strategy is Recreate"),
        (
            "{rollingUpdate: {maxSurge: 2, maxUnavailable: 0}}",
            "an update adds up to 2 pods, and lets up to 0 be missing",
        ),
        ("{rollingUpdate: {maxUnavailable: 1}}", "an update adds up to 1 pods, and lets up to 1 be missing"),
        ("{}", ""),
        ("{rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}", ""),
    ],
)
def test_another_strategy_is_warned_of(strategy: str, message: str) -> None:
    """What is not one more and none missing is found; 25% of one is that, and 0/0 is DY309's."""
    text = changed(WEB, STRATEGY, f"strategy: {strategy}")
    assert said("DY310", subject(text)) == ([f"Deployment/web: spec.strategy: {message}"] if message else [])


def test_a_liveness_probe_that_kills_a_slow_start_is_warned_of() -> None:
    """Killed at 20 s, ready at 30 s at the earliest: that never ends, unless a startup probe waits first."""
    slow = changed(WEB, READINESS, "readinessProbe: {httpGet: {path: /ready, port: http}, initialDelaySeconds: 30}")
    assert said("DY311", subject(slow)) == []
    text = changed(slow, LIVENESS, "livenessProbe: {httpGet: {path: /health, port: http}}")
    (found,) = find("DY311", subject(text))
    assert (found.severity, found.place.path) == (Severity.WARNING, f"{APP}.livenessProbe")
    expected = "container 'app' is killed 20 s after its start where it does not answer by then"
    assert found.message == f"{expected}, and can be ready after 30 s at the earliest"
    waits = changed(
        text, "          livenessProbe:", "          startupProbe: {tcpSocket: {port: http}}\n          livenessProbe:"
    )
    assert said("DY311", subject(waits)) == []


def test_the_sum_names_the_file_that_has_the_figures() -> None:
    """What the cluster has stands in dockyard.yaml, so that is where the finding is placed."""
    tiny = project(cluster={"provider": "embedded", "cpus": 1, "memory": 256})
    (found,) = find("DY305", subject(WEB + SETTINGS, of=tiny))
    assert (found.place.file, found.release) == ("dockyard.yaml", "")
