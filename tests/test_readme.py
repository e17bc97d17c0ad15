"""The README: what it says of tasks and pictures is so."""

from __future__ import annotations

import re
from pathlib import Path

from invoke.collection import Collection

from dockyard.cli import namespace
from dockyard.cli.app import CHANGES
from dockyard.model.errors import DockyardError

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def tasks_of(collection: Collection) -> dict[str, str]:
    """Return the summary of every task by what it is called; the default of a collection has the collection's name."""
    called = {name: aliases[0] if aliases else name for name, aliases in collection.task_names.items()}
    return {shown: (collection[name].__doc__ or "").strip().partition("\n")[0] for name, shown in called.items()}


def test_every_task_is_listed_with_its_summary() -> None:
    """The README lists each task as `./inv` does, and no others."""
    listed = dict(re.findall(r"^      ([a-z.]+) +(\S.*)$", README, re.MULTILINE))
    wanted = tasks_of(namespace())
    assert wanted.pop("tasks", None) is not None
    assert listed == wanted


def test_every_exit_code_has_its_row() -> None:
    """docs/exit-codes.md lists the code of every error, that of a plan, and success; and no others."""
    text = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    listed = [int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]
    kinds, found = [DockyardError], {0, CHANGES}
    while kinds:
        kind = kinds.pop()
        found.add(kind.exit_code)
        kinds += kind.__subclasses__()
    assert listed == sorted(found)


def test_every_picture_and_page_is_there() -> None:
    """Each file that the README links to is in the repository."""
    links = re.findall(r"\]\(([^):]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []
