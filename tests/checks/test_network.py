"""Checks DY2xx: how traffic and probes reach containers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dockyard.checks.catalogue import run_checks
from dockyard.checks.finding import Severity
from tests.checks.examples import LIVE, POD, POLICY, READY, SERVICE, SOUND, change, in_project, release, subject
from tests.checks.samples import changed, find, said

APP = "Deployment/web: spec.template.spec.containers[0]"
PORTS = "ports: [{name: http, containerPort: 8000}]"
BARE = changed(SOUND, "image: web:1.0.0", "image: other:1.0.0").replace(PORTS, "tty: false")
"""The sound text with a container of which no port is known."""

SIDECAR = "      volumes: [{name: tmp, emptyDir: {}}]"


def test_a_selector_of_nothing_is_found() -> None:
    """With the labels that the pods of its release have."""
    assert said("DY201", change("selector: {app: web}\n  ports", "selector: {app: web, tier: x}\n  ports")) == [
        "Service/api-service: spec.selector: no pod has the labels app=web, tier=x; those of its release have app=web"
    ]
    alone = release(changed(SERVICE, "app: web", "app: api"), name="other")
    assert said("DY201", subject(SOUND.replace(SERVICE, ""), alone)) == [
        "Service/api-service: spec.selector: no pod has the labels app=api"
    ]


def test_a_service_may_have_pods_of_another_release_or_no_selector() -> None:
    """A Service without selector has endpoints of its own, and an alias has none."""
    assert said("DY201", subject(SOUND.replace(SERVICE, ""), release(SERVICE, name="other"))) == []
    assert said("DY201", change("  selector: {app: web}\n  ports", "  ports")) == []
    alias = changed(SERVICE, "type: NodePort\n  selector: {app: web}", "type: ExternalName\n  selector: {app: other}")
    assert said("DY201", subject(SOUND.replace(SERVICE, alias))) == []
    assert said("DY202", subject(SOUND.replace(SERVICE, alias.replace("http, nodePort", "9, nodePort")))) == []


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("targetPort: 8001", "targetPort 8001 is no port of Deployment 'web', which has: 8000, http (8000)"),
        ("targetPort: web", "targetPort 'web' is no port of Deployment 'web', which has: 8000, http (8000)"),
        ("targetPort: '8000'", "targetPort '8000' is no port of Deployment 'web', which has: 8000, http (8000)"),
        ("targetPort: 8000", ""),
        ("name: x", ""),
    ],
)
def test_a_target_that_no_container_has_is_found(target: str, found: str) -> None:
    """By number or name; without one it is the Service's own port. Digits in quotes are a wrong name."""
    expected = [f"Service/api-service: spec.ports[0].targetPort: {found}"] if found else []
    assert said("DY202", change("targetPort: http", target)) == expected


def test_the_port_of_a_service_stands_for_its_target() -> None:
    """Where there is no targetPort."""
    assert len(find("DY202", change("port: 8000, targetPort: http", "port: 80"))) == 1


def test_a_target_of_a_container_that_names_no_port_cannot_be_known() -> None:
    """A number may be right; a name cannot."""
    assert said("DY202", subject(changed(BARE, "targetPort: http", "targetPort: 9"))) == []
    assert len(find("DY202", subject(BARE))) == 1


def test_a_number_may_be_a_port_of_a_container_beside_that_names_none() -> None:
    """Most proxies do not; a name cannot be, and where all name theirs it is known."""
    for ports, target, found in (("", "4180", 0), ("", "proxy", 1), (", ports: [{containerPort: 9}]", "4180", 1)):
        side = f"        - {{name: proxy, image: other:1{ports}}}\n"
        text = changed(changed(SOUND, SIDECAR, side + SIDECAR), "targetPort: http", f"targetPort: {target}")
        assert len(find("DY202", subject(text))) == found


TASK = """\
---
kind: CronJob
metadata: {name: task}
spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{image: "a:1"}]}}}}}
"""
WORKER = """\
---
kind: Deployment
metadata: {name: worker}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{image: "a:1", ports: [{containerPort: 9}]}]}}}
"""


