"""Helm 3 and 4, as a program: every call names its kubeconfig, context and namespace.

Helm never waits for readiness here: 3 and 4 differ in what waiting means, and neither tells why it waits. Values are
given as documents on standard input, because `--set` cuts them at commas and guesses their types.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dockyard.model.errors import ToolFailedError
from dockyard.tools.process import Completed, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockyard.tools.target import Target

QUICK = 30.0
"""Seconds for a call that renders or asks."""

CHANGE = 120.0
"""Seconds for a call that changes a release; hooks run within it, where a release's `timeout` gives them no longer."""

SWIFT = {"GOGC": "off", "GOMEMLIMIT": "256MiB"}
"""Environment of calls that end at once: the first collection of garbage waits until there is some. A fifth faster."""

SENT = "Sent by Dockyard"
"""Helm's remark on a revision that went out by `upgrade`: whether it is good is for Dockyard to see, then."""

FIELD_MANAGER = "helm"
"""The field manager under which Helm 3 and 4 write objects."""

OWN: Mapping[str, str] = {
    "HELM_DRIVER": "secret",
    **dict.fromkeys(
        (
            "HELM_KUBEAPISERVER",
            "HELM_KUBEASGROUPS",
            "HELM_KUBEASUSER",
            "HELM_KUBECAFILE",
            "HELM_KUBEINSECURE_SKIP_TLS_VERIFY",
            "HELM_KUBETLS_SERVER_NAME",
            "HELM_KUBETOKEN",
        ),
        "",
    ),
}
"""Environment of calls that reach the cluster. These variables win over the kubeconfig that a call names: a user's own
would lead to another cluster, or to records of another kind (Helm documentation, "helm", environment variables)."""

VERSION_4 = 4
"""From this major version on Helm uses server-side apply, and `helm list` shows every state and refuses `--all`."""


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """A release as `helm list` shows it.

    Attributes:
        name: Its name.
        revision: Its newest revision.
        status: Helm's word: deployed, failed, pending-install, pending-upgrade, pending-rollback, uninstalling.
        chart: Chart name and version, `ai-todo-backend-1.0.0`.
        app_version: The appVersion of that chart, which is the tag of the image.
    """

    name: str
    revision: int
    status: str
    chart: str
    app_version: str


@dataclass(frozen=True, slots=True)
class RevisionFacts:
    """A revision as `helm history` shows it.

    Attributes:
        revision: Its number, from 1.
        updated: When it was made.
        status: Helm's word, as in ReleaseFacts, or superseded.
        app_version: The appVersion of its chart.
        description: Helm's remark, "Rollback to 1" among others.
    """

    revision: int
    updated: datetime
    status: str
    app_version: str
    description: str


