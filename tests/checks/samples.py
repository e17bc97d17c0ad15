"""A release and an image that no check finds fault with, and subjects made of changed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockyard.charts.manifests import Manifests
from dockyard.checks.catalogue import run_checks
from dockyard.checks.subject import ImageSubject, ReleaseSubject, Subject
from dockyard.credentials import example
from dockyard.model.project import Project

if TYPE_CHECKING:
    from dockyard.checks.finding import Finding

VERSION = "v1.30.0"

WEB = """\
# Source: web/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  template:
    metadata:
      labels: {app: web}
      annotations: {checksum/config: abc, checksum/secret: def}
    spec:
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true}
      containers:
        - name: app
          image: web:1.0.0
          imagePullPolicy: IfNotPresent
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          ports: [{name: http, containerPort: 8000}]
          env: [{name: APP_VERSION, value: 1.0.0}]
          envFrom:
            - configMapRef: {name: web-config}
            - secretRef: {name: web-secrets}
          livenessProbe: {httpGet: {path: /health, port: http}, initialDelaySeconds: 30}
          readinessProbe: {httpGet: {path: /ready, port: http}}
          resources:
            limits: {cpu: 500m, memory: 512Mi}
            requests: {cpu: 250m, memory: 256Mi}
          volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
"""

SETTINGS = """\
---
# Source: web/templates/configmap.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: web-config
data:
  LOG_LEVEL: info
  API_URL: http://api-service:8000
---
# Source: web/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata:
  name: web-secrets
data:
  DATABASE_URL: cG9zdGdyZXNxbDovL2E6YkBkYi90b2Rv
"""

VALUES = """\
replicaCount: 1
config:
  LOG_LEVEL: info
secrets:
  DATABASE_URL: ""
"""

DOCKERFILE = """\
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE}
COPY src /app/src
EXPOSE 8000
CMD ["python", "-m", "web"]
"""

CONTEXT = frozenset({"src/main.py", "src/pages/index.html", "requirements.lock"})

PROJECT: dict[str, Any] = {
    "name": "sample",
    "cluster": {"cpus": 2, "memory": 4096},
    "images": {
        "web": {
            "baseImage": "python:3.13-slim",
            "baseImageArgument": "PYTHON_IMAGE",
            "exposedPorts": [8000],
            "buildContext": "web",
            "dockerfile": "web.Dockerfile",
        }
    },
    "releases": {"web": {"chart": "charts/web", "image": "web", "secrets": ["DATABASE_URL"]}},
}

SECRETS = {"DATABASE_URL": "postgresql://todo:q7Xv2mKp9TzR4wYb@db/todo"}


def changed(text: str, old: str, new: str) -> str:
    """Return a text with one place changed, which must be there exactly once."""
    assert text.count(old) == 1, f"{old!r} stands there {text.count(old)} times"
    return text.replace(old, new)


def project(**changes: object) -> Project:
    """Return the sample project with other values of its keys."""
    return Project.model_validate({**PROJECT, **changes})


def release(
    text: str = WEB + SETTINGS,
    *,
    of: Project | None = None,
    name: str = "web",
    **facts: Any,  # noqa: ANN401 - the fields of ReleaseSubject
) -> ReleaseSubject:
    """Return a release that renders to a text."""
    spec = (of or project()).releases["web"]
    facts = {"values": {"charts/web/values.yaml": VALUES}, **facts}
    return ReleaseSubject(name=name, spec=spec, chart={}, manifests=Manifests.parse(text), **facts)


def image(dockerfile: str = DOCKERFILE, *, of: Project | None = None, **facts: Any) -> ImageSubject:  # noqa: ANN401 - the fields of ImageSubject
    """Return the sample image with another Dockerfile, or other facts."""
    facts = {"files": CONTEXT, **facts}
    return ImageSubject(name="web", spec=(of or project()).images["web"], dockerfile=dockerfile, **facts)


def subject(
    text: str = WEB + SETTINGS,
    *others: ReleaseSubject,
    of: Project | None = None,
    images: tuple[ImageSubject, ...] | None = None,
    **facts: Any,  # noqa: ANN401 - the fields of Subject
) -> Subject:
    """Return a project of a release that renders to a text, and of others."""
    there = of or project()
    facts = {"secrets": SECRETS, "kubernetes_version": VERSION, "example": example(there), **facts}
    return Subject(
        project=there,
        releases=(release(text, of=there), *others),
        images=(image(of=there),) if images is None else images,
        **facts,
    )


def find(id_: str, looked_at: Subject) -> list[Finding]:
    """Return what one check finds."""
    return list(run_checks(looked_at, without={}, only=[id_]))


def said(id_: str, looked_at: Subject) -> list[str]:
    """Return what one check finds as `path: message`."""
    return [f"{finding.place.path}: {finding.message}" for finding in find(id_, looked_at)]