@pytest.mark.parametrize(
    ("more", "target", "owners"),
    [
        (TASK, "http", ""),
        (TASK, "8001", "Deployment 'web', which has: 8000, http (8000)"),
        (WORKER, "http", ""),
        (WORKER, "9", ""),
        (WORKER, "8001", "Deployment 'web' or Deployment 'worker', which have: 8000, 9, http (8000)"),
    ],
)
def test_pods_that_share_labels_are_looked_at_together(more: str, target: str, owners: str) -> None:
    """One that has the port is enough; pods that end serve nobody."""
    said_of_it = f"Service/api-service: spec.ports[0].targetPort: targetPort {target} is no port of {owners}"
    text = changed(SOUND, "targetPort: http", f"targetPort: {target}") + more
    assert said("DY202", subject(text)) == ([said_of_it] if owners else [])


def test_a_service_of_tasks_alone_is_looked_at() -> None:
    """Somebody means it so."""
    (found,) = said(
        "DY202",
        subject(
            SOUND,
            release(changed(SERVICE, "{app: web}", "{app: task}"), name="other"),
            release(TASK.replace("web", "task"), name="task"),
        ),
    )
    assert "is no port of CronJob 'task', which has: none" in found


def test_ports_of_an_image_are_known_without_the_chart_naming_them() -> None:
    """dockyard.yaml has exposedPorts."""
    text = SOUND.replace(PORTS, "tty: false")
    assert said("DY202", subject(changed(text, "targetPort: http", "targetPort: 8000"))) == []
    assert len(find("DY202", subject(changed(text, "targetPort: http", "targetPort: 8001")))) == 1


def test_ports_of_containers_that_end_before_the_others_start_do_not_count() -> None:
    """Unless they go on beside them."""
    for restart, found in (("", 1), ("restartPolicy: Always, ", 0)):
        first = (
            f"      initContainers: [{{name: first, {restart}ports: [{{name: side, containerPort: 9}}]}}]\n{SIDECAR}"
        )
        text = changed(changed(SOUND, SIDECAR, first), "targetPort: http", "targetPort: side")
        assert len(find("DY202", subject(text))) == found


def test_a_port_that_the_image_does_not_expose_is_found() -> None:
    """Of images in dockyard.yaml that have exposedPorts."""
    text = changed(SOUND, "containerPort: 8000", "containerPort: 8001")
    assert said("DY203", subject(text)) == [
        f"{APP}.ports[0].containerPort: port 8001 is not among the exposedPorts of the image: 8000"
    ]
    for image in ("other:1.0.0", "Not An Image", "''"):
        assert said("DY203", subject(changed(text, "image: web:1.0.0", f"image: {image}"))) == []
    silent = in_project(images={"web": {**dict(in_project().project.images["web"]), "exposed_ports": ()}})
    assert said("DY203", replace(silent, releases=subject(text).releases)) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("nodePort: 30081", "nodePort: 29999", "nodePort 29999 is not in the range 30000 to 32767"),
        ("nodePort: 30081", "nodePort: 32768", "nodePort 32768 is not in the range 30000 to 32767"),
        ("type: NodePort", "type: ClusterIP", "nodePort 30081 stands in a Service of type ClusterIP, which has none"),
        ("type: NodePort\n", "\n", "nodePort 30081 stands in a Service of type ClusterIP, which has none"),
        ("nodePort: 30081", "nodePort: 30000", ""),
        ("nodePort: 30081", "nodePort: 32767", ""),
        ("nodePort: 30081", "nodePort: 0", ""),
        ("type: NodePort", "type: LoadBalancer", ""),
    ],
)
def test_a_node_port_that_no_cluster_gives_is_found(old: str, new: str, message: str) -> None:
    """0 lets the cluster choose."""
    expected = [f"Service/api-service: spec.ports[0].nodePort: {message}"] if message else []
    assert said("DY204", change(old, new)) == expected


