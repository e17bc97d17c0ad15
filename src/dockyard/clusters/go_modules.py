"""How this machine fetches Go modules, for the build of the node image.

The settings may hold internal host names and credentials. A build gets them as one secret, a file in the form of Go's
own environment file (`GOENV`), which is in no layer and no build argument. What the build writes passes through
`redactor` before anything else reads it.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dockyard.model.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

VARIABLES = ("GOPROXY", "GOFLAGS", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE")
"""The settings of Go that say where modules come from and how they are verified."""

DROPPED_FLAGS = frozenset({"mod", "modfile", "overlay", "pkgdir", "toolexec"})
"""Flags in GOFLAGS that are not passed on.

`-mod=vendor` or `-mod=mod` would take the node's modules from elsewhere than its go.mod and go.sum say; the others name
files of this machine, which a build does not see.
"""

FLAG = re.compile(r"""(?P<quote>['"])(?P<quoted>.*?)(?P=quote)|(?P<bare>\S+)""")
"""One flag in GOFLAGS; one with blanks is quoted as a whole (`go help environment`)."""

LEAST = 6
"""Characters of a text that is redacted: shorter ones occur everywhere."""

KEYWORDS = frozenset({"direct", "off", "none"})
"""Words in values that are no secret."""

HIDDEN_PASSWORDS = ("***", "xxxxx")
"""What Go writes in place of the password in a URL: net/http, and net/url."""

ADDRESS = re.compile(r"\b(dial|read|write) tcp \S+(?=: )|(?<= on )\S+:53(?=: )")
"""The addresses in Go's network errors: `dial tcp 192.0.2.1:443: i/o timeout`, `lookup HOST on 192.0.2.53:53: ...`."""

MODULE = re.compile(r"^[ \t]*(?:require[ \t]+)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)/\S+[ \t]+v\d", re.MULTILINE)
"""A module that a go.mod requires; the group is its host."""


def read_settings(
    environment: Mapping[str, str], go_env: Callable[[Sequence[str]], Mapping[str, str]]
) -> Mapping[str, str]:
    """Return the settings of this machine; those that are not set are left out, so that Go's defaults apply.

    Args:
        environment: The environment, which wins.
        go_env: Asks Go for settings; it returns none if Go is not installed.

    Raises:
        MachineError: A value cannot be written to Go's environment file.
    """
    found = {name: value for name in VARIABLES if (value := environment.get(name, "").strip())}
    missing = [name for name in VARIABLES if name not in found]
    asked = go_env(missing) if missing else {}
    found |= {name: value for name in missing if (value := asked.get(name, "").strip())}
    for name, value in found.items():
        if "\n" in value or "\r" in value:
            raise MachineError(f"{name} has a line break", why="Go accepts none", fix=f"Correct {name}")
    if "GOFLAGS" in found:
        found["GOFLAGS"] = portable_flags(found["GOFLAGS"])
    return {name: found[name] for name in VARIABLES if found.get(name)}


def portable_flags(flags: str) -> str:
    """Return the flags of a GOFLAGS that apply to a build in a container; see DROPPED_FLAGS."""
    return " ".join(
        flag[0] for flag in FLAG.finditer(flags) if _name_of(flag["quoted"] or flag["bare"]) not in DROPPED_FLAGS
    )


def _name_of(flag: str) -> str:
    return flag.lstrip("-").partition("=")[0]


def environment_file(settings: Mapping[str, str]) -> str:
    """Return settings in the form of Go's environment file: `NAME=value` lines."""
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def module_hosts(go_mod: str) -> frozenset[str]:
    """Return the hosts in the paths of the modules that a go.mod requires."""
    return frozenset(MODULE.findall(go_mod))


def redactor(settings: Mapping[str, str], *, public: Collection[str] = ()) -> Callable[[str], str]:
    """Return a function that replaces what settings reveal by the names of their variables.

    Replaced are each value, each entry of a list, each URL with its credentials in all forms that Go writes, each host,
    and the addresses in network errors.

    Args:
        settings: The settings.
        public: Hosts that everyone knows to be part of the build, so that module paths stay readable.
    """
    names: dict[str, str] = {}
    for name, value in settings.items():
        for text in _revealing(value, public):
            if len(text) >= LEAST and text not in KEYWORDS:
                names.setdefault(text.lower(), f"${name}")
    if not names:
        return _without_addresses
    pattern = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))), re.IGNORECASE)
    return partial(_redact, pattern, names)


def _redact(pattern: re.Pattern[str], names: Mapping[str, str], text: str) -> str:
    return _without_addresses(pattern.sub(lambda found: names[found[0].lower()], text))


def _without_addresses(text: str) -> str:
    return ADDRESS.sub(lambda found: f"{found[1]} tcp ADDRESS" if found[1] else "ADDRESS", text)


def _revealing(value: str, public: Collection[str]) -> Iterator[str]:
    """Yield the parts of a value that must not be shown: it, its entries, and what these consist of."""
    yield value
    for entry in re.split(r"[,|\s]+", value):
        yield entry
        parts = _parts_of_url(entry) if "://" in entry else _parts_of_pattern(entry)
        yield from (part for part in parts if part not in public)


def _parts_of_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        host, user, password = parts.hostname or "", parts.username or "", parts.password or ""
    except ValueError:  # it is no URL; the entry as a whole is known
        return
    login, _, place = parts.netloc.rpartition("@")
    path = parts.path.rstrip("/")
    logins = (login, user, *(f"{user}:{hidden}" for hidden in HIDDEN_PASSWORDS))
    yield from (f"{parts.scheme}://{one}@{place}{path}" for one in logins)
    yield from (f"{parts.scheme}://{place}{path}", f"{place}{path}", place, host)
    yield from (login, password, unquote(password), user, unquote(user))


def _parts_of_pattern(entry: str) -> Iterator[str]:
    """Yield the parts of a host with or without a path: `*.corp.example.com/team/*`, or `sumdb.example.com+KEY`."""
    path = entry.partition("+")[0].strip("*./?")
    host = path.partition("/")[0]
    if "." in host:
        yield from (path, host)
