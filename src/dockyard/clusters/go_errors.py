"""Explanations of what Go says when it cannot fetch modules or compile them in a build."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.images.build import OUTPUT
from dockyard.model.errors import BuildError, DockyardError, MachineError

if TYPE_CHECKING:
    from collections.abc import Sequence

AGAIN = "Then run the same command again: the build continues where it stopped"

REACH = (
    "Check GOPROXY (`go env GOPROXY` shows it), and that builds of the Docker engine reach that server: localhost, for "
    f"example, is the build's own. {AGAIN}"
)


@dataclass(frozen=True, slots=True)
class _Fault:
    """An error of Go that is known.

    Attributes:
        pattern: Finds the line that says so.
        what: What happened; `{0}` is the first group of the pattern.
        fix: Which setting to look at, and what to do.
        error: The class of the error.
        why: The cause; the line that was found if this is empty.
    """

    pattern: re.Pattern[str]
    what: str
    fix: str
    error: type[DockyardError] = BuildError
    why: str = ""


FAULTS = (
    _Fault(
        re.compile(r"signal: killed"),
        "The Go compiler was killed",
        f"Give this machine, or the virtual machine of Docker, more memory. {AGAIN}",
        MachineError,
        why="Most likely the memory was used up",
    ),
    _Fault(
        re.compile(r"parsing \$GOFLAGS"),
        "GOFLAGS is not valid",
        "Correct GOFLAGS (`go env GOFLAGS` shows it), then run the same command again",
    ),
    _Fault(
        re.compile(r"verifying module: "),
        "The Go checksum database cannot be used",
        "Check GOSUMDB, and that builds of the Docker engine reach that server. GONOSUMDB names modules that need no "
        f"check by it. {AGAIN}",
    ),
    _Fault(
        re.compile(r"checksum mismatch|SECURITY ERROR"),
        "A Go module was refused: its content differs from its recorded checksum",
        f"Check GOPROXY: its server returns other content than the original, a login page for example. {AGAIN}",
    ),
    _Fault(
        re.compile(r"disabled by GOPROXY=off|GOPROXY list is not the empty string|invalid proxy URL"),
        "Go modules cannot be downloaded: GOPROXY names no module proxy",
        f"Set GOPROXY to a module proxy. {AGAIN}",
    ),
    _Fault(
        re.compile(r"refusing to pass credentials to insecure URL"),
        "Go sends no credentials to a module proxy without TLS",
        f"Use an https URL in GOPROXY, or one without credentials. {AGAIN}",
    ),
    _Fault(
        re.compile(r"reading \S+: (40[137] [\w -]+)"),
        "The Go module proxy denied access: {0}",
        f"Check the credentials in GOPROXY, and that its server may serve this module. {AGAIN}",
    ),
    _Fault(
        re.compile(r"reading \S+: (4\d\d [\w -]+)"),
        "The Go module proxy does not provide a module: {0}",
        "Check GOPROXY: its server must provide all public modules. Further proxies can follow, separated by `|` or "
        f"`,`. {AGAIN}",
    ),
    _Fault(
        re.compile(r"reading \S+: (5\d\d [\w -]+)"),
        "The Go module proxy failed: {0}",
        f"Check the server in GOPROXY, or try again later. {AGAIN}",
    ),
    _Fault(
        re.compile(r"toolchain not available"),
        "The Go module proxy does not provide the Go toolchain",
        f"Check GOPROXY: its server must provide the module golang.org/toolchain. {AGAIN}",
    ),
    _Fault(
        re.compile(r'exec: "(?:git|hg|svn|bzr|fossil)": executable file not found'),
        "The Go module proxy does not provide a module",
        "Check GOPROXY, GONOPROXY and GOPRIVATE: Go tried to fetch the module from version control, and this build has "
        f"no program for that. {AGAIN}",
    ),
    _Fault(
        re.compile(r"x509: |tls: failed to verify certificate"),
        "The certificate of the Go module proxy is not trusted",
        "Set SSL_CERT_FILE to the CA certificates of this machine, which are then used in the build too, or correct "
        f"GOPROXY. {AGAIN}",
    ),
    _Fault(
        re.compile(
            r"dial tcp|proxyconnect tcp|no such host|i/o timeout|TLS handshake timeout|connection reset by peer|"
            r"context deadline exceeded|(?:Get|Head) \S+ (?:unexpected )?EOF$|\btls: "
        ),
        "The Go module proxy cannot be reached",
        REACH,
    ),
)
"""Errors of Go, the more specific ones first: one line may match several."""


def explain(output: str) -> DockyardError | None:
    """Return the error that explains the output of a failed build, or None if Go said nothing known in it.

    Args:
        output: BuildKit's plain progress, redacted.
    """
    lines = [written["text"].strip() for line in output.splitlines() if (written := OUTPUT.match(line))]
    for fault in FAULTS:
        for at, line in enumerate(lines):
            if found := fault.pattern.search(line):
                why = fault.why or _why(lines, at)
                return fault.error(fault.what.format(*found.groups()), why=why, fix=fault.fix)
    return None


def _why(lines: Sequence[str], at: int) -> str:
    """Return a line, with the answer of the server if Go wrote it below."""
    below = "".join(lines[at + 1 : at + 2])
    answer = below.removeprefix("server response: ")
    return lines[at] if answer == below else f"{lines[at]}: {answer}"