def test_a_node_port_that_two_ask_for_is_found() -> None:
    """With who has it first; another protocol is another port."""
    again = changed(SERVICE, "name: api-service", "name: other-service")
    (found,) = find("DY205", subject(SOUND, release(again, name="other")))
    assert found.message == "nodePort 30081 is taken by Service/api-service of release 'web'"
    assert (found.release, found.place.path) == ("other", "Service/other-service: spec.ports[0].nodePort")
    assert said("DY205", subject(SOUND, release(changed(again, "TCP", "UDP"), name="other"))) == []
    assert said("DY205", subject(SOUND, release(changed(again, "30081", "30082"), name="other"))) == []


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        (
            "httpGet: {path: /, port: 8001}",
            "httpGet.port: 8001 is no port of the container, which has: 8000, http (8000)",
        ),
        (
            "httpGet: {path: /, port: web}",
            "httpGet.port: 'web' is no port of the container, which has: 8000, http (8000)",
        ),
        ("tcpSocket: {port: 9}", "tcpSocket.port: 9 is no port of the container, which has: 8000, http (8000)"),
        ("grpc: {port: 9}", "grpc.port: 9 is no port of the container, which has: 8000, http (8000)"),
        ("tcpSocket: {port: 8000}", ""),
        ("tcpSocket: {port: 9, host: elsewhere}", ""),
        ("exec: {command: [x]}", ""),
    ],
)
def test_a_probe_of_no_port_is_found(probe: str, message: str) -> None:
    """Each way to ask has a port, but a command."""
    expected = [f"{APP}.readinessProbe.{message}"] if message else []
    assert said("DY206", change(READY, f"readinessProbe: {{{probe}}}")) == expected


def test_a_probe_may_ask_a_port_of_another_container_by_number() -> None:
    """They share an address; a name is looked up in the container itself."""
    side = "        - {name: side, image: other:1, ports: [{name: side, containerPort: 9}]}\n"
    text = changed(SOUND, SIDECAR, side + SIDECAR)
    for port, found in (("9", 0), ("side", 1)):
        asked = changed(text, READY, f"readinessProbe: {{tcpSocket: {{port: {port}}}}}")
        assert len(find("DY206", subject(asked))) == found


def test_a_probe_of_a_container_that_names_no_port_cannot_be_known() -> None:
    """A number may be right; a name cannot."""
    text = changed(BARE, "livenessProbe: {httpGet: {path: /health, port: http}", "livenessProbe: {tcpSocket: {port: 9}")
    assert said("DY206", subject(text)) == [
        f"{APP}.readinessProbe.httpGet.port: 'http' is no port of the container, which has: none"
    ]


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ("httpGet: {path: a b, port: http}", "'/a b' is not the path of an HTTP request"),
        ("httpGet: {path: healthz, port: http}", ""),
        ("httpGet: {path: '', port: http}", ""),
        ("httpGet: {path: , port: http}", ""),
        ("httpGet: {path: 'http://web/ready', port: http}", "'http://web/ready' is not the path of an HTTP request"),
        ("httpGet: {port: http}, tcpSocket: {port: http}", "the probe has 2 ways to ask: http_get, tcp_socket"),
        ("periodSeconds: 1", "the probe has 0 ways to ask"),
        ("exec: {command: []}", "there is no command"),
        ("httpGet: {port: '8000'}", "'8000' is not a port name"),
        ("httpGet: {port: 99999}", "99999 is not a port"),
        ("httpGet: {port: http}, periodSeconds: 0", ""),
        ("httpGet: {port: http}, periodSeconds: -1", "-1 is not a number of probes or seconds"),
        ("httpGet: {port: http, host: localhost}", "the host 'localhost' is the node, not the container"),
        ("httpGet: {port: http, host: other}", ""),
        ("httpGet: {port: http}, successThreshold: 2", ""),
        ("httpGet: {port: http}, unknownKey: 2", ""),
        ("httpGet: {port: http}, periodSeconds: five", ""),
    ],
)
def test_a_probe_that_cannot_work_is_found(probe: str, message: str) -> None:
    """Rules of the model; wrong types and unknown keys are the schema's."""
    found = said("DY207", change(READY, f"readinessProbe: {{{probe}}}"))
    assert [one.removeprefix(f"{APP}.readinessProbe: ")[: len(message)] for one in found] == (
        [message] if message else []
    )


@pytest.mark.parametrize("kind", ["livenessProbe", "startupProbe"])
def test_only_a_readiness_probe_may_want_two_successes(kind: str) -> None:
    """The API server refuses others."""
    text = SOUND.replace(
        "livenessProbe: {httpGet: {path: /health, port: http}",
        f"{kind}: {{tcpSocket: {{port: http}}, successThreshold: 2",
    )
    assert said("DY207", subject(text)) == [f"{APP}.{kind}: successThreshold of a {kind} must be 1"]


PROBES = (
    "httpGet: {path: /ready, port: http}",
    "httpGet: {path: /ready, port: 8000, scheme: HTTPS, httpHeaders: [{name: Accept, value: text/plain}]}",
    "tcpSocket: {port: 8000}",
    "exec: {command: [/bin/ready]}",
    "grpc: {port: 8000}",
    "grpc: {port: 8000, service: ready}",
    "grpc: {port: 8000}, periodSeconds: 0, failureThreshold: 0",
)


