"""The one hierarchy of errors that a user can meet.

Every error carries its facts as attributes and reads as three sentences: what happened, why, and what to do next::

    DockyardError
    ├── ConfigError         dockyard.yaml or .env cannot be used
    ├── RuleError           a value breaks a rule of the specification
    │   └── IllegalMoveError    a state does not follow on another
    ├── UnknownNameError    a name that nothing has; knows the nearest one
    ├── ToolError           a program that Dockyard drives
    │   ├── ToolMissingError    is not installed
    │   ├── ToolFailedError     ended with an error
    │   ├── ToolTimeoutError    did not end within its limit
    │   ├── ApiSilentError      the API server does not answer
    │   └── ApiRefusedError     the API server answered with an error
    ├── MachineError        the machine lacks something: engine, space, port
    ├── ClusterError        the cluster is absent, stopped or broken
    ├── BuildError          an image could not be built or breaks its budget
    ├── StoppedError        somebody stopped it (exit code 130)
    └── RolloutError        a release did not become Ready, and is as it was before
        ├── LeftFailedError     it is left as it is (exit code 3)
        └── RefusedError        nothing was started (exit code 4)

Exit codes: 1 for a failure, 3 for one that was not taken back, 4 for a refusal; `docs/exit-codes.md` has the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dockyard.model.diagnosis import Diagnosis


class DockyardError(Exception):
    """Anything that a user can cause or meet; shown without a traceback.

    Attributes:
        what: What happened, one sentence without its full stop.
        why: The cause, or an empty string where ``what`` says it all.
        fix: What to do next, or an empty string.
        exit_code: What the process ends with.
    """

    exit_code = 1

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(what, why, fix)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        """Return the sentences that are there, each with its full stop."""
        parts = (part for part in (self.what, self.why, self.fix) if part)
        return " ".join(part if part.endswith(("?", "!")) else f"{part.rstrip('.')}." for part in parts)


class ConfigError(DockyardError):
    """dockyard.yaml or .env cannot be used."""


class RuleError(DockyardError, ValueError):
    """A value breaks a rule of the specification; a ValueError, so that pydantic places it in the file."""


class IllegalMoveError(RuleError):
    """A state does not follow on another (data-model.md, section 6).

    Attributes:
        before: The state something is in.
        after: The state it was to go to.
        legal: Where it may go from there.
    """

    def __init__(self, before: str, after: str, legal: Iterable[str]) -> None:
        self.before, self.after, self.legal = before, after, tuple(legal)
        super().__init__(
            f"{before} cannot become {after}",
            why=f"Legal from {before}: {', '.join(self.legal) or 'nothing'} (data-model.md, section 6)",
        )


class UnknownNameError(DockyardError):
    """A name that nothing has.

    Attributes:
        name: What was asked for.
        known: The names there are.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.name, self.known = name, tuple(known)
        near = nearest(name, self.known)
        there = ", ".join(self.known) or "none"
        super().__init__(
            f"There is no {kind} named {name!r}",
            why=f"Known: {there}",
            fix=f"Did you mean {near!r}?" if near else "",
        )


class ToolError(DockyardError):
    """A program that Dockyard drives did not do its work."""


class ToolMissingError(ToolError):
    """A program is not installed.

    Attributes:
        program: Its name.
    """

    def __init__(self, program: str, *, fix: str = "Run `./inv setup`") -> None:
        self.program = program
        super().__init__(f"The program {program!r} is not there", fix=fix)


class ToolFailedError(ToolError):
    """A program ended with an error.

    Attributes:
        argv: The command, program first.
        returncode: What it ended with; negative for a signal.
        stderr: What it wrote to standard error, whole.
    """

    def __init__(self, argv: Sequence[str], returncode: int, stderr: str) -> None:
        self.argv, self.returncode, self.stderr = tuple(argv), returncode, stderr
        said = stderr.strip().splitlines()
        super().__init__(
            f"`{' '.join(self.argv[:3])}` failed with exit code {returncode}",
            why=f"It said: {said[-1]}" if said else "It said nothing",
        )


class ToolTimeoutError(ToolError):
    """A program did not end within its limit.

    Attributes:
        argv: The command, program first.
        limit: The limit in seconds.
    """

    def __init__(self, argv: Sequence[str], limit: float) -> None:
        self.argv, self.limit = tuple(argv), limit
        super().__init__(f"`{' '.join(self.argv[:3])}` did not end within {limit:g} s", why="It was stopped")


class ApiSilentError(ToolError):
    """The API server does not answer.

    Attributes:
        server: `host:port`.
    """

    def __init__(self, server: str, why: str) -> None:
        self.server = server
        super().__init__(
            f"The API server at {server} does not answer", why=why, fix="`./inv cluster.status` tells more"
        )


@dataclass(frozen=True, slots=True)
class StatusCause:
    """One cause in the details of a Status (Kubernetes API reference, "StatusCause").

    Attributes:
        reason: What kind of cause it is: FieldManagerConflict, FieldValueInvalid; may be empty.
        message: The cause in words; may be empty.
        field: The path of the field that caused the error; may be empty.
    """

    reason: str
    message: str
    field: str


class ApiRefusedError(ToolError):
    """The API server answered with an error (Kubernetes API concepts, "Status").

    Attributes:
        status: The HTTP status.
        reason: Kubernetes' word for it: NotFound, Conflict, Forbidden; empty where it has none.
        message: What it says.
        causes: The causes in the details of the Status.
        is_own: Whether it is a Status of its own; else it may be the answer of a pod, passed on.
    """

    def __init__(
        self, status: int, reason: str, message: str, *, causes: Iterable[StatusCause] = (), is_own: bool = True
    ) -> None:
        self.status, self.reason, self.message, self.is_own = status, reason, message, is_own
        self.causes = tuple(causes)
        super().__init__(f"The API server refused with {status} {reason}".rstrip(), why=message)


class MachineError(DockyardError):
    """The machine lacks something: the Docker engine, space on the disk, a free port."""


class ClusterError(DockyardError):
    """The cluster is absent, stopped or broken."""


class BuildError(DockyardError):
    """An image could not be built, or breaks its budget."""


class StoppedError(DockyardError):
    """Somebody stopped the work: Ctrl-C, or SIGTERM."""

    exit_code = 130


class RolloutError(DockyardError):
    """A release did not become Ready; it is as it was before, or was removed where there was none.

    Attributes:
        diagnosis: Why, with the evidence; None where there was nothing to look at.
    """

    def __init__(self, what: str, *, why: str = "", fix: str = "", diagnosis: Diagnosis | None = None) -> None:
        super().__init__(what, why=why, fix=fix)
        self.diagnosis = diagnosis


class LeftFailedError(RolloutError):
    """A release did not become Ready, and was left as it is."""

    exit_code = 3


class RefusedError(RolloutError):
    """Nothing was started, because it could not have ended well."""

    exit_code = 4


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``name`` was most likely meant to be, or None where none is near."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.5)), None)
