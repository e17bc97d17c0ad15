"""Writes each chart's README.md from Chart.yaml and the `# --` comments of its values; a test fails when stale."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

CHARTS = Path(__file__).parents[1] / "helm"

MARK = "# -- "
KEY = re.compile(r"^(?P<indent> *)(?P<key>\w+):")

PAGE = """\
# {name}

<!-- Written by `python scripts/charts_doc.py` from Chart.yaml and values.yaml: change it there. -->

{description}.

    helm install {release} . --values secrets.yaml --set image.tag=TAG
    helm test {release}

Chart {version}, for Kubernetes {kubernetes}, with Helm 3 or 4. `./inv images` shows the TAG. `secrets.yaml`
holds {secrets} under `secrets:`; or name a Secret that is there
already in `existingSecret`. Keys that are not listed here are refused.

| key | default | what it is |
|---|---|---|
{rows}
"""


@dataclass(frozen=True, slots=True)
class Value:
    """A value that a chart takes.

    Attributes:
        key: Where it stands, dotted.
        default: Its default.
        text: What it is.
    """

    key: str
    default: Any
    text: str


def values(source: str) -> Iterator[Value]:
    """Yield the values of a values.yaml that are described, in order."""
    defaults = yaml.safe_load(source)
    path: list[tuple[int, str]] = []
    text: list[str] = []
    for line in source.splitlines():
        stripped = line.strip()
        if stripped.startswith(MARK):
            text = [stripped.removeprefix(MARK)]
        elif stripped.startswith("# ") and text:
            text.append(stripped.removeprefix("# "))
        elif match := KEY.match(line):
            indent = len(match["indent"])
            path = [*(entry for entry in path if entry[0] < indent), (indent, match["key"])]
            if text:
                keys = [key for _, key in path]
                yield Value(".".join(keys), _at(defaults, keys), " ".join(text))
            text = []


def page(chart: Path) -> str:
    """Return the README of a chart."""
    about = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))
    source = (chart / "values.yaml").read_text(encoding="utf-8")
    return PAGE.format(
        name=about["name"],
        description=about["description"],
        release=chart.name,
        version=about["version"],
        kubernetes=about["kubeVersion"].replace(">=", "").replace("-0", " and later"),
        secrets=" and ".join(f"`{name}`" for name in yaml.safe_load(source)["requiredSecrets"]),
        rows="\n".join(map(_row, values(source))),
    )


def _at(content: Any, keys: list[str]) -> Any:  # noqa: ANN401 - any YAML
    for key in keys:
        content = content[key]
    return content


def _row(value: Value) -> str:
    default = json.dumps(value.default, ensure_ascii=False).replace("|", "\\|")
    return f"| `{value.key}` | `{default}` | {value.text} |"


def charts() -> list[Path]:
    """Return the folders of the charts."""
    return sorted(path.parent for path in CHARTS.glob("*/Chart.yaml"))


if __name__ == "__main__":
    for folder in charts():
        (folder / "README.md").write_text(page(folder), encoding="utf-8")