@pytest.mark.parametrize("version", ["v1.28.0", "v1.36.3"])
@pytest.mark.parametrize("way", PROBES)
@pytest.mark.parametrize("kind", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_every_way_to_probe_is_sound(kind: str, way: str, version: str) -> None:
    """No check finds fault with any of them; a count of 0 stands for the default."""
    probes = {"livenessProbe": PROBES[0], "readinessProbe": PROBES[0], kind: way}
    written = "\n          ".join(f"{name}: {{{probe}}}" for name, probe in probes.items())
    looked_at = subject(changed(changed(SOUND, READY, written), LIVE, ""))
    assert run_checks(replace(looked_at, kubernetes_version=version), without={}) == ()


def test_a_probe_may_ask_the_node_from_its_own_network() -> None:
    """With hostNetwork the container is reached where the node is."""
    text = changed(SOUND, READY, "readinessProbe: {httpGet: {port: http, host: 127.0.0.1}}")
    assert len(find("DY207", subject(text))) == 1
    assert find("DY207", subject(changed(text, POD, f"{POD}\n      hostNetwork: true"))) == []


def test_a_readiness_probe_ends_no_container() -> None:
    """So it has no time for that; the API server refuses it, and takes it for the other two."""
    probe = "{tcpSocket: {port: http}, terminationGracePeriodSeconds: 5}"
    assert said("DY207", change(READY, f"readinessProbe: {probe}")) == [
        f"{APP}.readinessProbe: a readinessProbe has no terminationGracePeriodSeconds: its failure ends no container"
    ]
    assert said("DY207", change(LIVE, f"livenessProbe: {probe}")) == []


def test_a_workload_that_selects_others_is_found() -> None:
    """Objects without such a selector pass."""
    assert said("DY208", change("matchLabels: {app: web}", "matchLabels: {app: web, tier: x}")) == [
        "Deployment/web: spec.selector.matchLabels: it selects app=web, tier=x, and its pods have app=web"
    ]
    job = "---\nkind: Job\nmetadata: {name: x}\nspec: {template: {spec: {containers: []}}}\n"
    assert said("DY208", subject(f"{SOUND}{job}---\nkind: Pod\nmetadata: {{name: z}}\nspec: {{}}\n")) == []


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("{key: app, operator: In, values: [api, web]}", 0),
        ("{key: app, operator: In, values: [api]}", 1),
        ("{key: tier, operator: In, values: [api]}", 1),
        ("{key: app, operator: NotIn, values: [web]}", 1),
        ("{key: tier, operator: NotIn, values: [web]}", 0),
        ("{key: app, operator: Exists}", 0),
        ("{key: tier, operator: Exists}", 1),
        ("{key: app, operator: DoesNotExist}", 1),
        ("{key: tier, operator: DoesNotExist}", 0),
        ("{key: app, operator: Matches, values: 7}", 0),
    ],
)
def test_a_workload_that_selects_others_by_an_expression_is_found(expression: str, found: int) -> None:
    """Each operator of Kubernetes; another one is the schema's finding."""
    text = changed(SOUND, "matchLabels: {app: web}", f"matchLabels: {{app: web}}\n    matchExpressions: [{expression}]")
    said_of_it = "Deployment/web: spec.selector.matchExpressions[0]: its pods have app=web, which it does not select"
    assert said("DY208", subject(text)) == [said_of_it] * found


def test_a_policy_that_the_cluster_does_not_enforce_is_warned_of() -> None:
    """On the embedded cluster; what Minikube's network enforces is not known here."""
    looked_at = subject(f"{SOUND}{POLICY}")
    (found,) = find("DY209", replace(looked_at, provider="embedded"))
    assert (found.severity, found.place.file) == (Severity.WARNING, "charts/web/templates/networkpolicy.yaml")
    assert found.message == (
        "NetworkPolicy 'web' has no effect, as the embedded cluster does not enforce it: its pods reach everything and "
        "are reached by everything"
    )
    assert find("DY209", replace(looked_at, provider="minikube")) == find("DY209", looked_at) == []
    other = subject(SOUND + POLICY.replace("networking.k8s.io/v1", "crd.projectcalico.org/v1"))
    assert find("DY209", replace(other, provider="embedded")) == []
