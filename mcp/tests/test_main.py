"""The program, in a real process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src"


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({}, "DATABASE_URL is not set\n"),
        ({"DATABASE_URL": "todo:s3cret"}, "DATABASE_URL is not of the form postgresql://user:password@host/name\n"),
    ],
)
def test_wrong_settings_are_one_line_and_exit_2(env: dict[str, str], says: str) -> None:
    """The variable is named, without a traceback and without its value."""
    done = subprocess.run(
        [sys.executable, "-m", "todo_mcp"],
        env={"PYTHONPATH": str(SOURCES), "PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (2, "", says)
