"""Results that several tasks print the same way."""

from __future__ import annotations

import pytest

from dockyard.cli.report import print_urls
from dockyard.releases.verify import Served
from dockyard.tools.http import Answer
from dockyard.ui.screen import Screen
from tests.fakes import FakeClock


def test_services_are_shown_with_what_they_answered(capsys: pytest.CaptureFixture[str]) -> None:
    """Paths without the URL that stands beside them."""
    url = "http://127.0.0.1:30080"
    answers = (Answer(f"{url}/", 200, "<html>"), Answer(f"{url}/health", 204, ""))
    print_urls(Screen(FakeClock()), [Served("web", url, answers)])
    assert capsys.readouterr().out.splitlines()[1].split() == ["web", url, "/", "200,", "/health", "204"]


def test_no_services_are_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    """A heading above nothing says nothing."""
    print_urls(Screen(FakeClock()), [])
    assert capsys.readouterr().out == ""
