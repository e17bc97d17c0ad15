"""One sound project, and for each check a subject that it finds fault with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dockyard.charts.manifests import Manifests
from dockyard.checks.subject import ReleaseSubject, Subject, Tracked
from dockyard.credentials import example
from tests.checks.samples import DOCKERFILE, PROJECT, SECRETS, SETTINGS, VALUES, VERSION, WEB, changed, image, project

SERVICE = """\
---
# Source: web/templates/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: api-service
spec:
  type: NodePort
  selector: {app: web}
  ports: [{name: http, port: 8000, targetPort: http, nodePort: 30081, protocol: TCP}]
"""

POLICY = """\
---
# Source: web/templates/networkpolicy.yaml
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}
"""

SOUND = WEB + SETTINGS + SERVICE

CHART = {"apiVersion": "v2", "name": "web", "version": "1.0.0", "appVersion": "latest"}

TEMPLATE = "charts/web/templates/deployment.yaml"


def release(text: str = SOUND, *, name: str = "web", again: str | None = None, **facts: Any) -> ReleaseSubject:  # noqa: ANN401 - the fields of ReleaseSubject
    """Return a release that renders to a text, and to another one the second time where that is given."""
    manifests = Manifests.parse(text)
    there: dict[str, Any] = {
        "name": name,
        "spec": project().releases["web"],
        "chart": CHART,
        "manifests": manifests,
        "repeated": manifests if again is None else Manifests.parse(again),
        "templates": {TEMPLATE: "kind: Deployment\n"},
        "values": {"charts/web/values.yaml": VALUES},
        "tag": "1.0.0",
    }
    return ReleaseSubject(**{**there, **facts})


def subject(text: str = SOUND, *others: ReleaseSubject, **facts: Any) -> Subject:  # noqa: ANN401 - the fields of ReleaseSubject
    """Return the sound project with another text, other facts of its release, or more releases."""
    return whole(release(text, **facts), *others)


def whole(*releases: ReleaseSubject) -> Subject:
    """Return a project of releases."""
    return Subject(
        project=project(),
        releases=releases,
        images=(image(),),
        secrets=SECRETS,
        example=example(project()),
        tracked=Tracked(files=(".env.example", "src/main.py")),
        kubernetes_version=VERSION,
    )


def change(old: str, new: str) -> Subject:
    """Return the sound project with one place of its text changed."""
    return subject(changed(SOUND, old, new))


def in_project(**changes: object) -> Subject:
    """Return the sound release in a project with other values of its keys."""
    return replace(subject(), project=project(**changes))


def with_spec(**keys: object) -> ReleaseSubject:
    """Return the sound release with other keys of dockyard.yaml."""
    sound = release()
    return replace(sound, spec=sound.spec.model_copy(update=keys))


POD = "volumes: [{name: tmp, emptyDir: {}}]"
ENV = "env: [{name: APP_VERSION, value: 1.0.0}]"
READY = "readinessProbe: {httpGet: {path: /ready, port: http}}"

LIVE = "livenessProbe: {httpGet: {path: /health, port: http}, initialDelaySeconds: 30}"
AMOUNTS = """
            limits: {cpu: 500m, memory: 512Mi}
            requests: {cpu: 250m, memory: 256Mi}"""
ESCALATION = "allowPrivilegeEscalation: false"
IMAGE = PROJECT["images"]["web"]

BAD: dict[str, Callable[[], Subject]] = {
    "DY001": lambda: subject("", unreadable={"charts/web/values.yaml": "it is a folder"}),
    "DY002": lambda: subject("", failure="no Chart.yaml"),
    "DY003": lambda: subject(lint=("[ERROR] templates/: object name does not conform",)),
    "DY004": lambda: subject(lint=("[WARNING] templates/a.yaml: deprecated",)),
    "DY005": lambda: subject(again=changed(SOUND, "LOG_LEVEL: info", "LOG_LEVEL: xY3f")),
    "DY006": lambda: change("name: web-config\ndata:", "name: web-config\n  namespace: elsewhere\ndata:"),
    "DY007": lambda: subject(templates={TEMPLATE: "metadata:\n  namespace: default\n"}),
    "DY008": lambda: subject(unread=("ci.yaml",)),
    "DY009": lambda: subject(unread_keys={"ci.yaml": ("replicaCnt",)}),
    "DY010": lambda: subject(chart={**CHART, "version": "1.0"}),
    "DY011": lambda: subject(chart={**CHART, "appVersion": "1.0.0"}),
    "DY012": lambda: change("image: web:1.0.0", "image: web:0.9.0"),
    "DY013": lambda: subject(SOUND, release(SETTINGS, name="other")),
    "DY101": lambda: change(ENV, "env: [{name: A, valueFrom: {secretKeyRef: {name: web-secrets, key: DATABSE_URL}}}]"),
    "DY102": lambda: change("configMapRef: {name: web-config}", "configMapRef: {name: web-confg}"),
    "DY103": lambda: change(POD, f"{POD}\n      serviceAccountName: runner"),
    "DY104": lambda: change(POD, "volumes: [{name: tmp, configMap: {name: nginx}}]"),
    "DY105": lambda: change(POD, "volumes: []"),
    "DY106": lambda: change(POD, f"{POD}\n      imagePullSecrets: [{{name: registry}}]"),
    "DY107": lambda: change("http://api-service:8000", "http://api-servce:8000"),
    "DY108": lambda: change("http://api-service:8000", "http://api-service"),
    "DY109": lambda: change(POD, "volumes: [{name: tmp, configMap: {name: web-config, items: [{key: nginx.conf}]}}]"),
    "DY201": lambda: change("selector: {app: web}\n  ports", "selector: {app: wbe}\n  ports"),
    "DY202": lambda: change("targetPort: http", "targetPort: 8001"),
    "DY203": lambda: change("containerPort: 8000", "containerPort: 8001"),
    "DY204": lambda: change("nodePort: 30081", "nodePort: 8080"),
    "DY205": lambda: subject(SOUND, release(changed(SERVICE, "api-service", "other-service"), name="other")),
    "DY206": lambda: change(READY, "readinessProbe: {httpGet: {path: /ready, port: 8080}}"),
    "DY207": lambda: change(READY, "readinessProbe: {httpGet: {path: /a b, port: http}}"),
    "DY208": lambda: change("matchLabels: {app: web}", "matchLabels: {app: api}"),
    "DY209": lambda: replace(subject(f"{SOUND}{POLICY}"), provider="embedded"),
    "DY301": lambda: change("limits: {cpu: 500m, memory: 512Mi}", "limits: {cpu: 500m}"),
    "DY302": lambda: change(AMOUNTS, " {}"),
    "DY303": lambda: change("requests: {cpu: 250m", "requests: {cpu: 750m"),
    "DY304": lambda: change("requests: {cpu: 250m", "requests: {cpu: a quarter"),
    "DY305": lambda: change(AMOUNTS, " {limits: {cpu: 64, memory: 512Mi}, requests: {cpu: 64, memory: 256Mi}}"),
    "DY306": lambda: change("replicas: 1", "replicas: 4"),
    "DY307": lambda: change(READY, "lifecycle: {}"),
    "DY308": lambda: change(LIVE, "lifecycle: {}"),
    "DY309": lambda: change("maxSurge: 1", "maxSurge: 0"),
    "DY310": lambda: change("maxUnavailable: 0", "maxUnavailable: 1"),
    "DY311": lambda: change(READY, "readinessProbe: {httpGet: {path: /ready, port: http}, initialDelaySeconds: 600}"),
    "DY401": lambda: change("{runAsNonRoot: true}", "{runAsUser: 0}"),
    "DY402": lambda: change("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"),
    "DY403": lambda: change(ESCALATION, f"privileged: true\n            {ESCALATION}"),
    "DY404": lambda: change("{drop: [ALL]}", "{}"),
    "DY405": lambda: change(ESCALATION, "allowPrivilegeEscalation: true"),
    "DY406": lambda: change(POD, "volumes: [{name: tmp, hostPath: {path: /tmp}}]"),
    "DY407": lambda: change(POD, f"{POD}\n      hostNetwork: true"),
    "DY408": lambda: change("automountServiceAccountToken: false", "automountServiceAccountToken: true"),
    "DY409": lambda: replace(subject(), images=(image(f"{DOCKERFILE}USER app\n"),)),
    "DY501": lambda: subject(values={"charts/web/values.yaml": "secrets: {API_KEY: hunter2hunter2}\n"}),
    "DY502": lambda: change("LOG_LEVEL: info", "SMTP_PASSWORD: hunter2"),
    "DY503": lambda: change(ENV, "env: [{name: API_KEY, value: hunter2}]"),
    "DY504": lambda: replace(subject(), secrets={"DATABASE_URL": "changeme"}),
    "DY505": lambda: replace(subject(), secrets={}),
    "DY506": lambda: change(", checksum/secret: def", ""),
    "DY507": lambda: change("image: web:1.0.0", "image: web:latest"),
    "DY508": lambda: change("imagePullPolicy: IfNotPresent", "imagePullPolicy: Always"),
    "DY509": lambda: change(ENV, "env: [{name: NEXT_PUBLIC_API, value: x}]"),
    "DY510": lambda: in_project(images={"web": {**IMAGE, "buildArguments": {"NPM_TOKEN": "hunter2"}}}),
    "DY511": lambda: change("image: web:1.0.0", "image: Web"),
    "DY512": lambda: replace(subject(), secrets={"DATABASE_URL": "postgresql://todo:q7Xv2mKp9TzR4wYb\0@db/todo"}),
    "DY513": lambda: replace(subject(), secrets={"DATABASE_URL": "hunter2"}),
    "DY514": lambda: replace(subject(), exposure=".env is open to other users of this machine (mode 0644); `chmod`"),
    "DY601": lambda: replace(subject(), images=(image(""),)),
    "DY602": lambda: replace(subject(), images=(image(f"{DOCKERFILE}COPY assets /assets\n"),)),
    "DY603": lambda: replace(subject(), images=(image(files=frozenset({"src/main.py", ".env"})),)),
    "DY604": lambda: replace(subject(), images=(image(DOCKERFILE.replace("EXPOSE 8000", "EXPOSE 8001")),)),
    "DY605": lambda: replace(subject(), images=(image(DOCKERFILE.replace("PYTHON_IMAGE", "BASE")),)),
    "DY701": lambda: change("  replicas: 1", "  replicas: one"),
    "DY702": lambda: change("apiVersion: apps/v1", "apiVersion: apps/v1beta1"),
    "DY703": lambda: change(POD, f"{POD}\n      hostUsers: false"),
    "DY801": lambda: change("nodePort: 30081, protocol: TCP}]", "nodePort: 30081}, {port: 8000}]"),
    "DY901": lambda: replace(subject(), tracked=Tracked(files=("web/.env.local",))),
    "DY902": lambda: replace(subject(), tracked=Tracked(files=("a",), found=(("a", 1, "looks like a secret"),))),
    "DY903": lambda: replace(subject(), example="DATABASE_URL=\n"),
}
"""By check, a project that is sound but for what the check looks for."""
