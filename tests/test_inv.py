"""./inv, the wrapper: in a small project with a fake Invoke, made with the real venv and pip, off the network."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import shutil
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dockyard.assets import CHECKOUT
from dockyard.tools.process import Completed, run

pytestmark = pytest.mark.process

MAKING = "inv: making .venv"

INVOKE = '''\
"""A stand-in for Invoke: says how it was started."""
import os
import sys


def main():
    print(sys.argv[1:], os.getcwd(), os.path.exists("/dev/stdin") and sys.stdin is not None, sep="|")
'''

BACKEND = '''\
"""A build backend that needs nothing."""
import zipfile


def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{folder}/small-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("small.py", "")
        wheel.writestr("small-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 1\\n")
        wheel.writestr("small-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("small-1.dist-info/RECORD", "")
    return "small-1-py3-none-any.whl"


build_wheel = build_editable
'''


def a_wheel(folder: Path, version: str) -> str:
    """Write a wheel of the fake Invoke; return its line in a lock file."""
    content = {
        "invoke_stand_in.py": INVOKE.encode(),
        f"invoke-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: invoke\nVersion: {version}\n".encode(),
        f"invoke-{version}.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"invoke-{version}.dist-info/entry_points.txt": b"[console_scripts]\ninvoke = invoke_stand_in:main\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},{len(data)}\n"
        for name, data in content.items()
    )
    path = folder / f"invoke-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in content.items():
            wheel.writestr(name, data)
        wheel.writestr(f"invoke-{version}.dist-info/RECORD", f"{record}invoke-{version}.dist-info/RECORD,,\n")
    return f"invoke=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Small:
    """A small project with the real `inv`.

    Attributes:
        root: Its folder.
        environment: pip's index is a folder, and this Python is the one to use.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._index = root / "index"
        self._index.mkdir(parents=True)
        (root / "scripts").mkdir()
        for name in ("inv", "scripts/make_venv.py"):
            shutil.copy2(CHECKOUT / name, root / name)
        (root / "dockyard.yaml").write_text("")
        (root / "backend.py").write_text(BACKEND)
        (root / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            '[project]\nname = "small"\nversion = "1"\n'
        )
        self.lock("1.0")
        self.environment = {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": self._index.as_uri(),
            "DOCKYARD_PYTHON": sys.executable,
        }

    def lock(self, version: str) -> None:
        """Let the lock file name a version of the fake Invoke."""
        (self.root / "requirements.lock").write_text(a_wheel(self._index, version))

    def inv(self, *arguments: str, program: str | None = None, cwd: Path | None = None, **more: str) -> Completed:
        """Run `inv`."""
        return run(
            [program or str(self.root / "inv"), *arguments],
            timeout=120,
            check=False,
            cwd=cwd or self.root,
            environment={**self.environment, **more},
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Small, Completed]:
    """Return a project in a folder with a space in its name, and what its first `inv` said."""
    project = Small(tmp_path_factory.mktemp("inv") / "a project")
    return project, project.inv("--list")


@pytest.fixture
def small(made: tuple[Small, Completed]) -> Small:
    """Return the project, whose .venv is ready."""
    return made[0]


def test_the_first_run_makes_the_venv(made: tuple[Small, Completed]) -> None:
    """A fresh checkout needs one command; what it takes is said in one sentence, beside the task's own output."""
    project, first = made
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith(f"['--search-root', '{project.root}', '--list']|")
    assert [line[: len(MAKING)] for line in first.stderr.splitlines()] == [MAKING, "inv: .venv is rea"]


def test_a_ready_venv_is_not_touched(small: Small) -> None:
    """The second run only passes its arguments on, spaces, quotes and all."""
    before = (small.root / ".venv/stamp").stat().st_mtime_ns
    again = small.inv("deploy", "--release", "a b", "it's", "")
    assert again.stdout.startswith(f"['--search-root', '{small.root}', 'deploy', '--release', 'a b', \"it's\", '']|")
    assert again.stderr == ""
    assert (small.root / ".venv/stamp").stat().st_mtime_ns == before


