"""What a user is told when Go cannot fetch modules or compile them in the build of the node image.

`recorded/go.txt` is what Go 1.26 said, with servers on this machine that refuse, and with hosts that do not exist.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dockyard.clusters.go_errors import explain
from dockyard.clusters.go_modules import redactor
from dockyard.model.errors import BuildError, MachineError

RECORDED = dict(
    re.findall(r"^=== (.+)\n((?:(?!===).*\n)+)", (Path(__file__).parent / "recorded/go.txt").read_text(), re.MULTILINE)
)
"""What Go said, by the name of the case."""

HOSTS = re.compile(r"127\.0\.0\.1|\.invalid|192\.0\.2|hunter2|builder")
"""What the settings of the recordings reveal."""

redact = redactor(
    {
        "GOPROXY": "http://127.0.0.1:1,http://127.0.0.1:18080/404,https://127.0.0.1:18443/x,"
        "https://builder:pa%24%24w0rd-Xy@goproxy.corp.invalid/repository/go,"
        "http://builder:hunter2-of-nobody@127.0.0.1:18080/ok",
        "GOSUMDB": "sum.example.com https://sumdb.corp.invalid",
    }
)


def buildkit(said: str) -> str:
    """Return what BuildKit makes of the output of a RUN step that fails."""
    written = "".join(f"#9 {0.5 + at:.3f} {line}\n" for at, line in enumerate(said.splitlines()))
    return (
        f"#9 [kubernetes 4/4] RUN --mount=type=secret,id=goenv go build\n{written}"
        '#9 ERROR: process "/bin/sh -c go build" did not complete successfully: exit code: 1\n------\n'
        f" > [kubernetes 4/4] RUN go build:\n{said}------\nERROR: failed to solve: exit code: 1\n"
    )


@pytest.mark.parametrize(
    ("case", "what", "variable"),
    [
        ("unreachable", "The Go module proxy cannot be reached", "GOPROXY"),
        ("unknown host", "The Go module proxy cannot be reached", "GOPROXY"),
        ("connection cut", "The Go module proxy cannot be reached", "GOPROXY"),
        ("no TLS", "The Go module proxy cannot be reached", "GOPROXY"),
        ("unknown host of the toolchain", "The Go module proxy cannot be reached", "GOPROXY"),
        ("untrusted certificate", "The certificate of the Go module proxy is not trusted", "SSL_CERT_FILE"),
        ("not found", "The Go module proxy does not provide a module: 404 Not Found", "GOPROXY"),
        ("gone", "The Go module proxy does not provide a module: 410 Gone", "GOPROXY"),
        ("forbidden", "The Go module proxy denied access: 403 Forbidden", "GOPROXY"),
        ("unauthorized", "The Go module proxy denied access: 401 Unauthorized", "GOPROXY"),
        ("plain credentials", "Go sends no credentials to a module proxy without TLS", "GOPROXY"),
        ("bad gateway", "The Go module proxy failed: 502 Bad Gateway", "GOPROXY"),
        ("off", "Go modules cannot be downloaded: GOPROXY names no module proxy", "GOPROXY"),
        ("empty", "Go modules cannot be downloaded: GOPROXY names no module proxy", "GOPROXY"),
        ("checksum mismatch", "A Go module was refused: its content differs from its recorded checksum", "GOPROXY"),
        ("unreachable checksum database", "The Go checksum database cannot be used", "GOSUMDB"),
        ("unknown checksum database", "The Go checksum database cannot be used", "GOSUMDB"),
        ("missing toolchain", "The Go module proxy does not provide the Go toolchain", "GOPROXY"),
        ("no version control", "The Go module proxy does not provide a module", "GOPRIVATE"),
        ("invalid flags", "GOFLAGS is not valid", "GOFLAGS"),
    ],
)
def test_an_error_names_what_happened_and_which_setting_to_look_at(case: str, what: str, variable: str) -> None:
    """With Go's own line as the reason, and without any host or credential."""
    error = explain(redact(buildkit(RECORDED[case])))
    assert isinstance(error, BuildError)
    assert error.what == what
    assert variable in error.fix
    assert error.why
    assert not HOSTS.search(str(error))


def test_every_recorded_error_is_explained() -> None:
    """None of them is left to the last lines of the build."""
    assert len(RECORDED) == 20
    assert [case for case, said in RECORDED.items() if explain(redact(buildkit(said))) is None] == []


def test_the_reason_names_the_module_and_the_answer_of_the_server() -> None:
    """The variable stands where the server's URL was."""
    error = explain(redact(buildkit(RECORDED["not found"])))
    assert error is not None
    assert error.why == (
        "main.go:3:8: example.com/dep@v1.0.0: reading $GOPROXY/example.com/dep/@v/v1.0.0.zip: 404 Not Found: "
        "not found: module lookup disabled by policy"
    )


def test_a_compiler_that_is_killed_lacks_memory() -> None:
    """That is the machine's fault, not the Dockerfile's."""
    said = "k8s.io/kubernetes/pkg/apis/core: /usr/lib/go/pkg/tool/linux_amd64/compile: signal: killed\n"
    error = explain(buildkit(said))
    assert isinstance(error, MachineError)
    assert (error.what, error.why) == ("The Go compiler was killed", "Most likely the memory was used up")


@pytest.mark.parametrize(
    "output",
    [
        "",
        buildkit("main.go:7:2: undefined: x\n"),
        buildkit("E: Unable to locate package golang-go\n"),
        "#3 ERROR: failed to do request: dial tcp: lookup registry.invalid: no such host\n",
    ],
    ids=["nothing", "an error of the code", "an error of apt", "an error of BuildKit"],
)
def test_other_errors_are_not_explained(output: str) -> None:
    """What BuildKit says itself about a registry is no error of Go."""
    assert explain(output) is None
