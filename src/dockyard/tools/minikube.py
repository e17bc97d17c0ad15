"""Minikube, as a program: every call names its profile and a kubeconfig file that is not the user's.

Sources: the command reference for `start`, `profile list`, `addons`, `config`, `image ls`, `image load`, `service`,
`update-context`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dockyard.model.errors import ClusterError, ToolFailedError
from dockyard.tools.process import Completed, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

QUICK = 60.0
START = 900.0
"""Seconds for a first start, which downloads an image of the node."""

STABLE = re.compile(r"'stable'\s+for\s+(v\d+\.\d+\.\d+\S*?),\s+'latest'\s+for\s+(v\d+\.\d+\.\d+[^\s)]*)\)")
"""How the help of `minikube start` names the versions that it calls stable (the default) and latest."""

ADDON = 400.0
"""Seconds to enable an addon; Minikube itself waits six minutes for the pods of some."""

LOAD = 600.0
"""Seconds for one image; Minikube takes up to 0.2 s a megabyte."""


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """A profile as `minikube profile list -o json` shows it.

    Attributes:
        name: Its name, which is the Kubernetes context too.
        status: Minikube's word: Running, OK, Stopped, Paused.
        cpus: CPU cores.
        memory: Megabytes.
        driver: docker, virtualbox, kvm2 and others.
        kubernetes_version: `v1.28.3`.
        addons: Addons that are on.
    """

    name: str
    status: str
    cpus: int
    memory: int
    driver: str
    kubernetes_version: str
    addons: tuple[str, ...]


class MinikubeProgram:
    """One profile of the minikube program."""

    def __init__(self, profile: str, kubeconfig: Path) -> None:
        self._profile, self._kubeconfig = profile, kubeconfig

    def profile(self) -> ProfileFacts | None:
        """Return the profile, or None where there is none."""
        listed = json.loads(
            self._run(["profile", "list", "--output", "json"], profiled=False, check=False).stdout or "{}"
        )
        entries = {entry["Name"]: entry for entry in listed.get("valid") or ()}
        entry = entries.get(self._profile)
        if entry is None:
            return None
        config = entry["Config"]
        return ProfileFacts(
            name=entry["Name"],
            status=entry["Status"],
            cpus=config["CPUs"],
            memory=config["Memory"],
            driver=config["Driver"],
            kubernetes_version=config["KubernetesConfig"]["KubernetesVersion"],
            addons=tuple(name for name, on in (config.get("Addons") or {}).items() if on),
        )

    def start(  # noqa: PLR0913 - each is one option of the program
        self,
        *,
        cpus: int,
        memory: int,
        driver: str,
        version: str | None,
        addons: Sequence[str] = (),
        on_step: Callable[[str], None],
    ) -> None:
        """Start the profile, made anew where there is none; steps are those of Minikube's own events.

        Raises:
            ToolFailedError: It did not start; ``stderr`` is what Minikube says of it, without the JSON around.
        """
        argv = ["start", f"--cpus={cpus}", f"--memory={memory}mb", f"--driver={driver}", "--output=json"]
        wanted = [f"--kubernetes-version={version}"] if version else []
        enabled = [f"--addons={','.join(addons)}"] if addons else []

        def on_line(line: str) -> None:
            if step := _step(line):
                on_step(step)

        try:
            self._run([*argv, *wanted, *enabled], timeout=START, on_line=on_line)
        except ToolFailedError as error:
            raise ToolFailedError(error.argv, error.returncode, _reason(error.stderr)) from None

    def default_version(self) -> str:
        """Return the Kubernetes version of a new profile: the one the user configured, else the program's own default.

        `config defaults kubernetes-version` lists every supported version, so the default is read from the help.

        Raises:
            ClusterError: The help does not name a version.
        """
        shown = self._run(["config", "get", "kubernetes-version"], profiled=False, check=False)
        wanted = shown.stdout.strip().lower() if shown.returncode == 0 else ""
        if wanted not in {"", "stable", "latest", "newest"}:
            return f"v{wanted.removeprefix('v')}"
        found = STABLE.search(self._run(["start", "--help"], profiled=False).stdout)
        if found is None:
            raise ClusterError(
                "The default Kubernetes version of Minikube is unknown",
                why="`minikube start --help` does not name it",
                fix="Set cluster.kubernetesVersion in dockyard.yaml",
            )
        return found[1] if wanted in {"", "stable"} else found[2]

    def addons(self) -> tuple[str, ...]:
        """Return the names of the addons that the program has."""
        return tuple(json.loads(self._run(["addons", "list", "--output", "json"]).stdout))

    def enable_addon(self, name: str) -> None:
        """Enable an addon of the running profile."""
        self._run(["addons", "enable", name], timeout=ADDON)

    def stop(self) -> None:
        """Stop the profile."""
        self._run(["stop"], timeout=2 * QUICK)

    def delete(self) -> None:
        """Delete the profile."""
        self._run(["delete"], timeout=2 * QUICK)

    def update_context(self) -> None:
        """Write the profile's context into our kubeconfig file."""
        self._run(["update-context"])

    def ip(self) -> str:
        """Return the node's address."""
        return self._run(["ip"]).stdout.strip()

    def images(self) -> Mapping[str, str]:
        """Return the images in the node: full reference to id."""
        listed = json.loads(self._run(["image", "ls", "--format", "json"]).stdout or "[]")
        return {tag: _prefixed(entry["id"]) for entry in listed for tag in entry.get("repoTags") or ()}

    def load(self, reference: str) -> None:
        """Load an image of the Docker engine into the node."""
        self._run(["image", "load", "--daemon=true", reference], timeout=LOAD)

    def remove_image(self, reference: str) -> None:
        """Remove an image from the node."""
        self._run(["image", "rm", reference])

    def _run(
        self,
        arguments: Sequence[str],
        *,
        timeout: float = QUICK,
        check: bool = True,
        profiled: bool = True,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        which = [f"--profile={self._profile}"] if profiled else []
        return run(
            ["minikube", *arguments, *which],
            timeout=timeout,
            check=check,
            environment={"KUBECONFIG": str(self._kubeconfig)},
            on_line=on_line,
        )


def _step(line: str) -> str:
    """Return the message of a CloudEvents line of `minikube start --output=json`; empty for others."""
    return str(_event(line, "step").get("message", ""))


def _reason(said: str) -> str:
    """Return why a start failed: the error event that has an exit code; those without one are hints."""
    errors = (_event(line, "error") for line in reversed(said.splitlines()))
    last = next((error for error in errors if error.get("exitcode")), None)
    if last is None:
        return said
    return " ".join(" ".join(str(last.get(key, "")).split()) for key in ("message", "advice")).strip()


def _event(line: str, kind: str) -> Mapping[str, Any]:
    """Return the data of a CloudEvents line of one type (minikube documentation, "JSON output"), or nothing."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    if not isinstance(event, dict) or event.get("type") != f"io.k8s.sigs.minikube.{kind}":
        return {}
    data = event.get("data")
    return data if isinstance(data, dict) else {}


def _prefixed(digest: str) -> str:
    return digest if digest.startswith("sha256:") else f"sha256:{digest}"