@pytest.mark.parametrize("target", ["absolute", "relative"])
def test_it_is_found_through_links(target: str, small: Small, tmp_path: Path) -> None:
    """A link to it, or to a link to it, from any folder, leads to its own project."""
    first, second = tmp_path / "first", tmp_path / "bin" / "second"
    second.parent.mkdir()
    first.symlink_to(small.root / "inv")
    second.symlink_to(first if target == "absolute" else Path("../first"))
    done = small.inv("status", program=str(second), cwd=tmp_path)
    assert f"'--search-root', '{small.root}', 'status'" in done.stdout, done.stderr


def test_it_runs_where_a_project_is(small: Small, tmp_path: Path) -> None:
    """The project of the current folder is meant; from outside of any it is the one beside the wrapper."""
    inside = tmp_path / "other" / "deep"
    inside.mkdir(parents=True)
    assert small.inv("status", cwd=inside).stdout.split("|")[1] == str(small.root)
    (tmp_path / "other" / "dockyard.yaml").write_text("")
    assert small.inv("status", cwd=inside).stdout.split("|")[1] == str(inside)


def test_it_works_without_standard_input(small: Small) -> None:
    """A caller that has closed it (a service, a hook) gives an empty one instead."""
    done = run(["sh", "-c", '"$0" status <&-', str(small.root / "inv")], timeout=60, environment=small.environment)
    assert done.stdout.rstrip().endswith("|True")
    assert done.stderr == ""


def test_bytecode_is_kept(small: Small) -> None:
    """Where the machine switches bytecode off, the tasks would be compiled at every start: theirs is switched on."""
    probe = small.root / ".venv/bin/invoke"
    kept = probe.read_text()
    try:
        probe.write_text("import sys; print(sys.dont_write_bytecode)\n")
        assert small.inv(PYTHONDONTWRITEBYTECODE="1").stdout == "False\n"
    finally:
        probe.write_text(kept)


def test_a_changed_lock_file_makes_it_again_once(small: Small) -> None:
    """Two at once, with a lock file that changed: one makes .venv, the other waits, and both run."""
    small.lock("2.0")
    with ThreadPoolExecutor(2) as both:
        done = list(both.map(small.inv, ["one", "two"]))
    assert [sorted(entry.stdout.split("|")[0][-6:] for entry in done)] == [["'one']", "'two']"]], done
    assert sum(MAKING in entry.stderr for entry in done) == 1
    assert (small.root / ".venv/requirements.lock").read_bytes() == (small.root / "requirements.lock").read_bytes()


@pytest.mark.parametrize("damage", ["no stamp", "half a stamp", "no interpreter", "moved", "another python"])
def test_what_is_not_whole_is_not_ready(damage: str, small: Small, tmp_path: Path) -> None:
    """A .venv that is half made, moved, without its interpreter or made with another one than asked is made again."""
    root, more = tmp_path / "copy", {}
    stamp = a_copy(small, root)
    moved, wanted = stamp.read_text().splitlines()
    stamp.write_text(f"{moved if damage == 'moved' else root}\n{wanted}\n")
    if damage == "no stamp":
        stamp.unlink()
    elif damage == "half a stamp":
        stamp.write_text(f"{root}\n")
    elif damage == "no interpreter":
        (root / ".venv/bin/python").unlink()
        (root / ".venv/bin/python").symlink_to("/nowhere/python3.11")
    elif damage == "another python":
        more = {"DOCKYARD_PYTHON": os.path.realpath(sys.executable)}
    done = run(
        [str(root / "inv")], timeout=60, check=False, environment={**small.environment, "DOCKYARD_PYTHON": "", **more}
    )
    assert (done.returncode, done.stderr) == (1, "made again\n")


def test_an_intact_copy_is_ready(small: Small, tmp_path: Path) -> None:
    """The damages above are the reason to make it again, not the copying."""
    root = tmp_path / "copy"
    stamp = a_copy(small, root)
    stamp.write_text(stamp.read_text().replace(str(small.root), str(root)))
    done = run([str(root / "inv")], timeout=60, environment={"DOCKYARD_PYTHON": ""})
    assert f"'--search-root', '{root}'" in done.stdout


