"""A program that stands in for helm, kubectl or minikube: it writes down its calls, and says what it is told."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

SCRIPT = """\
#!{python} -IS
import json, os, sys

here = os.path.dirname(os.path.abspath(__file__))
argv = sys.argv[1:]
helm = {{name: text for name, text in os.environ.items() if name.startswith("HELM_")}}
call = dict(argv=argv, stdin=sys.stdin.read(), kubeconfig=os.environ.get("KUBECONFIG"), helm=helm)
with open(os.path.join(here, "calls"), "a") as calls:
    calls.write(json.dumps(call) + "\\n")
with open(os.path.join(here, "answers")) as answers:
    for words, out, err, code in json.load(answers):
        if argv[: len(words)] == words:
            sys.stdout.write(out)
            sys.stderr.write(err)
            sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Call:
    """How the program was called.

    Attributes:
        argv: Its arguments, without its name.
        stdin: What it was given to read.
        kubeconfig: The variable KUBECONFIG.
        helm: The variables HELM_*.
    """

    argv: tuple[str, ...]
    stdin: str
    kubeconfig: str | None
    helm: dict[str, str] = field(default_factory=dict, compare=False)


class Fake:
    """A fake program in a folder of its own; without an answer it says nothing and succeeds."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir()
        self.folder, self.path = folder, folder / name
        self.path.write_text(SCRIPT.format(python=sys.executable), encoding="utf-8")
        self.path.chmod(0o755)
        self._answers: list[tuple[list[str], str, str, int]] = []
        self._write()

    def answer(self, *words: str, out: object = "", err: str = "", code: int = 0) -> None:
        """Say something when the arguments start with these words; the latest answer wins.

        Args:
            words: The first arguments.
            out: Standard output; what is no text is written as JSON.
            err: Standard error.
            code: The exit code.
        """
        text = out if isinstance(out, str) else json.dumps(out)
        self._answers.insert(0, (list(words), text, err, code))
        self._write()

    @property
    def calls(self) -> tuple[Call, ...]:
        """All calls so far."""
        path = self.folder / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return tuple(Call(**{**(call := json.loads(line)), "argv": tuple(call["argv"])}) for line in lines)

    @property
    def call(self) -> Call:
        """The only call so far."""
        (only,) = self.calls
        return only

    def _write(self) -> None:
        (self.folder / "answers").write_text(json.dumps(self._answers), encoding="utf-8")
