"""The program, in a real process."""

import os
import signal
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


def test_sigterm_while_the_program_is_loaded_ends_it_with_0(tmp_path: Path) -> None:
    """Process 1 of a container has no default for it: a stop that comes early must not be lost."""
    (tmp_path / "uvicorn.py").write_text("print('loading', flush=True)\nimport time\ntime.sleep(60)\n")
    with subprocess.Popen(
        [sys.executable, "-m", "todo_mcp"],
        env={"PYTHONPATH": os.pathsep.join((str(tmp_path), str(SOURCES)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=5)

    assert (process.returncode, output) == (0, "")
