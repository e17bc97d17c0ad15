"""Sidecars, init containers with `restartPolicy: Always`, are running containers to every check."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dockyard.checks.catalogue import run_checks
from tests.checks.examples import POD, SERVICE, SOUND, subject
from tests.checks.samples import changed, find, said

SIDECAR = """\
      initContainers:
        - name: side
          image: other:1.0.0
          imagePullPolicy: IfNotPresent
          restartPolicy: Always
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          ports: [{name: side, containerPort: 9000}]
          envFrom: [{configMapRef: {name: web-config}}]
          startupProbe: {exec: {command: [/side, ready]}}
          livenessProbe: {tcpSocket: {port: side}, initialDelaySeconds: 30}
          readinessProbe: {grpc: {port: 9000}}
          resources:
            limits: {cpu: 500m, memory: 512Mi}
            requests: {cpu: 250m, memory: 256Mi}
          volumeMounts: [{name: tmp, mountPath: /tmp}]
"""
PLACE = "spec.template.spec.initContainers[0]"
WITH_SIDECAR = changed(SOUND, f"      {POD}", f"{SIDECAR}      {POD}")

RUNNING = "          restartPolicy: Always\n"
BESIDE = "port: 8000, targetPort: http"


def side(old: str, new: str) -> str:
    """Return the text with one place of its sidecar changed."""
    return SOUND.replace(f"      {POD}", f"{changed(SIDECAR, old, new)}      {POD}")


def test_a_sound_sidecar_has_no_findings() -> None:
    """It serves a port, is probed in three ways, has limits, mounts a volume and takes variables."""
    assert run_checks(subject(WITH_SIDECAR), without={}) == ()


@pytest.mark.parametrize(
    ("id_", "text"),
    [
        ("DY101", side("envFrom", "env: [{name: A, valueFrom: {configMapKeyRef: {name: web-config, key: B}}}]\n#")),
        ("DY102", side("name: web-config", "name: web-confg")),
        ("DY105", side("name: tmp, mountPath", "name: cache, mountPath")),
        ("DY107", side("envFrom", "args: ['http://api-servce:80']\n#")),
        ("DY203", side("image: other:1.0.0", "image: web:1.0.0")),
        ("DY206", side("grpc: {port: 9000}", "grpc: {port: 9001}")),
        ("DY207", side("exec: {command: [/side, ready]}", "exec: {command: []}")),
        ("DY301", side("limits: {cpu: 500m, memory: 512Mi}", "limits: {cpu: 500m}")),
        ("DY302", side("limits: {cpu: 500m, memory: 512Mi}\n            requests: {cpu: 250m, memory: 256Mi}", "{}")),
        ("DY303", side("requests: {cpu: 250m", "requests: {cpu: 750m")),
        ("DY304", side("requests: {cpu: 250m", "requests: {cpu: some")),
        ("DY307", side("readinessProbe", "#")),
        ("DY308", side("livenessProbe", "#")),
        ("DY401", side("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: false\n            runAsUser: 0")),
        ("DY402", side("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false")),
        ("DY403", side("readOnlyRootFilesystem", "privileged: true\n            readOnlyRootFilesystem")),
        ("DY404", side("{drop: [ALL]}", "{}")),
        ("DY405", side("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true")),
        ("DY503", side("envFrom", "env: [{name: API_KEY, value: hunter2}]\n#")),
        ("DY507", side("image: other:1.0.0", "image: other:latest")),
        (
            "DY508",
            side(
                "image: other:1.0.0\n          imagePullPolicy: IfNotPresent",
                "image: web:1.0.0\n          imagePullPolicy: Always",
            ),
        ),
        ("DY511", side("image: other:1.0.0", "image: Other")),
        ("DY701", side("image: other:1.0.0", "imagee: other:1.0.0")),
        (
            "DY801",
            side(
                "ports: [{name: side, containerPort: 9000}]",
                "ports: [{name: a, containerPort: 9}, {name: a, containerPort: 8}]",
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_sidecar_is_found(id_: str, text: str) -> None:
    """As it is found in the containers beside it, at the sidecar's own place."""
    assert any(PLACE in finding.place.path for finding in find(id_, subject(text)))


def test_a_service_may_route_to_a_sidecar() -> None:
    """To the port of an init container that ends nothing is routed."""
    for target in ("side", "9000"):
        assert said("DY202", subject(changed(WITH_SIDECAR, BESIDE, f"port: 80, targetPort: {target}"))) == []
    ends = changed(side(RUNNING, ""), BESIDE, "port: 80, targetPort: side")
    assert len(find("DY202", subject(ends))) == 1


def test_a_probe_may_ask_a_port_of_a_sidecar() -> None:
    """They share the pod's address."""
    assert said("DY206", subject(changed(WITH_SIDECAR, "path: /ready, port: http", "path: /ready, port: 9000"))) == []


def test_an_init_container_has_no_probes() -> None:
    """The API server refuses them where the container ends before the others start; each is told."""
    found = said("DY207", subject(side(RUNNING, "")))
    assert [one.partition(": ")[2].partition(": ")[0] for one in found] == [
        f"{PLACE}.{probe}" for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    ]
    assert all("an init container has no probes" in one for one in found)


def test_a_sidecar_is_not_what_a_pod_without_ports_is_for() -> None:
    """Then it is the first main container that needs probes."""
    text = side("          ports: [{name: side, containerPort: 9000}]\n", "")
    text = changed(text, "readinessProbe: {grpc: {port: 9000}}", "").replace(
        "ports: [{name: http, containerPort: 8000}]", ""
    )
    assert said("DY307", subject(text)) == []
    (told,) = said("DY307", subject(text.replace("readinessProbe: {httpGet: {path: /ready, port: http}}", "")))
    assert told == "Deployment/web: spec.template.spec.containers[0]: container 'app' has no readinessProbe"


def test_an_older_version_drops_what_makes_a_sidecar() -> None:
    """Kubernetes 1.28 waits for its end for ever."""
    assert len(find("DY703", replace(subject(WITH_SIDECAR), kubernetes_version="v1.28.0"))) == 1
    assert SERVICE in WITH_SIDECAR
