"""A day with secrets that can be recognized, on a cluster of its own, and all that it left behind.

`nox -s canary` runs it: it takes some minutes. The cluster is removed at the end.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dockyard import database, envfile
from dockyard.tools.docker import Docker
from scripts.trial import ROOT, Trial
from tests.canary.evidence import Evidence
from tests.canary.finder import Finder, Sampler, shim

CLUSTER = "dockyard-canary"
MARK = f"Cn{secrets.token_hex(15)}"
"""What every value has in it that can be looked for."""

VALUES = {
    "CANARY_COMMAS": f"a,{MARK},b=c,d==,",
    "CANARY_QUOTES": f"'{MARK}\"`it''s\\\"'",
    "CANARY_BACKSLASHES": f"\\n\\{MARK}\\\\t\\",
    "CANARY_LINES": f"{MARK}-one\n\n  two {MARK}\n\tthree\r\nlast {MARK}\n",
    "CANARY_TEMPLATE": f"{{{{ .Values.{MARK} }}}} $(HOME) ${{HOME}} %s",
    "CANARY_ZEROS": "0007",
    "CANARY_TRUE": "true",
    "CANARY_FLOAT": "1e5",
    "CANARY_UNICODE": f"ключ-鍵-\U0001f511-{MARK}-é",
    "CANARY_LONG": (f"{MARK}{secrets.token_hex(8)}" * 3_000)[:100_000],
    "CANARY_BASE64": f"{MARK}QUJD/+==",
    "CANARY_URL": f"postgres://somebody:p%40{MARK}@db.internal:5432/x?a=b&c=d",
    "CANARY_BLANKS": f"  {MARK}\t ",
}
"""What is carried into the backend beside what it uses."""

USED = {"OPENAI_API_KEY": f"sk-{MARK}{secrets.token_hex(4)}", "BETTER_AUTH_SECRET": f"{MARK}{secrets.token_hex(8)}"}

ENVIRONMENT = """
import os, sys
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        values = open(f"/proc/{pid}/environ", "rb").read()
        alone = open(f"/proc/{pid}/status").read().split("NSpid:")[1].split("\\n")[0].split()[-1] == "1"
    except (OSError, IndexError):
        continue
    entries = values.split(b"\\0")
    if alone and f"HOSTNAME={sys.argv[1]}".encode() in entries and any(e.startswith(b"APP_VERSION=") for e in entries):
        print(values.hex())
"""
"""A program of the node that prints what the first process of a pod was started with: the images have no shell."""

SHOUT = """import base64, json, os, sys, urllib.parse
for name, value in sorted(os.environ.items()):
    if name.startswith(("CANARY", "OPENAI", "BETTER_AUTH_S", "DATABASE")):
        print(name, value, repr(value), flush=True)
        print(json.dumps({name: value}), base64.b64encode(value.encode()).decode(), urllib.parse.quote(value, safe=""))
sys.exit(3)
"""
"""What a backend does that has lost its head: it writes its secrets into its log, in every form, and ends."""


@dataclass
class Day:
    """The project and what it left behind.

    Attributes:
        trial: The copy of the project.
        evidence: What its commands left behind.
    """

    trial: Trial
    evidence: Evidence

    def inv(self, *argv: str, channel: str = "stdout", code: int = 0) -> str:
        """Run a task, keep what it printed, and expect how it ends; return what it printed to standard output."""
        done = self.evidence.ran(" ".join(argv), self.trial.inv(*argv), channel)
        said = done.err[-3_000:].replace(MARK, "(the secret)")
        assert done.code == code, f"{argv} ended with {done.code}: {said}"
        return done.out

    def pods(self, service: str) -> dict[str, str]:
        """Return the names of a service's pods that are there to stay, by their ids."""
        found = self.trial.site().api.list("Pod")
        mine = [pod["metadata"] for pod in found if pod["metadata"]["labels"].get("app") == f"ai-todo-{service}"]
        return {pod["uid"]: pod["name"] for pod in mine if "deletionTimestamp" not in pod}

    def environment(self, service: str) -> dict[bytes, bytes]:
        """Return the environment that a service's newest pod was started with."""
        (pod,) = self.pods(service).values()
        (said,) = self.trial.in_node("python3", "-c", ENVIRONMENT, pod).split()
        entries = (entry.partition(b"=") for entry in bytes.fromhex(said).split(b"\0") if entry)
        return {name: value for name, _, value in entries}

    @property
    def env(self) -> dict[str, str]:
        """What .env says."""
        return envfile.read(self.trial.root / ".env")

    def records(self, text: str) -> list[dict[str, Any]]:
        """Return the records that a command printed."""
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """The project with its secrets, on a cluster that is not there yet."""
    base = tmp_path_factory.mktemp("canary")
    root, helm, temp = (base / name for name in ("copy", "helm", "tmp"))
    for folder in (root, helm, temp):
        folder.mkdir()
    trial = Trial.copied(root, cluster=CLUSTER)
    trial.environment |= {"TMPDIR": str(temp)}
    _with_own_tools(trial, helm)
    _with_canaries(trial)
    there = database.find(Docker())
    known = [MARK, *([there.password] if there else [])]
    try:
        with Sampler(temp) as sampler:
            yield Day(trial, Evidence(root, Finder(*known), sampler, helm, temp, spared=(root / ".env",)))
    finally:
        trial.inv("cluster.delete")


def _with_own_tools(trial: Trial, calls: Path) -> None:
    """Give a copy a Helm that keeps its calls."""
    tools = trial.root / ".tools"
    tools.unlink()
    (tools / "bin").mkdir(parents=True)
    for program in (ROOT / ".tools" / "bin").iterdir():
        (tools / "bin" / program.name).symlink_to(program.resolve())
    (tools / "bin" / "helm").unlink()
    shim(tools / "bin" / "helm", (ROOT / ".tools" / "bin" / "helm").resolve(), calls, sys.executable)


def _with_canaries(trial: Trial) -> None:
    """Declare the secrets, and put them into .env."""
    names = "".join(f"      {name}: {{}}\n" for name in VALUES)
    trial.edit("dockyard.yaml", r"(  backend:\n(?:    .*\n)*?    secrets:\n)", rf"\g<1>{names}")
    path = trial.root / ".env"
    path.unlink(missing_ok=True)
    path.touch(0o600)
    text = "".join(envfile.line(name, value) for name, value in (VALUES | USED).items())
    path.write_bytes(f"# kept as it is\r\n{text}LAST=1".encode())


def shout(trial: Trial) -> None:
    """Have the backend write its secrets into its log, and end."""
    indent = "          "
    command = json.dumps(["python", "-c", SHOUT]).replace("\\", "\\\\")
    trial.edit(
        "helm/backend/templates/deployment.yaml",
        rf"({indent}imagePullPolicy: .*\n)",
        rf"\g<1>{indent}command: {command}\n",
    )


def calm(trial: Trial) -> None:
    """Bring the backend back to its senses."""
    name = "helm/backend/templates/deployment.yaml"
    shutil.copy(ROOT / name, trial.root / name)