class Helm:
    """One Helm program; with a target, on one cluster."""

    def __init__(self, program: Path | str, target: Target | None = None) -> None:
        self._program, self._target = str(program), target

    @cached_property
    def major(self) -> int:
        """The major version: 3 or 4."""
        done = run([self._program, "version", "--template", "{{.Version}}"], timeout=QUICK)
        return int(done.stdout.lstrip("v").partition(".")[0])

    def lint(
        self, charts: Sequence[Path], values: Mapping[str, Any] | None = None, *, files: Sequence[Path] = ()
    ) -> Completed:
        """Run `helm lint --strict` over several charts at once, with values as for `template`.

        The caller judges the exit code.
        """
        argv = [self._program, "lint", "--strict", *_values(files), *map(str, charts)]
        return run(argv, timeout=QUICK, check=False, stdin=_document(values or {}), environment=SWIFT)

    def template(  # noqa: PLR0913 - each is one option of Helm
        self,
        release: str,
        chart: Path,
        values: Mapping[str, Any],
        *,
        files: Sequence[Path] = (),
        namespace: str = "default",
        kubernetes_version: str = "",
    ) -> str:
        """Render a chart to YAML without a cluster, as an upgrade of it would be.

        Args:
            release: The release's name.
            chart: The chart: a folder or an archive.
            values: Values that win over those of the files.
            files: Values files, the last wins.
            namespace: The namespace it is rendered for.
            kubernetes_version: The version of the cluster that templates are told; Helm's own where it is not given.

        Raises:
            ToolFailedError: The chart does not render; ``stderr`` says where.
        """
        cluster = [f"--kube-version={kubernetes_version}"] if kubernetes_version else []
        where = ["--namespace", namespace, "--is-upgrade", *cluster]
        argv = [self._program, "template", release, str(chart), *where, *_values(files)]
        return run(argv, timeout=QUICK, stdin=_document(values), environment=SWIFT).stdout

    def package(self, chart: Path, folder: Path, *, app_version: str | None) -> Path:
        """Package a chart, with another appVersion where one is given; return the archive's path."""
        version = ["--app-version", app_version] if app_version else []
        argv = [self._program, "package", str(chart), "--destination", str(folder), *version]
        done = run(argv, timeout=QUICK, environment=SWIFT)
        return Path(done.stdout.strip().partition(": ")[2])

    def upgrade(
        self,
        release: str,
        chart: Path,
        values: Mapping[str, Any],
        *,
        files: Sequence[Path] = (),
        hooks: float = CHANGE,
    ) -> None:
        """Install or upgrade a release and return when Helm has sent its objects.

        Args:
            release: As for `template`, with the rest.
            chart: As above.
            values: As above.
            files: As above.
            hooks: Seconds for each of its hooks.

        Raises:
            ToolFailedError: Helm refused; the release is then marked failed, or absent.
        """
        # Helm takes a document without values for none at all, and would then bring the last revision's back.
        argv = ["upgrade", release, str(chart), "--install", "--reset-values", *_values(files), f"--description={SENT}"]
        argv += [*self._apply_options, "--timeout", f"{hooks:g}s"]
        self._on_cluster(argv, timeout=hooks + QUICK, stdin=_document(values))

    def rollback(self, release: str, revision: int) -> None:
        """Roll a release back to a revision and return when Helm has sent its objects."""
        self._on_cluster(["rollback", release, str(revision), *self._apply_options], timeout=CHANGE)

    def uninstall(self, release: str) -> None:
        """Delete the objects of a release, pods before their owners, and return when that has begun.

        Helm 4 cannot wait for the end (`--wait`): it fails at times because an object "still exists".
        """
        argv = ["uninstall", release, "--cascade", "foreground", "--timeout", f"{CHANGE:g}s"]
        self._on_cluster(argv, timeout=CHANGE + QUICK)

    def releases(self) -> tuple[ReleaseFacts, ...]:
        """Return the releases in the namespace, in every state."""
        every = [] if self.major >= VERSION_4 else ["--all"]
        listed = json.loads(self._on_cluster(["list", *every, "--output", "json"]).stdout)
        return tuple(
            ReleaseFacts(
                entry["name"], int(entry["revision"]), entry["status"], entry["chart"], entry.get("app_version", "")
            )
            for entry in listed
        )

    def history(self, release: str) -> tuple[RevisionFacts, ...]:
        """Return the revisions of a release, oldest first; none where there is no such release."""
        try:
            listed = json.loads(self._on_cluster(["history", release, "--output", "json"]).stdout)
        except ToolFailedError as error:
            if "release: not found" in error.stderr:
                return ()
            raise
        return tuple(
            RevisionFacts(
                int(entry["revision"]),
                datetime.fromisoformat(entry["updated"]),
                entry["status"],
                entry.get("app_version", ""),
                entry.get("description", ""),
            )
            for entry in listed
        )

    def manifest(self, release: str, *, revision: int | None = None) -> str:
        """Return the YAML that Helm sent for a release, or for one of its revisions."""
        which = [] if revision is None else ["--revision", str(revision)]
        return self._on_cluster(["get", "manifest", release, *which]).stdout

    @property
    def _apply_options(self) -> list[str]:
        """Options for how objects are written.

        Helm 4 uses server-side apply, and moves the fields of releases that were applied client-side to it. By default
        (`--server-side=auto`) those would stay client-side, and `--force-conflicts` would be an error for them. Without
        that option an upgrade fails when another field manager changed a field. Helm 3 only has the three-way merge.
        """
        return ["--server-side=true", "--force-conflicts"] if self.major >= VERSION_4 else []

    def _on_cluster(self, arguments: Sequence[str], *, timeout: float = QUICK, stdin: str | None = None) -> Completed:
        if self._target is None:
            raise ValueError("this Helm has no cluster")
        where = [
            f"--kubeconfig={self._target.kubeconfig}",
            f"--kube-context={self._target.context}",
            f"--namespace={self._target.namespace}",
        ]
        return run([self._program, *arguments, *where], timeout=timeout, stdin=stdin, environment=OWN)


class _Quoting(yaml.SafeDumper):
    """Writes every string in double quotes: Helm's YAML takes 1e5 for a number where PyYAML leaves it bare."""


_Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def _document(values: Mapping[str, Any]) -> str:
    """Return values as YAML in which every string survives byte for byte."""
    return yaml.dump(dict(values), Dumper=_Quoting, sort_keys=False, width=float("inf"))


def _values(files: Sequence[Path]) -> list[str]:
    """Return the options for values files, and last for the document on standard input, which wins."""
    return [*(f"--values={path}" for path in files), "--values=-"]
