"""How this machine fetches Go modules, and that nobody sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from dockyard.clusters.go_modules import (
    VARIABLES,
    environment_file,
    module_hosts,
    portable_flags,
    read_settings,
    redactor,
)
from dockyard.model.errors import MachineError

URL = "https://builder:pa%24%24w0rd-Xy@goproxy.corp.example:8443/repository/go/"


def no_go(_names: Sequence[str]) -> Mapping[str, str]:
    """Answer as a machine without Go."""
    return {}


# --- reading ----------------------------------------------------------------------------------------------------------


def test_the_environment_wins_over_go() -> None:
    """Go is asked for the other settings only."""
    asked: list[str] = []

    def go_env(names: Sequence[str]) -> Mapping[str, str]:
        asked.extend(names)
        return {"GOSUMDB": "off", "GONOSUMDB": "", "GOPROXY": "https://go.invalid"}

    assert read_settings({"GOPROXY": URL, "PATH": "/bin"}, go_env) == {"GOPROXY": URL, "GOSUMDB": "off"}
    assert asked == ["GOFLAGS", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE"]


def test_without_go_and_without_settings_nothing_is_passed() -> None:
    """Go's own defaults apply then."""
    assert read_settings({"GOPROXY": "", "GOFLAGS": " "}, no_go) == {}


def test_where_everything_is_set_go_is_not_asked() -> None:
    """It need not even be installed."""

    def go_env(_names: Sequence[str]) -> Mapping[str, str]:
        pytest.fail("Go was asked")

    given = dict.fromkeys(VARIABLES, "value")
    assert read_settings(given, go_env) == given


def test_a_value_that_go_could_not_read_is_an_error() -> None:
    """It names the variable, and not the value."""
    with pytest.raises(MachineError, match="GOPROXY has a line break") as caught:
        read_settings({"GOPROXY": f"{URL}\nGOSUMDB=off"}, no_go)
    assert "corp" not in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "passed"),
    [
        ("-buildvcs=false", "-buildvcs=false"),
        ("-mod=vendor", ""),
        ("-modcacherw -mod=mod", "-modcacherw"),
        ("--mod=readonly '-ldflags=-s -w' -modfile=/home/me/go.mod", "'-ldflags=-s -w'"),
        ('-overlay=/tmp/o.json "-toolexec=time -f %e" -v', "-v"),
    ],
)
def test_flags_that_select_or_name_files_of_this_machine_are_dropped(flags: str, passed: str) -> None:
    """A build in a container uses the go.mod and go.sum of the node alone."""
    assert portable_flags(flags) == passed
    found = read_settings({"GOFLAGS": flags}, no_go)
    assert found == ({"GOFLAGS": passed} if passed else {})


def test_the_file_has_the_form_of_gos_environment_file() -> None:
    """One `NAME=value` a line, values as they are."""
    assert environment_file({"GOPROXY": URL, "GOFLAGS": "-v '-a b'"}) == f"GOPROXY={URL}\nGOFLAGS=-v '-a b'\n"
    assert environment_file({}) == ""


# --- hiding -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (URL, "$GOPROXY"),
        (
            'Get "https://builder:***@goproxy.corp.example:8443/repository/go/k8s.io/api/@v/list": EOF',
            'Get "$GOPROXY/k8s.io/api/@v/list": EOF',
        ),
        ("https://builder:xxxxx@goproxy.corp.example:8443/repository/go/a: 410 Gone", "$GOPROXY/a: 410 Gone"),
        ("lookup goproxy.corp.example: no such host", "lookup $GOPROXY: no such host"),
        ("lookup GoProxy.Corp.Example: no such host", "lookup $GOPROXY: no such host"),
        ("https://goproxy.corp.example:8443/login", "https://$GOPROXY/login"),
        ("user builder, password pa%24%24w0rd-Xy", "user $GOPROXY, password $GOPROXY"),
        ("password pa$$w0rd-Xy", "password $GOPROXY"),
        ("second.example/go, direct", "$GOPROXY, direct"),
    ],
)
def test_a_proxy_is_shown_as_its_variable(said: str, shown: str) -> None:
    """URL, host, login and password, in every form that Go writes."""
    assert redactor({"GOPROXY": f"{URL}|https://second.example/go,direct"})(said) == shown


