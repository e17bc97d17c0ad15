"""scripts/sync_charts.py: copies of shared files in every chart, and the check for copies that differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scripts.sync_charts import MARK, differing, main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def helm(tmp_path: Path) -> Path:
    """Two charts, a folder that is not a chart, and three shared files that have been copied."""
    folder = tmp_path / "helm"
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        (folder / name / "Chart.yaml").write_text(f"name: {name}\n")
    (folder / "faults").mkdir()
    (folder / "shared" / "templates").mkdir(parents=True)
    (folder / "shared" / "templates" / "service.yaml").write_text("kind: Service\n")
    (folder / "shared" / ".helmignore").write_text("ci/\n")
    (folder / "shared" / "values.schema.json").write_text('{\n  "type": "object"\n}\n')
    main([], folder)
    return folder


def test_every_chart_gets_every_shared_file(helm: Path) -> None:
    """Folders without a Chart.yaml get none."""
    copies = {str(path.relative_to(helm)) for path in helm.rglob("*") if path.is_file() and path.name != "Chart.yaml"}
    shared = ("templates/service.yaml", ".helmignore", "values.schema.json")
    assert copies == {f"{folder}/{name}" for folder in ("one", "two", "shared") for name in shared}


def test_a_copy_says_that_it_is_generated(helm: Path) -> None:
    """Templates say it in a comment that is not rendered, JSON in `$comment`, other files in a `#` comment."""
    template, ignore = (helm / "one" / name for name in ("templates/service.yaml", ".helmignore"))
    remark = f"{MARK} from helm/shared/%s: edit that file."
    assert template.read_text() == "{{- /* " + remark % "templates/service.yaml" + " */ -}}\nkind: Service\n"
    assert ignore.read_text() == "# " + remark % ".helmignore" + "\nci/\n"
    schema = json.loads((helm / "one" / "values.schema.json").read_text())
    assert schema == {"$comment": remark % "values.schema.json", "type": "object"}


def test_equal_copies_pass_the_check(helm: Path) -> None:
    """Right after a sync nothing differs."""
    assert (differing(helm), main(["--check"], helm)) == ([], 0)


def test_the_check_names_copies_that_differ_and_writes_nothing(helm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An edited, a missing and a left-over copy are named, with the command that fixes them."""
    edited, missing = helm / "two" / ".helmignore", helm / "one" / "values.schema.json"
    edited.write_text("other\n")
    missing.unlink()
    (helm / "shared" / "templates" / "service.yaml").unlink()
    assert main(["--check"], helm) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" differs ")[0] for line in lines] == [
        "helm/one/templates/service.yaml",
        "helm/one/values.schema.json",
        "helm/two/.helmignore",
        "helm/two/templates/service.yaml",
    ]
    assert all("run `python -m scripts.sync_charts`" in line for line in lines)
    assert edited.read_text() == "other\n"


def test_a_sync_restores_copies_and_removes_left_over_ones(helm: Path) -> None:
    """After it the check passes."""
    (helm / "two" / ".helmignore").write_text("other\n")
    (helm / "shared" / "templates" / "service.yaml").unlink()
    main([], helm)
    assert main(["--check"], helm) == 0
    assert not (helm / "one" / "templates" / "service.yaml").exists()


def test_files_without_the_remark_are_left_alone(helm: Path) -> None:
    """A chart's own files are neither reported nor removed."""
    own = helm / "one" / "values.yaml"
    own.write_text("replicaCount: 1\n")
    main([], helm)
    assert (main(["--check"], helm), own.read_text()) == (0, "replicaCount: 1\n")
