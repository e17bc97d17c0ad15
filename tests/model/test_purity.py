"""What the model may not do."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import dockyard.model

FOLDER = Path(dockyard.model.__file__).parent

ALLOWED = {
    "__future__",
    "binascii",
    "bisect",
    "collections",
    "collections.abc",
    "dataclasses",
    "difflib",
    "enum",
    "functools",
    "ipaddress",
    "json",
    "math",
    "pydantic",
    "pydantic.alias_generators",
    "pydantic_core",
    "re",
    "types",
    "typing",
}
"""Modules without I/O, clock and randomness; one that is added here must have none either."""


def imported(module: Path) -> set[str]:
    """Return the modules that one imports, wherever in it, but for those whose types alone are named."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    typed = {node for guard in ast.walk(tree) if _is_for_types(guard) for node in ast.walk(guard)}
    names = set()
    for node in set(ast.walk(tree)) - typed:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize("module", sorted(FOLDER.glob("**/*.py")), ids=lambda path: path.stem)
def test_the_model_imports_nothing_that_does_more_than_compute(module: Path) -> None:
    """Every import is the model's own or of a module without I/O, clock and randomness."""
    others = {name for name in imported(module) if not name.startswith("dockyard.model")}
    assert others <= ALLOWED


@pytest.mark.parametrize("module", sorted(FOLDER.glob("**/*.py")), ids=lambda path: path.stem)
def test_the_model_opens_and_prints_nothing(module: Path) -> None:
    """The built-in functions that read, write, ask or run are not called."""
    called = {
        node.func.id
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}
