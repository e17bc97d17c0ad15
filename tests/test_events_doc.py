"""docs/events.md and its JSON Schema say what the code writes."""

from __future__ import annotations

import json
from typing import Any, get_args, get_type_hints

import jsonschema_rs
import pytest

from dockyard.model import diagnosis, events
from dockyard.model.diagnosis import CauseKind
from dockyard.model.lifecycle import DeploymentState
from scripts.events_doc import PAGE, SCHEMA, WHAT, page, records
from tests.ui.samples import DEPLOY, stamped

CONTENT: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
VARIANTS: dict[str, Any] = {variant["properties"]["type"]["const"]: variant for variant in CONTENT["oneOf"]}
VALIDATOR = jsonschema_rs.Draft202012Validator(CONTENT)
RECORDS = [json.loads(json.dumps(events.as_record(stamped(event, 1.5)))) for event in DEPLOY]


def test_the_page_is_not_stale() -> None:
    """It is what the schema and the examples give; `python scripts/events_doc.py` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("record", [*RECORDS, *records().values()], ids=lambda record: record["type"])
def test_what_the_code_writes_is_valid(record: dict[str, Any]) -> None:
    """Each type of event, and each example of the page."""
    VALIDATOR.validate(record)


@pytest.mark.parametrize("record", [*RECORDS, *records().values()], ids=lambda record: record["type"])
def test_no_member_is_undocumented(record: dict[str, Any]) -> None:
    """The schema allows members that come later; our own are all in it."""
    known = CONTENT["properties"] | VARIANTS[record["type"]]["properties"]
    assert record.keys() <= known.keys()


def test_every_type_is_described_and_has_an_example() -> None:
    """Those of the code, no more and no fewer."""
    types = {"progress", *events._TYPES.values()}  # noqa: SLF001 - there is no other list of them
    assert set(CONTENT["properties"]["type"]["enum"]) == set(VARIANTS) == set(WHAT) == set(records()) == types


def test_values_and_members_are_those_of_the_model() -> None:
    """Version, states, kinds of causes, and the parts of a diagnosis."""
    parts = CONTENT["$defs"]
    assert CONTENT["properties"]["v"]["const"] == events.SCHEMA
    assert parts["state"]["enum"] == list(DeploymentState)
    assert parts["cause"]["properties"]["kind"]["enum"] == list(CauseKind)
    for name, model in {
        "progress": events.Progress,
        "diagnosis": diagnosis.Diagnosis,
        "cause": diagnosis.Cause,
        "evidence": diagnosis.Evidence,
    }.items():
        assert list(parts[name]["properties"]) == parts[name]["required"] == list(get_type_hints(model))
    assert get_args(get_type_hints(diagnosis.Diagnosis)["evidence"])[0] is diagnosis.Evidence


@pytest.mark.parametrize(
    "damage",
    [
        {"v": 2},
        {"type": "novel"},
        {"time": "2026-03-01T12:00:00+01:00"},
        {"elapsed": -1},
        {"stage": "Sleeping"},
        {"before": "Sleeping"},
        {"progress": {"done": 1}},
    ],
)
def test_the_schema_refuses_what_is_no_record(damage: dict[str, Any]) -> None:
    """It says more than that a record is an object."""
    move = next(record for record in RECORDS if record["type"] == "move")
    VALIDATOR.validate(move)
    assert not VALIDATOR.is_valid({**move, **damage})
