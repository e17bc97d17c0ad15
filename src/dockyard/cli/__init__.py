"""Invoke tasks: parse, call one function, print, turn errors into exit codes."""

from __future__ import annotations

from inspect import getdoc

from invoke.collection import Collection

from dockyard.cli import app, checks, cluster, db, images, journal, machine, secrets
from dockyard.cli.listing import Group, listing

GROUPS = (
    ("", app, ("deploy", "plan", "status", "url", "logs", "history", "rollback", "destroy")),
    ("", images, ("build", "load", "images")),
    ("", checks, ("check",)),
    ("", journal, ("report",)),
    ("secrets", secrets, ("init", "check", "example", "scan")),
    ("cluster", cluster, ("start", "stop", "status", "delete")),
    ("db", db, ("start", "stop", "url")),
    ("", machine, ("setup", "test")),
)
"""Collection, module and its tasks, in the order in which they are listed."""


def namespace() -> Collection:
    """Return every task, for a tasks.py to publish."""
    root = Collection()
    groups = []
    for prefix, module, names in GROUPS:
        tasks = [getattr(module, name) for name in names]
        if prefix:
            root.add_collection(Collection(prefix, *tasks))
        else:
            for entry in tasks:
                root.add_task(entry)
        shown = [f"{prefix}.{name}" if prefix else name for name in names]
        groups.append(Group(module.__doc__ or "", tuple(zip(shown, map(_summary, tasks), strict=True))))
    root.add_task(listing(groups), name="tasks", default=True)
    return root


def _summary(entry: object) -> str:
    return (getdoc(entry) or "").partition("\n")[0]
