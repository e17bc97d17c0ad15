"""YAML that somebody else wrote, read without harm: what a chart renders to, values files, Chart.yaml.

Plain values are read as Helm and Kubernetes read them, which is YAML 1.1 with turns of its own: `y` is a boolean, 1e5 a
number, a date and 12:30 are strings, and every key is a string (sigs.k8s.io/yaml, tried with Helm 3.17 and 4.3).

Only the standard tags are known, so nothing is executed. A text is measured before anything is made of it: aliases let
a kilobyte stand for gigabytes ("billion laughs"), and deep nesting runs the parser out of its stack.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from dockyard.model.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEEPEST = 200
"""Levels of nesting; the deepest objects of Kubernetes, schemas of custom resources, have some forty."""

LONGEST = 10_000_000
"""Characters of a text."""

LARGEST = 500_000
"""Nodes with all aliases written out; a long string counts as one more for each 64 characters."""

# libyaml where PyYAML has it: ten times as fast, and equally safe.
_SAFE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_STANDARD = "tag:yaml.org,2002:"


class _Loader(_SAFE_LOADER):  # type: ignore[misc] # one of two classes, of which the stubs know one
    """PyYAML's safe loader with Go's opinion of what a plain value is."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own name and form
    bool_values = {**yaml.SafeLoader.bool_values, "y": True, "n": False}  # noqa: RUF012 - the same

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        made = super().construct_mapping(node, deep=deep)
        return {key if isinstance(key, str) else _as_json(key): value for key, value in made.items()}

    def construct_text(self, node: yaml.ScalarNode) -> str:
        return str(self.construct_scalar(node))


def _as_json(key: object) -> str:
    if key is None or isinstance(key, bool):
        return "null" if key is None else str(key).lower()
    return f"{key:g}" if isinstance(key, float) else str(key)


_PLAIN = {
    "null": ("~nN", r"~|null|Null|NULL|"),
    "bool": ("yYnNtTfFoO", r"y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF"),
    "int": ("-+0123456789", r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)"),
    "float": (
        "-+.0123456789",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    ),
    "merge": ("<", r"<<"),
}
"""Plain values that are no strings: the characters they begin with, and their patterns."""

for _name, (_starts, _pattern) in _PLAIN.items():
    _Loader.add_implicit_resolver(
        f"{_STANDARD}{_name}", re.compile(f"(?:{_pattern})$"), [*_starts, *([""] if _name == "null" else [])]
    )
for _name in ("timestamp", "value", "binary"):
    _Loader.add_constructor(f"{_STANDARD}{_name}", _Loader.construct_text)


def read_documents(text: str, subject: str) -> list[Any]:
    """Return the documents of a YAML text, empty ones as None.

    Args:
        text: The text.
        subject: What it is, as the start of "X is not valid YAML".

    Raises:
        BuildError: It is no YAML, has tags of its own, is nested too deeply, or is too large with its aliases written
            out. The reason repeats no value, since one may be a secret.
    """
    try:
        _measure(text)
        return list(yaml.load_all(text, Loader=_Loader))
    except _TooMuchError as error:
        raise BuildError(f"{subject} cannot be read as YAML", why=str(error)) from None
    except yaml.YAMLError as error:
        raise BuildError(f"{subject} is not valid YAML", why=_sentence(error)) from None
    except (ValueError, OverflowError, RecursionError) as error:
        # A date with a 13th month, say: the message would repeat it.
        raise BuildError(
            f"{subject} is not valid YAML", why=f"A value is not what its form says ({type(error).__name__})"
        ) from None


class _TooMuchError(Exception):
    """The text is well-formed and harmful."""


def _measure(text: str) -> None:
    """Walk over a text without making anything of it.

    Raises:
        _TooMuchError: It is too long, too deep or too large.
        yaml.YAMLError: It is no YAML.
    """
    if len(text) > LONGEST:
        raise _TooMuchError(f"It has more than {LONGEST:,} characters")
    measure = _Measure()
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.DocumentStartEvent):
            measure.sizes.clear()
        elif isinstance(event, yaml.CollectionStartEvent):
            measure.start(event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            measure.add(*measure.open.pop())
        elif isinstance(event, yaml.ScalarEvent):
            measure.add(event.anchor, 1 + len(event.value) // 64)
        elif isinstance(event, yaml.AliasEvent):
            measure.alias(event.anchor)


class _Measure:
    """Sizes of what is behind anchors, and of the collections that are open; a size is a number of nodes."""

    def __init__(self) -> None:
        self.sizes: dict[str | None, int] = {}
        self.open: list[tuple[str | None, int]] = []

    def start(self, anchor: str | None) -> None:
        self.open.append((anchor, 1))
        if len(self.open) > DEEPEST:
            raise _TooMuchError(f"It is nested more than {DEEPEST} levels deep")

    def alias(self, anchor: str | None) -> None:
        if any(anchor == above for above, _ in self.open):
            raise _TooMuchError(f"The alias *{anchor} stands inside of what it stands for")
        self.add(None, self.sizes.get(anchor, 1))

    def add(self, anchor: str | None, size: int) -> None:
        if anchor:
            self.sizes[anchor] = size
        if self.open:
            outer, before = self.open.pop()
            self.open.append((outer, before + size))
            size += before
        if size > LARGEST:
            raise _TooMuchError(f"With its aliases written out it has more than {LARGEST:,} nodes")


def _sentence(error: yaml.YAMLError) -> str:
    """Return what is wrong and where, without PyYAML's excerpt of the text."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return str(error).partition("\n")[0]
    mark = error.problem_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem or error.context}"


def mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping as it is, and an empty one for anything else: rendered YAML may have either anywhere."""
    return value if isinstance(value, dict) else {}


def without_nothing(value: Any) -> Any:  # noqa: ANN401 - any document
    """Return a document without the keys that have no value: to Kubernetes they are not there."""
    if isinstance(value, dict):
        return {str(key): without_nothing(held) for key, held in value.items() if held is not None}
    return [without_nothing(item) for item in value] if isinstance(value, list) else value
