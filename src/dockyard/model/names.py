"""Names: what Kubernetes, Helm and a shell accept as one.

Each rule is a function that returns the name or raises RuleError, and a type that applies it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from dockyard.model.errors import RuleError
from dockyard.model.rule import Rule

KUBERNETES_NAMES = 'Kubernetes documentation, "Object Names and IDs"'
KUBERNETES_LABELS = 'Kubernetes documentation, "Labels and Selectors"'
HELM_NAMES = "Helm, pkg/chart/common/util and pkg/lint"
SHOWN = 80
"""Characters of a wrong name that an error repeats."""


@dataclass(frozen=True, slots=True)
class NameRule:
    """What a kind of name looks like.

    Attributes:
        thing: The kind, as the end of "'X' is not ...".
        pattern: What the whole name must match.
        longest: Characters it may have.
        words: The pattern in words.
        source: Where the rule stands.
    """

    thing: str
    pattern: str
    longest: int
    words: str
    source: str

    def __call__(self, name: str) -> str:
        """Return the name.

        Raises:
            RuleError: It breaks the rule.
        """
        if len(name) > self.longest:
            raise RuleError(
                f"{name[:SHOWN]!r} is not {self.thing}",
                why=f"It has {len(name)} characters, {self.longest} are allowed ({self.source})",
            )
        if re.fullmatch(self.pattern, name, re.ASCII) is None:
            raise RuleError(f"{name[:SHOWN]!r} is not {self.thing}", why=f"It must be {self.words} ({self.source})")
        return name

    def rule(self, *, shortest: int = 1) -> Rule:
        """Return it as an annotation."""
        return Rule(self, {"pattern": f"^{self.pattern}$", "minLength": shortest, "maxLength": self.longest})


_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_WORDS = "lower-case letters, digits and '-', with a letter or digit at both ends"
_VALUE = r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)"
_VALUE_WORDS = "letters, digits, '-', '_' and '.', with a letter or digit at both ends"

dns_label = NameRule("a DNS label", _LABEL, 63, _LABEL_WORDS, f"RFC 1123; {KUBERNETES_NAMES}")
"""A namespace, a container, a project."""

dns_subdomain = NameRule(
    "a DNS subdomain", rf"{_LABEL}(\.{_LABEL})*", 253, f"{_LABEL_WORDS}, in parts with '.' between", KUBERNETES_NAMES
)
"""A Deployment, a ConfigMap, a Secret."""

service_name = NameRule(
    "a Service name",
    r"[a-z]([-a-z0-9]*[a-z0-9])?",
    63,
    "lower-case letters, digits and '-', a letter first, a letter or digit last",
    f"RFC 1035; {KUBERNETES_NAMES}",
)
"""A Service: its name is a host name of the cluster's DNS."""

release_name = NameRule(
    "a release name", rf"{_LABEL}(\.{_LABEL})*", 53, f"{_LABEL_WORDS}, in parts with '.' between", HELM_NAMES
)
"""A Helm release; 53, so that what a chart appends still fits into 63."""

chart_name = NameRule("a chart name", r"[A-Za-z0-9._-]+", 250, "letters, digits, '.', '_' and '-'", HELM_NAMES)

env_name = NameRule(
    "the name of an environment variable",
    r"[A-Za-z_][A-Za-z0-9_]*",
    253,
    "letters, digits and '_', without a digit first",
    "POSIX.1, section 8.1",
)
"""What a shell and a .env file accept."""

container_env_name = NameRule(
    "the name of a container's environment variable",
    r"[ -<>-~]+",
    253,
    "printable ASCII characters without '='",
    "Kubernetes API, EnvVar, from 1.32 on",
)
"""What Kubernetes accepts, which is more than a shell does."""

port_name = NameRule(
    "a port name",
    r"(?=[^a-z]*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]*[a-z0-9])?",
    15,
    "lower-case letters, digits and single '-', with at least one letter",
    "RFC 6335, section 5.1",
)

label_value = NameRule("a label's value", rf"{_VALUE}?", 63, f"empty, or {_VALUE_WORDS}", KUBERNETES_LABELS)

_label_key_name = NameRule("a label's key", _VALUE, 63, _VALUE_WORDS, KUBERNETES_LABELS)


def label_key(key: str) -> str:
    """Return a label's key: a name, with a DNS subdomain and a slash before it or not.

    Raises:
        RuleError: It breaks the rule.
    """
    prefix, slash, name = key.rpartition("/")
    if slash:
        dns_subdomain(prefix)
    _label_key_name(name)
    return key


_DATA_KEY = NameRule(
    "a key of a ConfigMap or Secret",
    r"[-._A-Za-z0-9]+",
    253,
    "letters, digits, '-', '_' and '.'",
    'Kubernetes documentation, "ConfigMaps"',
)


def data_key(key: str) -> str:
    """Return a key of a ConfigMap or Secret; it may become a file name, so it is no way upwards.

    Raises:
        RuleError: It breaks the rule.
    """
    _DATA_KEY(key)
    if key == "." or key.startswith(".."):
        raise RuleError(
            f"{key!r} is not {_DATA_KEY.thing}", why=f"As a file it would leave its folder ({_DATA_KEY.source})"
        )
    return key


def http_path(path: str) -> str:
    """Return the path of an HTTP request.

    Raises:
        RuleError: It does not start with a slash, or has characters that must be escaped.
    """
    if re.fullmatch(r"/[!$-;=?-Z_a-z~@]*", path, re.ASCII) is None:
        raise RuleError(
            f"{path[:SHOWN]!r} is not the path of an HTTP request",
            why="It starts with '/' and has no host, spaces, quotes or '#' in it (RFC 9110, section 7.1)",
        )
    return path


def relative_path(path: str) -> str:
    """Return a path that starts at the project's root.

    Raises:
        RuleError: It is empty, absolute, below a home folder, or has control characters.
    """
    if not path or path.startswith(("/", "~")) or not path.isprintable():
        raise RuleError(
            f"{path[:SHOWN]!r} is not a path of the project",
            why="Paths start at the folder of dockyard.yaml, so that the file works on every machine",
            fix="Write it relative to that folder",
        )
    return path


def _named(check: Callable[[str], str]) -> Rule:
    return Rule(check, {"minLength": 1})


DnsLabel = Annotated[str, dns_label.rule()]
DnsSubdomain = Annotated[str, dns_subdomain.rule()]
ServiceName = Annotated[str, service_name.rule()]
ReleaseName = Annotated[str, release_name.rule()]
ChartName = Annotated[str, chart_name.rule()]
EnvName = Annotated[str, env_name.rule()]
ContainerEnvName = Annotated[str, container_env_name.rule()]
PortName = Annotated[str, port_name.rule()]
LabelKey = Annotated[str, _named(label_key)]
LabelValue = Annotated[str, label_value.rule(shortest=0)]
DataKey = Annotated[str, _named(data_key)]
HttpPath = Annotated[str, Rule(http_path, {"pattern": "^/"})]
RelativePath = Annotated[str, Rule(relative_path, {"pattern": "^[^/~]"})]
