"""Makes .venv from requirements.lock: what `./inv` runs when .venv is not ready. Needs the standard library only.

`python scripts/make_venv.py WANTED` makes it with the Python that runs this file; WANTED is the DOCKYARD_PYTHON of the
caller, kept in the stamp. The stamp is written last: a .venv without it is half made, and is made again.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK_FILE = ROOT / "requirements.lock"
LOCK_COPY = VENV / LOCK_FILE.name
STAMP = VENV / "stamp"
HELD_WHILE_MAKING = ROOT / ".tools/venv.lock"  # not in .venv, which is emptied first


def main(wanted: str) -> int:
    """Make .venv ready, once, however many ask for it; return the exit code."""
    HELD_WHILE_MAKING.parent.mkdir(exist_ok=True)
    with HELD_WHILE_MAKING.open("w") as held:
        wait_for(held.fileno())
        return 0 if is_ready(wanted) else make(wanted)


def wait_for(lock: int) -> None:
    """Take the lock; the system gives it back when this process ends, however it ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another ./inv is making .venv: waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def is_ready(wanted: str) -> bool:
    """Whether .venv is whole and made from this lock file: the question that `./inv` asks before it comes here."""
    try:
        root, made_with = STAMP.read_text().splitlines()
        same = LOCK_COPY.read_bytes() == LOCK_FILE.read_bytes()
    except (OSError, ValueError):
        return False
    usable = os.access(VENV / "bin/python", os.X_OK)
    return usable and same and root == str(ROOT) and wanted in {"", made_with}


def make(wanted: str) -> int:
    """Make .venv; return the exit code."""
    start = time.monotonic()
    say(f"making .venv with Python {platform.python_version()} from {LOCK_FILE.name}: once, about a minute")
    lock = LOCK_FILE.read_bytes()
    # The interpreter by its real name (python3.11, not python3): an upgrade to another version then breaks the link,
    # which is seen, instead of leaving packages where the new one does not look.
    python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    pip = [str(VENV / "bin/python"), "-I", "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    for command in (
        [python, "-I", "-m", "venv", "--clear", str(VENV)],
        # Bytecode is made by whoever first uses a module: most are never used, and making all of it takes 10 s.
        [*pip, "--no-compile", "--no-deps", "--require-hashes", "--requirement", str(LOCK_FILE)],
        [*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)],
    ):
        if not succeeds(command):
            return 1
    LOCK_COPY.write_bytes(lock)
    STAMP.write_text(f"{ROOT}\n{wanted}\n")
    say(f".venv is ready after {time.monotonic() - start:.0f} s")
    return 0


def succeeds(command: list[str]) -> bool:
    """Run a command quietly; what it said is shown only when it failed."""
    environment = {**os.environ, "PIP_USER": "0"}  # a user's default for elsewhere, which pip refuses in a venv
    done = subprocess.run(  # noqa: S603 - a fixed list of arguments
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=ROOT,
        check=False,
        text=True,
        errors="replace",
    )
    if done.returncode == 0:
        return True
    sys.stderr.write(done.stdout)
    say(f".venv could not be made: `{' '.join(command[:5])} ...` failed with exit code {done.returncode}")
    say(advice(done.stdout))
    return False


def advice(said: str) -> str:
    """Return what to do about a failure, as one or two sentences."""
    free = shutil.disk_usage(ROOT).free
    if "No space left on device" in said:
        return f"The disk is full ({free / 1e6:.0f} MB free in {ROOT}): free some space and run ./inv again."
    if "HASHES" in said or "hash" in said.lower():
        return (
            f"A package differs from what {LOCK_FILE.name} names: do not use it, and see where your index comes from."
        )
    return "See that pip reaches its package index (`pip config list` shows which), then run ./inv again."


def say(sentence: str) -> None:
    """Tell the user; standard output belongs to the tasks."""
    sys.stderr.write(f"inv: {sentence}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
