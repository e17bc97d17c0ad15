"""The JSON Schema in the repository: what editors complete and check dockyard.yaml with."""

from __future__ import annotations

import json
from pathlib import Path

from dockyard.config import load
from scripts.schema import schema

ROOT = Path(__file__).parents[1]


def test_the_schema_is_not_stale() -> None:
    """The file is what the model gives; `python scripts/schema.py` writes it."""
    assert (ROOT / "dockyard.schema.json").read_text(encoding="utf-8") == schema()


def test_the_schema_knows_the_keys_of_the_specification() -> None:
    """Keys are camelCase, described, and no others are allowed."""
    content = json.loads(schema())
    image = content["$defs"]["ImageSpec"]
    assert {"baseImage", "exposedPorts", "buildContext", "dockerfile"} <= image["properties"].keys()
    assert image["additionalProperties"] is False
    assert all("description" in entry for entry in content["properties"].values())


def test_our_own_file_names_its_schema_and_loads_with_each_profile() -> None:
    """The repository's dockyard.yaml is valid, bare and with every overlay."""
    text = (ROOT / "dockyard.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=dockyard.schema.json\n")
    assert load(ROOT).cluster.provider == "auto"
    assert load(ROOT, "minikube").cluster.provider == "minikube"
    assert load(ROOT, "ci").cluster.provider == "embedded"
