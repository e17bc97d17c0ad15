"""Reads the single values of a YAML text one after another, each with its keys and its line.

A values file is read as a stream of events: nothing is constructed, so that no tag does anything, and an alias is not
followed, however often it stands there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

# libyaml where PyYAML has it: ten times as fast, and equally safe.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


DEEPEST = 200
"""Collections in each other that are read; libyaml's time grows with the square of the depth."""


@dataclass(frozen=True, slots=True)
class Value:
    """One single value of a YAML text.

    Attributes:
        path: The keys that lead to it, dotted, with indices in brackets.
        name: What it is called: its key, or what stands beside it as `name` where its key is `value`.
        text: The value; it may be a secret, so it is in no repr.
        line: Where it begins, from 1.
    """

    path: str
    name: str
    text: str
    line: int

    def __repr__(self) -> str:
        """Return where it stands, without the value."""
        return f"Value({self.path!r}, line {self.line})"


def single_values(text: str) -> Iterator[Value]:
    """Yield the single values of a YAML text, up to the place where it is no YAML, or nested deeper than DEEPEST."""
    stack = [_Node("", is_mapping=False)]
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            yield from _follow(stack, event)
            if len(stack) > DEEPEST:
                return
    except yaml.YAMLError:
        return


@dataclass(slots=True)
class _Node:
    """A mapping or a sequence that is being read; the document's own is a sequence of documents."""

    path: str
    is_mapping: bool
    key: str | None = None
    index: int = 0
    named: str = ""

    def child(self) -> str:
        """Return the path of what comes next; that of a key is its mapping's own."""
        if self.is_mapping:
            return f"{self.path}.{self.key}".lstrip(".") if self.key is not None else self.path
        return f"{self.path}[{self.index}]" if self.path else ""

    def done(self, text: str) -> None:
        """Go on behind a key, a value or an item; the text of a collection is empty."""
        if not self.is_mapping:
            self.index += 1
        elif self.key is None:
            self.key = text
        else:
            self.named = text if self.key == "name" else self.named
            self.key = None


def _follow(stack: list[_Node], event: yaml.Event) -> Iterator[Value]:
    here = stack[-1]
    if isinstance(event, yaml.CollectionStartEvent):
        stack.append(_Node(here.child(), isinstance(event, yaml.MappingStartEvent)))
    elif isinstance(event, yaml.CollectionEndEvent):
        stack.pop()
        stack[-1].done("")
    elif isinstance(event, yaml.ScalarEvent):
        if not here.is_mapping or here.key is not None:
            line = event.start_mark.line + 1 if event.start_mark else 0
            yield Value(here.child(), _called(stack), event.value, line)
        here.done(event.value)
    elif isinstance(event, yaml.AliasEvent):
        here.done("")


def _called(stack: list[_Node]) -> str:
    """Return what the next value is called: items of a list are called as the list is."""
    here = stack[-1]
    if here.key == "value" and here.named:
        return here.named
    return next((node.key for node in reversed(stack) if node.key is not None), "")
