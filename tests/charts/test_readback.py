"""A chart read back into the model's entities."""

from __future__ import annotations

import textwrap

import pytest

from dockyard.charts import readback
from dockyard.charts.manifests import Manifests


def parse(text: str) -> Manifests:
    """Return the objects of rendered YAML."""
    return Manifests.parse(textwrap.dedent(text))


WEB = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 2
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec:
          affinity: {nodeAffinity: {}}
          containers:
            - name: web
              image: web:1.0.0
              terminationMessagePolicy: File
              ports: [{name: http, containerPort: 8080, hostIP: 127.0.0.1}]
              envFrom: [{configMapRef: {name: web}, somethingNew: 1}]
              resources: {limits: {cpu: 500m}, requests: {cpu: 250m, example.com/gpu: 1}, claims: []}
              readinessProbe: {httpGet: {path: /ready, port: http}}
            - name: sidecar
              image: sidecar:2.0.0
          initContainers:
            - name: first
              image: first:1.0.0
"""


def test_a_deployment_is_one_entity_for_each_lasting_container() -> None:
    """Containers become DeploymentSpecs, init containers do not, and what the model does not have is left out."""
    web, sidecar = readback.deployments(parse(WEB))
    assert web.breaches == sidecar.breaches == ()
    assert web.entity is not None
    assert sidecar.entity is not None
    assert (web.entity.name, web.entity.image, web.entity.replicas) == ("web", "web:1.0.0", 2)
    assert (sidecar.entity.image, sidecar.entity.ports) == ("sidecar:2.0.0", ())
    assert [(port.name, port.container_port) for port in web.entity.ports] == [("http", 8080)]
    assert web.entity.env_from[0].config_map_ref is not None
    assert str(web.entity.resources.requests.cpu) == "250m"
    assert web.entity.labels == {"app": "web"}


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ("replicas: 2 -> replicas: 4", "spec.replicas", "1 to 3"),
        ("cpu: 250m -> cpu: 750m", "spec.template.spec.containers[0].resources", "not more than its limit"),
        ("image: web:1.0.0 -> image: Web:1.0.0", "spec.template.spec.containers[0].image", "Web"),
        ("port: http -> port: 70000", "spec.template.spec.containers[0].readinessProbe.httpGet.port", "70000"),
    ],
)
def test_a_broken_rule_is_found_where_it_stands(change: str, path: str, words: str) -> None:
    """A breach names the keys that lead to the value in the rendered object, and the rule."""
    before, _, after = change.partition(" -> ")
    assert before in WEB
    read = next(readback.deployments(parse(WEB.replace(before, after))))
    assert read.entity is None
    found = {breach.path: breach.sentence for breach in read.breaches}
    assert words in found[path]


@pytest.mark.parametrize(
    ("strategy", "fits"),
    [
        ("", True),
        ("strategy: {type: RollingUpdate}", True),
        ("strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}}", True),
        ("strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", True),
        ("strategy: {rollingUpdate: {maxSurge: 100%, maxUnavailable: 0}}", False),
        ("strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 50%}}", False),
        ("strategy: {type: Recreate}", False),
    ],
)
def test_shares_are_rounded_as_kubernetes_does(strategy: str, *, fits: bool) -> None:
    """Of two pods 25 % is one more (rounded up) and none less (rounded down): the specification's 1 and 0."""
    text = WEB.replace("replicas: 2", f"replicas: 2\n      {strategy}")
    read = next(readback.deployments(parse(text)))
    assert (read.breaches == ()) is fits
    assert all(breach.path.startswith("spec.strategy") for breach in read.breaches)


def test_services_with_a_selector_are_read() -> None:
    """With their defaults; one without a selector leads nowhere of ours, and of some types the model has none."""
    text = """
        kind: Service
        metadata: {name: web}
        spec: {type: NodePort, sessionAffinity: None, selector: {app: web}, ports: [{port: 80, nodePort: 30080}]}
        ---
        kind: Service
        metadata: {name: elsewhere}
        spec: {type: ExternalName, externalName: example.com}
        ---
        kind: Service
        metadata: {name: outside}
        spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, nodePort: 30082}]}
        ---
        kind: Service
        metadata: {name: wrong}
        spec: {type: ClusterIP, selector: {app: web}, ports: [{port: 80, nodePort: 30081}]}
    """
    web, wrong = readback.services(parse(text))
    assert web.entity is not None
    assert (web.entity.type, web.entity.ports[0].node_port, web.entity.ports[0].target) == ("NodePort", 30080, 80)
    assert [breach.path for breach in wrong.breaches] == ["spec"]
    assert "NodePort" in wrong.breaches[0].sentence


def test_config_maps_and_secrets_are_read() -> None:
    """Their data come back byte for byte; plain and encoded values of a Secret alike."""
    text = """
        kind: ConfigMap
        metadata: {name: web}
        data: {LEVEL: info, NOTHING: }
        ---
        kind: Secret
        metadata: {name: web}
        stringData: {PLAIN: "a,b=c", NOTHING: }
        data: {CODED: "w7w=", NOTHING: null}
        ---
        kind: Secret
        metadata: {name: certificate}
        type: kubernetes.io/tls
        ---
        kind: Secret
        metadata: {name: bad}
        data: {CODED: "not base64 hush-hush"}
    """
    manifests = parse(text)
    (config_map,) = readback.config_maps(manifests)
    good, bad = readback.secrets(manifests)
    assert config_map.entity is not None
    assert dict(config_map.entity.data) == {"LEVEL": "info"}
    assert good.entity is not None
    assert good.entity.reveal() == {"PLAIN": b"a,b=c", "CODED": "ü".encode()}
    assert bad.entity is None
    assert "hush" not in str(bad)
