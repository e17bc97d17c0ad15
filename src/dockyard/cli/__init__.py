"""Invoke tasks: parse, call one function, print, turn errors into exit codes."""

from __future__ import annotations

import atexit
import gc
from inspect import getdoc
from typing import Any

from invoke.collection import Collection

from dockyard.cli import app, checks, cluster, db, images, journal, machine, secrets
from dockyard.cli.listing import Group, listing

# What is imported stays: a collector that looks at it again and again finds nothing, and takes a twentieth of a second.
gc.set_threshold(100_000, 50, 50)
atexit.register(gc.freeze)  # the last collection need not look at what ends with the process

GROUPS = (
    ("", app, ("deploy", "plan", "status", "url", "logs", "history", "rollback", "destroy")),
    ("", images, ("build", "load")),
    ("images", images, ("show", "prune")),
    ("", checks, ("check",)),
    ("", journal, ("report",)),
    ("secrets", secrets, ("init", "check", "example", "scan", "rotate")),
    ("cluster", cluster, ("start", "stop", "status", "delete")),
    ("db", db, ("start", "stop", "url")),
    ("", machine, ("setup", "test")),
)
"""Collection, module and its tasks, in the order in which they are listed."""


def namespace() -> Collection:
    """Return every task, for a tasks.py to publish."""
    root = Collection()
    groups: dict[str, list[tuple[str, str]]] = {}
    for prefix, module, names in GROUPS:
        tasks = {name: getattr(module, name) for name in names}
        if prefix:
            root.add_collection(Collection(prefix, *tasks.values()))
        else:
            for entry in tasks.values():
                root.add_task(entry)
        listed = groups.setdefault(module.__doc__ or "", [])
        listed += [(_shown(prefix, name, entry), _summary(entry)) for name, entry in tasks.items()]
    listing_task = listing([Group(heading, tuple(listed)) for heading, listed in groups.items()])
    root.add_task(listing_task, name="tasks", default=True)
    return root


def _shown(prefix: str, name: str, entry: Any) -> str:  # noqa: ANN401 - Invoke's Task has no type of its own here
    """Return what a task is called by: a collection's default has the collection's name."""
    if not prefix:
        return name
    return prefix if entry.is_default else f"{prefix}.{name}"


def _summary(entry: object) -> str:
    return (getdoc(entry) or "").partition("\n")[0]
