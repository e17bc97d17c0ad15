"""What the tests of the machine share: a scripted `run`, and hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import pytest

from dockyard.machine.host import Host
from dockyard.model.errors import ToolError, ToolFailedError
from dockyard.tools.process import Completed
from tests.fakes import Recorder

Answer = Completed | ToolError | str


class Script:
    """What stands in for `run`: gives prepared answers to commands and keeps what was asked.

    Attributes:
        asked: The commands, as one string each.
        options: The options of each call.
    """

    def __init__(self, answers: Sequence[tuple[str, Answer]]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []
        self.options: list[dict[str, Any]] = []

    def __call__(self, argv: Sequence[str], **options: Any) -> Completed:  # noqa: ANN401 - whatever the caller gives
        """Give the first answer left whose words are in the command; each is given once."""
        command = " ".join(argv)
        self.asked.append(command)
        self.options.append(options)
        for index, (words, answer) in enumerate(self._answers):
            if words in command:
                del self._answers[index]
                return _ended(argv, answer, check=options.get("check", True))
        raise AssertionError(f"nobody expected `{command}`")

    @property
    def unused(self) -> list[str]:
        """The answers that nobody asked for."""
        return [words for words, _ in self._answers]


def _ended(argv: Sequence[str], answer: Answer, *, check: bool) -> Completed:
    if isinstance(answer, ToolError):
        raise answer
    done = answer if isinstance(answer, Completed) else Completed(tuple(argv), 0, answer, "")
    if check and done.returncode != 0:
        raise ToolFailedError(argv, done.returncode, done.stderr)
    return done


def failed(stderr: str, *, stdout: str = "", code: int = 1) -> Completed:
    """Return how a program ends that failed."""
    return Completed((), code, stdout, stderr)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Script]:
    """Return what puts a script in the place of a module's `run`."""

    def put(module: ModuleType, *answers: tuple[str, Answer]) -> Script:
        scripted = Script(answers)
        monkeypatch.setattr(module, "run", scripted)
        return scripted

    return put


@pytest.fixture
def recorder() -> Recorder:
    """Return a reader of events."""
    return Recorder()


def a_host(
    system: str = "linux",
    architecture: str = "amd64",
    *,
    debian: bool = True,
    root: bool = True,
    systemd: bool = False,
) -> Host:
    """Return a machine: Debian, as root, without systemd, unless said otherwise."""
    return Host(system=system, architecture=architecture, debian=debian, root=root, systemd=systemd)
