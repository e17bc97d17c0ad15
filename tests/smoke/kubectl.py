"""kubectl, as people use it, beside Dockyard's own way to the API server: each call names where it goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dockyard.tools.process import Completed, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dockyard.tools.target import Target

QUICK = 20.0
"""Seconds for a call that only asks."""


class Kubectl:
    """One kubectl program on one cluster and namespace."""

    def __init__(self, program: Path | str, target: Target) -> None:
        self._program, self._target = str(program), target

    def get(self, *kinds: str, selector: str = "", managed_fields: bool = False) -> tuple[Mapping[str, Any], ...]:
        """Return the objects of those kinds in the namespace, as the API server's JSON has them."""
        which = ["--selector", selector] if selector else []
        which += ["--show-managed-fields"] if managed_fields else []
        done = self._run(["get", ",".join(kinds), *which, "--output", "json"])
        return tuple(json.loads(done.stdout)["items"])

    def logs(self, pod: str, *, tail: int) -> str:
        """Return the last lines of a pod's container."""
        return self._run(["logs", pod, "--tail", str(tail)]).stdout

    def delete(self, kind: str, name: str, *, wait: bool, grace: int | None = None) -> None:
        """Delete an object; a grace of 0 seconds kills a pod."""
        how = [] if grace is None else [f"--grace-period={grace}", *(["--force"] if grace == 0 else [])]
        self._run(["delete", kind, name, f"--wait={str(wait).lower()}", *how], timeout=3 * QUICK)

    def execute(self, pod: str, argv: Sequence[str], *, check: bool = True) -> Completed:
        """Run a program of a pod's image inside the pod."""
        where = [f"--kubeconfig={self._target.kubeconfig}", f"--context={self._target.context}"]
        command = [self._program, *where, f"--namespace={self._target.namespace}", "exec", pod, "--", *argv]
        return run(command, timeout=QUICK, check=check)

    def change(self, *arguments: str, stdin: str = "", editor: str = "") -> None:
        """Run a command that changes objects; `kubectl edit` starts the editor on a file."""
        self._run(arguments, stdin=stdin, environment={"KUBE_EDITOR": editor})

    def _run(
        self,
        arguments: Sequence[str],
        *,
        timeout: float = QUICK,
        stdin: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        where = [f"--kubeconfig={self._target.kubeconfig}", f"--context={self._target.context}"]
        argv = [self._program, *arguments, *where, f"--namespace={self._target.namespace}"]
        return run(argv, timeout=timeout, stdin=stdin, environment=environment)