@pytest.mark.parametrize(
    ("variable", "value", "said", "shown"),
    [
        ("GOPRIVATE", "*.corp.example/team/*,git.acme.example", "git.acme.example/x@v1", "$GOPRIVATE/x@v1"),
        ("GOPRIVATE", "*.corp.example/team/*,git.acme.example", "go.corp.example/team/x", "go.$GOPRIVATE/x"),
        ("GONOPROXY", "code.corp.example/*", "fetching code.corp.example/x", "fetching $GONOPROXY/x"),
        ("GOSUMDB", "sum.corp.example+b4c1+AbCdEf https://mirror.example/db", "at sum.corp.example:", "at $GOSUMDB:"),
        ("GOSUMDB", "sum.corp.example+b4c1+AbCdEf https://sum-mirror.example/db", "key AbCdEf+b4", "key AbCdEf+b4"),
        ("GOSUMDB", "sum.corp.example https://sum-mirror.example/db", "https://sum-mirror.example/db/x", "$GOSUMDB/x"),
        ("GOFLAGS", "-buildvcs=false -insecure", "flag -buildvcs=false", "flag $GOFLAGS"),
        ("GOPROXY", "file:///home/me/modules", "open /home/me/modules/a: no file", "open $GOPROXY/a: no file"),
        ("GOPROXY", "http://[::1", "parse http://[::1: missing", "parse $GOPROXY: missing"),
        ("GOPROXY", "http://user:123@h.example", "exit code: 123 of user", "exit code: 123 of user"),
    ],
)
def test_other_values_are_shown_as_their_variables(variable: str, value: str, said: str, shown: str) -> None:
    """Texts that are so short that they occur everywhere stay."""
    assert redactor({variable: value})(said) == shown


@pytest.mark.parametrize("value", ["direct", "off", "-v", ","])
def test_common_words_are_no_secret(value: str) -> None:
    """Replacing them would spoil every other line."""
    assert redactor({"GOPROXY": value})("fetched directly, -v, offline") == "fetched directly, -v, offline"


def test_addresses_in_network_errors_are_hidden() -> None:
    """What a host name resolves to says as much as the name; the name servers are the machine's own."""
    hide = redactor({})
    assert hide("dial tcp 192.0.2.7:443: i/o timeout") == "dial tcp ADDRESS: i/o timeout"
    assert hide("read tcp 172.17.0.2:33->192.0.2.7:443: reset") == "read tcp ADDRESS: reset"
    assert hide("lookup h on 192.0.2.53:53: no such host") == "lookup h on ADDRESS: no such host"


def test_hosts_of_public_modules_stay_readable() -> None:
    """They are in the node's own go.mod; a private path on such a host is hidden."""
    hide = redactor({"GOPRIVATE": "github.com/acme/*"}, public=frozenset({"github.com"}))
    assert hide("github.com/spf13/cobra") == "github.com/spf13/cobra"
    assert hide("github.com/acme/secret") == "$GOPRIVATE/secret"


def test_the_hosts_of_required_modules_are_read_from_go_mod() -> None:
    """From blocks and single lines; comments and other directives do not count."""
    text = (
        "module example.org/node\n\ngo 1.26\n\nrequire k8s.io/kubernetes v1.36.3\n\nrequire (\n"
        "\tgithub.com/coredns/coredns v1.14.7\n\tgolang.org/x/sys v0.40.0 // indirect\n)\n"
        "replace other.example/x => gitlab.example/y v1.0.0\n"
    )
    assert module_hosts(text) == {"k8s.io", "github.com", "golang.org"}
