"""Writes docs/checks.md, the list of all checks, from the catalogue; a test fails when it is stale."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.checks.catalogue import every_check

if TYPE_CHECKING:
    from dockyard.checks.finding import Check

OUT = Path(__file__).parents[1] / "docs" / "checks.md"

HEAD = """\
# Checks

<!-- Written by `python scripts/checks_doc.py` from src/dockyard/checks: change it there. -->

`./inv check` renders every chart as a deploy would, twice, and looks for what would keep a release from starting. A
cluster that runs is asked for its version and nothing else, and none needs to run. Required secrets that have no value
are rendered with samples.

Charts are rendered for, and checked against, the Kubernetes version of the target cluster: that of its API server if
it runs, else the version that the next start will run. For Minikube that is `cluster.kubernetesVersion`, the version of
its profile, or its own default. API versions and fields of 1.28 to 1.37 are known.

| option | what it does |
|---|---|
| `--only DY101` | makes only this check; may be given several times |
| `--json` | prints one JSON document: `findings`, and `disabled` with the reasons |
| `--sarif FILE` | also writes SARIF 2.1.0, which code-hosting sites and editors show beside the lines |
| `--strict` | exit code 1 on warnings too |
| `--profile NAME` | looks at dockyard.yaml with that overlay |

The exit code is 1 where there is an error. An **error** means that the release cannot start, or would break a promise
of the specification. A **warning** works today and will hurt.

A check that does not fit is switched off in dockyard.yaml, with a reason that is shown on every run:

```yaml
checks:
  disabled:
    DY402: the cache of the image library is below the program
```

`data-model.md`, and numbers like FR-020 and SC-011, are those of the specification of AI Todo, which is no part of this
repository; a check says in its own words what it asks for.

What "no release makes" (DY102 to DY104, DY106, DY107, DY201) is looked for only where every chart renders. What hooks
make around an install or upgrade counts as made, and so do the Secrets that cert-manager, External Secrets and Sealed
Secrets make of a release's objects; the hooks themselves are not looked at.
"""


def text() -> str:
    """Return the page."""
    groups = groupby(every_check().values(), key=lambda entry: sys.modules[entry.body.__module__].__doc__ or "")
    return HEAD + "".join(_group(doc, list(entries)) for doc, entries in groups)


def _group(doc: str, entries: list[Check]) -> str:
    heading = " ".join(doc.partition("\n\n")[0].split()).rstrip(".")
    return f"\n## {heading}\n" + "".join(map(_entry, entries))


def _entry(entry: Check) -> str:
    return f"\n### {entry.id}: {entry.title}\n\n*{entry.severity.value}* {entry.why}\n\nFix: {entry.fix}\n"


if __name__ == "__main__":
    OUT.write_text(text(), encoding="utf-8")
