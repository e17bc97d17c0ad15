"""The gates: what must hold before a change is taken. `nox --list` shows them, `invoke test` runs them all.

They run in the environment that `./inv` made, so that one lock file says what is used; only the Python services get an
environment each, from the lock file of the service.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

# The programs of this environment, also where it was not activated: another pytest may be on the PATH.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "unit", "services", "frontend", "charts", "image_size", "smoke", "e2e"]
nox.options.error_on_missing_interpreters = True

CHARTS = sorted(str(path.parent) for path in Path("helm").glob("*/Chart.yaml"))
DOCKERFILES = sorted(map(str, Path("dockerfiles").rglob("*Dockerfile")))
SHELL = [
    str(path)
    for path in (
        Path("inv"),
        Path(".ci/run"),
        *sorted(Path("scripts").rglob("*")),
        *sorted(Path("dockerfiles").rglob("*")),
        *sorted(Path("backend/image").iterdir()),
    )
    if path.is_file() and path.read_bytes().startswith((b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash"))
]


@nox.session
def lint(session: nox.Session) -> None:
    """Format, rules and types of the Python; charts, Dockerfiles and shell by their own linters and our checks."""
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("lint-imports")
    session.run("shellcheck", *SHELL)
    session.run("hadolint", *DOCKERFILES)
    session.run(".tools/bin/helm", "lint", "--strict", *CHARTS, external=True)
    session.run("invoke", "check", "--strict")


@nox.session
def unit(session: nox.Session) -> None:
    """Tests that need no cluster: the pure core alone, and the thin wrappers on the real engine."""
    session.run(
        "pytest",
        "-m",
        "not cluster",
        "--ignore=tests/helm",
        "--ignore=tests/smoke",
        "--ignore=tests/e2e",
        "--ignore=tests/reliability",
        *session.posargs,
    )


@nox.session(venv_backend="uv")
def services(session: nox.Session) -> None:
    """Types and tests of the Python services, with their own dependencies and a real PostgreSQL."""
    session.install("--quiet", "--require-hashes", "-r", "backend/requirements-dev.lock")
    session.run("invoke", "db.start", external=True)
    url = session.run("invoke", "db.url", external=True, silent=True, log=False)
    session.chdir("backend")
    session.run("mypy", "--python-executable", f"{session.bin}/python", external=True)
    session.run("pytest", *session.posargs, env={"DATABASE_URL": str(url).strip()})


@nox.session
def frontend(session: nox.Session) -> None:
    """The frontend's own types and tests, on the Node.js that the lock file names, with a real PostgreSQL."""
    session.run("invoke", "db.start")
    url = session.run("invoke", "db.url", silent=True, log=False)
    session.chdir("frontend")
    session.run("npm", "ci", "--no-audit", "--no-fund", "--silent")
    session.run("npm", "run", "--silent", "check")
    session.run("npm", "test", "--silent", env={"DATABASE_URL": str(url).strip()})


@nox.session
def charts(session: nox.Session) -> None:
    """Rendered manifests against the specification, with Helm 3 and with Helm 4; copies of shared files are equal."""
    session.run("python", "-m", "scripts.sync_charts", "--check")
    session.run("pytest", "tests/helm", *session.posargs)


@nox.session
def image_size(session: nox.Session) -> None:
    """Each image under 250 MB, all of them under 500 MB, and where the bytes are."""
    session.run("invoke", "build")
    session.run("invoke", "images", "--weigh", "--check")


@nox.session
def smoke(session: nox.Session) -> None:
    """The app on the live cluster, asked from outside and from inside."""
    session.run("invoke", "deploy")
    session.run("pytest", "tests/smoke", *session.posargs)


@nox.session
def e2e(session: nox.Session) -> None:
    """The app on the live cluster, used through a real browser; screenshots are kept in .dockyard/screenshots/."""
    session.run("invoke", "deploy")
    session.run("pytest", "tests/e2e", *session.posargs)


@nox.session
def reliability(session: nox.Session) -> None:
    """Faults on a cluster of their own, for half an hour; writes docs/reliability.md."""
    if not session.posargs:
        Path(".dockyard/reliability.json").unlink(missing_ok=True)
    session.run("pytest", "tests/reliability", *session.posargs)
    session.run("python", "-m", "scripts.reliability")


@nox.session
def canary(session: nox.Session) -> None:
    """Secrets that can be recognized, through a whole day of deploys on a cluster of their own: five minutes."""
    session.run("pytest", "tests/canary", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Each budget against bare commands in the same run, for half an hour; writes docs/benchmarks.md."""
    session.run("python", "-m", "scripts.bench", *session.posargs)
