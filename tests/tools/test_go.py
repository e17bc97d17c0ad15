"""What Go says about its settings, said by a fake go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockyard.tools import go
from tests.tools.fake import Fake

pytestmark = pytest.mark.process


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Return a fake go, first on PATH."""
    made = Fake(tmp_path / "bin", "go")
    monkeypatch.setenv("PATH", str(made.folder), prepend=os.pathsep)
    return made


def test_settings_are_read(fake: Fake) -> None:
    """As JSON, those that were asked for."""
    fake.answer("env", "-json", "GOPROXY", "GOSUMDB", out='{"GOPROXY": "https://go.invalid", "GOSUMDB": ""}\n')
    assert go.settings(("GOPROXY", "GOSUMDB")) == {"GOPROXY": "https://go.invalid", "GOSUMDB": ""}


@pytest.mark.parametrize(("out", "code"), [("", 1), ("no JSON", 0)], ids=["an error", "no JSON"])
def test_a_go_that_does_not_answer_has_no_settings(fake: Fake, out: str, code: int) -> None:
    """The build then uses Go's defaults."""
    fake.answer(out=out, code=code)
    assert go.settings(("GOPROXY",)) == {}


def test_a_machine_without_go_has_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs none to build the node image."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert go.settings(("GOPROXY",)) == {}
