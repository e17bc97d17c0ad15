"""Writes dockyard.schema.json, the JSON Schema of dockyard.yaml, from the model; a test fails when it is stale."""

from __future__ import annotations

import json
from pathlib import Path

from dockyard.config import PROFILES
from dockyard.model.project import Project

OUT = Path(__file__).parents[1] / "dockyard.schema.json"


def schema() -> str:
    """Return the schema as the file has it."""
    content = Project.model_json_schema(by_alias=True)
    content["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    content["title"] = "dockyard.yaml"
    content["properties"][PROFILES] = {
        "additionalProperties": {"type": "object"},
        "description": "Overlays by name: --profile lays one over the rest.",
        "title": "Profiles",
        "type": "object",
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    OUT.write_text(schema(), encoding="utf-8")
