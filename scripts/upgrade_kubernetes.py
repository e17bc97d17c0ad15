"""Move the embedded cluster to another Kubernetes release: `python -m scripts.upgrade_kubernetes 1.36.4`.

Rewrites go.mod and go.sum of the node's program, the version in node.Dockerfile, and EMBEDDED_KUBERNETES. Needs Go
1.21 or later; the toolchain that the modules need is fetched through the module proxy. docs/clusters.md says what a
minor release needs beside it.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.model.cluster import EMBEDDED_KUBERNETES
from dockyard.model.errors import DockyardError
from dockyard.tools.process import run

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]
NODE = Path("dockerfiles/node")
CONSTANT = Path("src/dockyard/model/cluster.py")
DOCKERFILE = Path("dockerfiles/node.Dockerfile")

TIDY_LIMIT = 900.0
"""Seconds for `go mod tidy`, which downloads every module that is new."""


def upgraded(go_mod: str, version: str) -> str:
    """Return go.mod with another release of Kubernetes.

    Kubernetes' staging modules are released as v0.MINOR.PATCH beside v1.MINOR.PATCH of k8s.io/kubernetes, which
    requires them as v0.0.0: they are replaced by the release that belongs to it.

    Args:
        go_mod: The text of go.mod.
        version: Without `v`: `1.36.4`.
    """
    old, new = (found.removeprefix("v").removeprefix("1.") for found in (version_in(go_mod), version))
    text = re.sub(rf"(k8s\.io/kubernetes) v1\.{re.escape(old)}", rf"\1 v1.{new}", go_mod)
    return re.sub(rf"(k8s\.io/[\w-]+) v0\.{re.escape(old)}\b", rf"\1 v0.{new}", text)


def version_in(go_mod: str) -> str:
    """Return the release of k8s.io/kubernetes that go.mod requires, `v1.36.3`.

    Raises:
        ValueError: It requires none.
    """
    found = re.search(r"^\s+k8s\.io/kubernetes (v\d+\.\d+\.\d+)$", go_mod, re.MULTILINE)
    if found is None:
        raise ValueError("go.mod does not require k8s.io/kubernetes")
    return found[1]


def main(argv: Sequence[str] | None = None) -> None:
    """Rewrite the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("version", type=_version, help="the release, 1.36.4 say")
    version = parser.parse_args(argv).version
    go_mod = ROOT / NODE / "go.mod"
    go_mod.write_text(upgraded(go_mod.read_text(), version))
    try:
        run(["go", "mod", "tidy"], timeout=TIDY_LIMIT, cwd=go_mod.parent)
    except DockyardError as error:
        sys.exit(f"{error}\ngo.mod is changed, go.sum is not: `git checkout {NODE}` undoes it")
    for path in (ROOT / CONSTANT, ROOT / DOCKERFILE):
        path.write_text(path.read_text().replace(EMBEDDED_KUBERNETES, f"v{version}"))
    sys.stdout.write(f"Kubernetes v{version}: build and test it with `./inv cluster.delete deploy test`\n")


def _version(text: str) -> str:
    if re.fullmatch(r"1\.\d+\.\d+", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a release like 1.36.4")
    return text


if __name__ == "__main__":
    main()
