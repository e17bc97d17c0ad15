"""Reads Dockerfiles, as far as checks need it: stages, what they take from the build context, variables.

Source: the Dockerfile reference ("Parser directives", "Environment replacement", "Here-Documents", "Understand how ARG
and FROM interact"), and BuildKit's parser where the reference is silent.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Scope = dict[str, str | None]
"""Variables by name; None where a variable is there and its value is not known."""

SCRATCH = "scratch"
"""The base that has nothing in it."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Attributes:
        name: Its name, in capital letters.
        flags: Its flags with their values, in order, without the hyphens; one may come several times.
        words: What follows, as words; the text of here-documents is left out.
        line: Where it begins, from 1.
    """

    name: str
    flags: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    line: int

    def flag(self, name: str) -> str:
        """Return the value of a flag; empty where it is not there."""
        return dict(self.flags).get(name, "")

    def mounts(self) -> Iterator[Mapping[str, str]]:
        """Yield the options of each mount."""
        for name, value in self.flags:
            if name == "mount":
                yield {key: given for key, _, given in (option.partition("=") for option in value.split(","))}


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a build.

    Attributes:
        index: Its number, from 0.
        name: Its name in lower case; empty where it has none.
        base: What it is built on, as written.
        instructions: What it consists of, its FROM first.
    """

    index: int
    name: str
    base: str
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A Dockerfile that was read.

    Attributes:
        arguments: The ARG instructions before the first FROM.
        stages: Its stages; none where it has no FROM.
    """

    arguments: tuple[Instruction, ...]
    stages: tuple[Stage, ...]

    @classmethod
    def parse(cls, text: str) -> Dockerfile:
        """Read the text of a Dockerfile; whatever is no instruction is read as one that nobody asks for."""
        before: list[Instruction] = []
        stages: list[list[Instruction]] = []
        for instruction in _instructions(text):
            if instruction.name == "FROM":
                stages.append([])
            (stages[-1] if stages else before).append(instruction)
        return cls(
            tuple(one for one in before if one.name == "ARG"),
            tuple(_stage(index, instructions) for index, instructions in enumerate(stages)),
        )

    def find(self, name: str, *, before: Stage) -> Stage | None:
        """Return the stage that a name or number means in a stage, or None where it means an image."""
        earlier = self.stages[: before.index]
        if name.isascii() and name.isdigit():
            return next((stage for stage in earlier if str(stage.index) == name), None)
        return next((stage for stage in reversed(earlier) if stage.name and stage.name == name.lower()), None)

    def built(self) -> list[Stage]:
        """Return the stages that a build of the last one needs, in the order of the file; others are never run."""
        needed = set(self.stages[-1:])
        for stage in reversed(self.stages):
            if stage in needed:
                needed |= {found for name in _named(stage) if (found := self.find(name, before=stage))}
        return [stage for stage in self.stages if stage in needed]

    def line_of(self, stage: Stage) -> list[Stage]:
        """Return a stage and the stages that it is built on, the first of them first."""
        line: list[Stage] = []
        found: Stage | None = stage
        while found is not None:
            line.insert(0, found)
            found = self.find(found.base, before=found)
        return line

    def scoped(self, stage: Stage, given: Mapping[str, str]) -> Iterator[tuple[Instruction, Scope]]:
        """Yield the instructions of a stage, each with the variables that hold for it.

        Args:
            stage: The stage.
            given: Build arguments; they win over defaults.
        """
        outside: Scope = {}
        for argument in self.arguments:
            outside |= _declared(argument, outside, {}, given)
        scope: Scope = {}
        environment: Scope = {}
        for ancestor in self.line_of(stage):
            for instruction in ancestor.instructions:
                if ancestor is stage:
                    yield instruction, dict(scope)
                if instruction.name == "ENV":
                    environment |= (added := _environment(instruction, scope))
                    scope |= added
                elif instruction.name == "ARG":
                    added = _declared(instruction, scope, outside, given)
                    # Docker's versions disagree on which one wins
                    scope |= {
                        name: value if environment.get(name, value) == value else None for name, value in added.items()
                    }

    def exposed(self, given: Mapping[str, str]) -> set[int] | None:
        """Return the ports that the image exposes; None where the base, or a variable, decides that.

        Args:
            given: Build arguments.
        """
        said = [substitute(word, scope) for one, scope in self._last("EXPOSE", given) for word in one.words]
        spans = [_PORTS.fullmatch(word or "") for word in said]
        if None in spans or not (spans or self._is_from_scratch()):
            return None
        known = (span for span in spans if span is not None)
        return {port for span in known for port in range(int(span["first"]), int(span["last"] or span["first"]) + 1)}

    def user(self, given: Mapping[str, str]) -> str | None:
        """Return the user that the image's program runs as, a number or a name, with `:GROUP` where that is given.

        Args:
            given: Build arguments.

        Returns:
            None where the base, or a variable, decides; `0` where nobody does.
        """
        said = [substitute(one.words[0], scope) for one, scope in self._last("USER", given) if one.words]
        return said[-1] if said else "0" if self._is_from_scratch() else None

    def _last(self, name: str, given: Mapping[str, str]) -> Iterator[tuple[Instruction, Scope]]:
        """Yield the instructions of that name that the image is made with, with the variables that hold for each."""
        for stage in self.line_of(self.stages[-1]) if self.stages else ():
            for instruction, scope in self.scoped(stage, given):
                if instruction.name == name:
                    yield instruction, scope

    def _is_from_scratch(self) -> bool:
        return bool(self.stages) and self.line_of(self.stages[-1])[0].base == SCRATCH


def substitute(word: str, scope: Mapping[str, str | None]) -> str | None:
    """Return a word with its variables replaced, or None where one of them is not known."""
    unknown = False

    def value(found: re.Match[str]) -> str:
        nonlocal unknown
        if found["escaped"]:
            return found["escaped"]
        known = scope.get(found["name"] or found["braced"])
        if found["sign"] == "-" and found["name"] is None and found["braced"] not in scope:
            known = found["other"]
        elif found["sign"] == "+":
            known = found["other"] if known else known
        unknown = unknown or known is None
        return known or ""

    replaced = _VARIABLE.sub(value, word)
    return None if unknown or "$" in _VARIABLE.sub("", word) else replaced


_VARIABLE = re.compile(
    r"\\(?P<escaped>.)|\$(?P<name>[A-Za-z_]\w*)|\$\{(?P<braced>[A-Za-z_]\w*)(?::?(?P<sign>[-+])(?P<other>[^{}$]*))?\}",
    re.ASCII,
)


_PORTS = re.compile(r"(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?(?:/[A-Za-z]+)?", re.ASCII)


def _stage(index: int, instructions: Sequence[Instruction]) -> Stage:
    words = instructions[0].words
    named = len(words) > 2 and words[1].upper() == "AS"  # noqa: PLR2004 - FROM base AS name
    return Stage(index, words[2].lower() if named else "", words[0] if words else "", tuple(instructions))


def _named(stage: Stage) -> Iterator[str]:
    """Yield the names that a stage takes files from, or is built on."""
    yield stage.base
    for instruction in stage.instructions:
        yield instruction.flag("from")
        yield from (mount.get("from", "") for mount in instruction.mounts())


def _declared(argument: Instruction, scope: Scope, outside: Scope, given: Mapping[str, str]) -> Scope:
    """Return the variables that an ARG declares; without a default they are what they are before the first FROM."""
    pairs = (word.partition("=") for word in argument.words)
    return {
        name: given.get(name, substitute(_unquoted(default), scope) if equals else outside.get(name))
        for name, equals, default in pairs
    }


def _environment(instruction: Instruction, scope: Mapping[str, str | None]) -> Scope:
    words = instruction.words
    if words and "=" not in words[0]:
        return {words[0]: substitute(" ".join(words[1:]), scope)}
    try:
        pairs = shlex.split(" ".join(words))
    except ValueError:  # a quote that is not closed
        return {word.partition("=")[0]: None for word in words}
    return {name: substitute(value, scope) for name, _, value in (pair.partition("=") for pair in pairs)}


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word


_DIRECTIVE = re.compile(r"#\s*(?P<name>[A-Za-z][\w-]*)\s*=\s*(?P<value>.+?)\s*", re.ASCII)
_HERE = re.compile(r"\d*<<-?(?P<quote>[\"']?)(?P<end>\w+)(?P=quote)", re.ASCII)
_FLAG = re.compile(r"\s*--(?P<name>[a-z][a-z-]*)(?:=(?P<value>(?:\"[^\"]*\"|\S)*))?(?=\s|$)")


def _escape(lines: Sequence[str]) -> str:
    r"""Return the character that continues lines: `\`, or what the directive at the top says."""
    for line in lines:
        directive = _DIRECTIVE.fullmatch(line.strip())
        if directive is None:
            break
        if directive["name"].lower() == "escape":
            return directive["value"]
    return "\\"


def _instructions(text: str) -> Iterator[Instruction]:
    lines = text.removeprefix("\ufeff").splitlines()
    escape = re.escape(_escape(lines))
    continued = re.compile(rf"(?<!{escape}){escape}[ \t]*$")
    at = 0
    while at < len(lines):
        start, whole, goes_on = at, "", True
        while goes_on and at < len(lines):
            line = lines[at]
            at += 1
            if line.lstrip().startswith("#") or (whole and not line.strip()):
                goes_on = bool(whole)  # comments and blank lines do not end an instruction
                continue
            goes_on = continued.search(line) is not None
            whole += continued.sub("", line)
        if whole.strip():
            instruction = _instruction(whole.strip(), start + 1)
            at = _behind_here_documents(instruction, lines, at)
            yield instruction


def _behind_here_documents(instruction: Instruction, lines: Sequence[str], at: int) -> int:
    """Return the line after the here-documents of an instruction."""
    if instruction.name in {"RUN", "COPY", "ADD"}:
        for word in instruction.words:
            if here := _HERE.fullmatch(word):
                ends = (line for line in range(at, len(lines)) if lines[line].strip() == here["end"])
                at = next(ends, len(lines)) + 1
    return at


def _instruction(text: str, line: int) -> Instruction:
    name, _, rest = text.replace("\t", " ").partition(" ")
    flags: list[tuple[str, str]] = []
    while found := _FLAG.match(rest):
        flags.append((found["name"], (found["value"] or "").replace('"', "")))
        rest = rest[found.end() :]
    return Instruction(name.upper(), tuple(flags), _words(rest.strip()), line)


def _words(text: str) -> tuple[str, ...]:
    """Return the words of a list in JSON, or of a text."""
    if text.startswith("["):
        try:
            listed = json.loads(text)
        except ValueError:
            listed = None
        if isinstance(listed, list) and all(isinstance(word, str) for word in listed):
            return tuple(listed)
    return tuple(text.split())