def test_a_package_with_another_hash_is_refused(small: Small, tmp_path: Path) -> None:
    """What pip refuses is shown, with what to do; the next run tries again."""
    project = Small(tmp_path / "project")
    shutil.copy2(small.root / "index/invoke-2.0-py3-none-any.whl", tmp_path / "project/index")
    (project.root / "requirements.lock").write_text(f"invoke==1.0 --hash=sha256:{'0' * 64}\n")
    done = project.inv()
    assert done.returncode == 1
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert "differs from what requirements.lock names" in done.stderr
    assert not (project.root / ".venv/stamp").exists()


def test_every_package_must_have_a_hash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A line of the lock file without a hash is refused too, and nothing is fetched that it does not name."""
    spec = importlib.util.spec_from_file_location("make_venv", CHECKOUT / "scripts/make_venv.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    commands: list[str] = []

    def note(command: list[str]) -> bool:
        commands.append(" ".join(command))
        return len(commands) < 3

    monkeypatch.setattr(module, "succeeds", note)
    monkeypatch.setattr(module, "LOCK_FILE", tmp_path / "requirements.lock")
    (tmp_path / "requirements.lock").write_text("")
    assert module.make("") == 1
    _, locked, own = commands
    assert "--no-deps --require-hashes --requirement" in locked
    assert "--no-deps --no-build-isolation --editable" in own


def a_copy(project: Small, root: Path) -> Path:
    """Copy a project but for the packages in its .venv, which are linked; return the copy's stamp."""
    shutil.copytree(project.root, root, symlinks=True, ignore=shutil.ignore_patterns("lib", "lib64", "index"))
    (root / ".venv/lib").symlink_to(project.root / ".venv/lib")
    (root / "scripts/make_venv.py").write_text("import sys; sys.exit('made again')\n")
    return root / ".venv/stamp"


def a_python(folder: Path, name: str, script: str) -> None:
    """Put a program on a PATH of its own."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def bare(tmp_path: Path) -> Small:
    """Return a project whose .venv is not made, and whose PATH has no Python."""
    project = Small(tmp_path / "project")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cmp", "readlink"):
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    project.environment |= {"PATH": f"{tmp_path / 'pythons'}:{tools}", "DOCKYARD_PYTHON": ""}
    return project


def test_without_a_python_it_says_so(bare: Small) -> None:
    """No Python at all is one sentence with what to install, and nothing is made."""
    done = bare.inv("deploy")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("inv: no Python 3.11, 3.12 or 3.13 is on the PATH.")
    assert len(done.stderr.splitlines()) == 1
    assert not (bare.root / ".venv").exists()


def test_a_python_that_only_seems_to_be_there_is_passed_by(bare: Small, tmp_path: Path) -> None:
    """A shim that fails and a version that is too old are tried and left; the next one is taken."""
    pythons = tmp_path / "pythons"
    a_python(pythons, "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    a_python(pythons, "python3.12", "exit 4")
    a_python(pythons, "python3", f'case $1 in -c) exec "{sys.executable}" "$@";; *) echo took python3; exit 9;; esac')
    done = bare.inv()
    assert (done.returncode, done.stdout, done.stderr) == (9, "took python3\n", "")


def test_a_python_without_venv_is_told(bare: Small, tmp_path: Path) -> None:
    """Debian has venv in a package of its own: its name is said."""
    a_python(tmp_path / "pythons", "python3.11", "exit 3")
    done = bare.inv()
    assert done.returncode == 1
    assert "python3.11 has no venv" in done.stderr
    assert "apt-get install python3-venv" in done.stderr


def test_a_named_python_is_not_replaced_by_another(bare: Small, tmp_path: Path) -> None:
    """DOCKYARD_PYTHON is the user's word: another Python does not take its place."""
    a_python(tmp_path / "pythons", "python3", "exit 0")
    done = bare.inv(DOCKYARD_PYTHON="/nowhere/python")
    assert done.returncode == 1
    assert "DOCKYARD_PYTHON=/nowhere/python is no Python" in done.stderr
