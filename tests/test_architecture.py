"""The structure is what CONTRIBUTING and pyproject.toml say it is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src" / "dockyard"
TESTS = ROOT / "tests"

WITHOUT_A_TEST = {
    "clusters/protocol.py": "a protocol and a value without rules",
    "machine/requirement.py": "a value without rules",
    "machine/trouble.py": "one sentence, tested where it is said: buildx, download, fetching",
    "model/diagnosis.py": "values without rules",
    "model/rule.py": "tests/model tests each rule where it is attached to a type",
    "tools/target.py": "a value without rules",
}
"""Modules that no test file is named after, and why."""

TESTED_AS_ONE = {"checks": "test_pairs.py holds every check to a project that it finds fault with, and to a sound one"}
"""Rooms whose tests are not sorted by module, and why."""


def test_imports_go_downwards(capsys: pytest.CaptureFixture[str]) -> None:
    """Import-linter's contracts in pyproject.toml: the rooms, and who alone may import what."""
    code = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)
    assert code == 0, capsys.readouterr().out


def test_tasks_py_only_composes() -> None:
    """A docstring, imports, and one call: what tasks do stands in the package, where it is tested."""
    tree = ast.parse((ROOT / "tasks.py").read_text(encoding="utf-8"))
    docstring, *rest = tree.body
    assert isinstance(docstring, ast.Expr)
    assert isinstance(docstring.value, ast.Constant)
    *imports, last = rest
    assert all(isinstance(node, ast.Import | ast.ImportFrom) for node in imports)
    assert isinstance(last, ast.Assign)
    assert isinstance(last.value, ast.Call)
    assert not last.value.args
    assert not last.value.keywords


def modules() -> set[str]:
    """Return every module of the package by its path in it, but for the rooms that are tested as one."""
    paths = (path.relative_to(SOURCES) for path in SOURCES.rglob("*.py") if path.name != "__init__.py")
    return {str(path) for path in paths if path.parts[0] not in TESTED_AS_ONE}


def mirror(module: str) -> Path:
    """Return where the tests of a module stand."""
    path = TESTS / module
    return path.with_name(f"test_{path.name}")


def test_every_module_has_its_tests() -> None:
    """In the room of the same name, or there is a reason."""
    assert {module for module in modules() if not mirror(module).exists()} == set(WITHOUT_A_TEST)


@pytest.mark.parametrize("room", TESTED_AS_ONE)
def test_a_room_that_is_tested_as_one_is_there(room: str) -> None:
    """With the file that its reason names."""
    assert (SOURCES / room).is_dir()
    assert (TESTS / room / TESTED_AS_ONE[room].partition(" ")[0]).is_file()


def test_packages_hold_no_code_that_nobody_tests() -> None:
    """Each `__init__.py` has a docstring alone, but for the one that composes the tasks."""
    busy = {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("__init__.py")
        if len(ast.parse(path.read_text(encoding="utf-8")).body) != 1
    }
    assert busy == {"cli/__init__.py"}


@pytest.mark.parametrize("room", sorted(path.parent.name for path in SOURCES.glob("*/__init__.py")))
def test_every_room_says_what_it_is_for(room: str) -> None:
    """One sentence that a newcomer reads first."""
    tree = ast.parse((SOURCES / room / "__init__.py").read_text(encoding="utf-8"))
    assert (ast.get_docstring(tree) or "").strip().endswith(".")


def test_every_test_says_what_it_shows() -> None:
    """A sentence of docstring each; a name alone cannot say why."""
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []
