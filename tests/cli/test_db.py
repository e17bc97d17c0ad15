"""Tasks of the development database."""

from __future__ import annotations

import pytest

from dockyard import database
from dockyard.database import Database, Settings
from tests.cli.conftest import Inv

THERE = Database(Settings(), "p%40ss[bold]", started=True)


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started."""
    monkeypatch.setattr(database, "start", lambda *_, **__: THERE)


@pytest.mark.usefixtures("workspace")
def test_a_start_says_where_it_is_and_not_its_password(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """Once for pods, once for this machine."""
    assert inv("db.start") == 0
    out = capsys.readouterr().out
    assert out == f"In the cluster: {THERE.host_in_cluster}. On this machine: {THERE.host}.\n"


@pytest.mark.usefixtures("workspace")
def test_a_url_is_one_line_for_a_script(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """Byte for byte."""
    assert inv("db.url") == 0
    assert capsys.readouterr().out == f"{THERE.url_on_host}\n"


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(("argv", "remove"), [([], False), (["--remove"], True)])
def test_a_stop_keeps_the_data_unless_told(
    inv: Inv, monkeypatch: pytest.MonkeyPatch, argv: list[str], *, remove: bool
) -> None:
    """Removing them has to be asked for."""
    asked: list[bool] = []
    monkeypatch.setattr(database, "stop", lambda _docker, _report, *, remove: asked.append(remove))
    assert inv("db.stop", *argv) == 0
    assert asked == [remove]
