"""Tells by its looks whether a text is a secret, or a placeholder for one. It is a guess, made to be seldom wrong.

Sources: the documented forms of tokens (GitHub, GitLab, AWS, Google, Slack, Stripe, OpenAI), RFC 7468 (PEM), RFC 7519
(JWT), RFC 3986 (a URL with user information).
"""

from __future__ import annotations

import re
from collections import Counter
from math import log2

_BEFORE, _WORD = r"(?<![A-Za-z0-9])", r"[A-Za-z0-9_-]"

KNOWN = {
    "a private key": re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY( BLOCK)?-----"),
    "a GitHub token": re.compile(rf"{_BEFORE}(gh[opsur]_[A-Za-z0-9]{{20,}}|github_pat_[A-Za-z0-9_]{{30,}})"),
    "a GitLab token": re.compile(rf"{_BEFORE}glpat-{_WORD}{{20,}}"),
    "an AWS access key": re.compile(rf"{_BEFORE}(AKIA|ASIA)[0-9A-Z]{{16}}(?![A-Za-z0-9])"),
    "a Google API key": re.compile(rf"{_BEFORE}AIza{_WORD}{{35}}"),
    "a Slack token": re.compile(rf"{_BEFORE}xox[abeoprs]-[A-Za-z0-9-]{{10,}}"),
    "a Stripe key": re.compile(rf"{_BEFORE}[rs]k_(live|test)_[A-Za-z0-9]{{16,}}"),
    "an API key": re.compile(rf"{_BEFORE}sk-(?={_WORD}{{0,80}}[0-9]){_WORD}{{20,}}"),
    "a JSON web token": re.compile(rf"{_BEFORE}eyJ{_WORD}{{10,}}\.eyJ{_WORD}{{10,}}\.{_WORD}{{10,}}"),
}
"""What a secret is by its form, wherever it stands in a text. The numbers bound what a long text costs."""

URL = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{0,30}://(?P<user>[^\s/:@?#'\"]{0,200}):(?P<password>[^\s/@'\"]{1,300})@"
    r"(?P<host>[^\s/:?#'\"]{0,255})"
)
"""A URL with a password in it."""

URL_ALONE = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]{0,30}://")

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
"""The words of a name, in snake_case, kebab-case or camelCase."""

PASSWORDS = frozenset({"PASSWORD", "PASSWD", "PASSPHRASE", "PASS", "PWD"})
SECRETS = PASSWORDS | {"SECRET", "TOKEN", "CREDENTIAL", "CREDENTIALS", "APIKEY"}
"""A name that ends with one of these says that its value is a secret."""

SECRET_KEYS = frozenset({"API", "PRIVATE", "SECRET", "ACCESS", "SIGNING", "ENCRYPTION", "AUTH", "MASTER", "SESSION"})
"""A name that ends with one of these and KEY says so too."""

NO_SECRETS = frozenset({"EXISTING", "EXTERNAL", "PULL", "PUBLIC", "TLS"})
"""A name with one of these is that of a Secret, or of what everybody may know."""

HINTS = SECRETS | {"KEY", "SALT", "AUTH", "SIGNATURE"}
"""With one of these in its name, a random value is a secret."""

OF_ITS_OWN = frozenset(
    {
        *("ACCESS", "API", "APP", "CLIENT", "CONSUMER", "COOKIE", "ENCRYPTION", "HMAC", "JWT", "MASTER", "OAUTH"),
        *("SESSION", "SHARED", "SIGNING", "TOKEN", "WEBHOOK"),
    }
)
"""With one of these before SECRET a name is that of the secret itself, and not of an object that holds one."""

OBJECT = re.compile(r"[a-z]+[0-9]*(-([a-z]+[0-9]*|[0-9]+))+")
"""What people call objects of Kubernetes: words with hyphens between."""

REFERENCE = re.compile(
    r"\s*(/|\./|\$\(|\$\{|\{\{|<|vault:|file:|env:)|"
    r"\s*(true|false|yes|no|on|off|null|none|~|(?-i:\$([a-z_]+|[A-Z_][A-Z0-9_]*)))?\s*$",
    re.IGNORECASE,
)
"""How a value begins, or is, that only leads to a secret, or is none."""

NUMBER = re.compile(r"\s*[0-9]{1,12}\s*")
"""A number as people count."""

RANDOM = re.compile(r"[A-Za-z0-9+/=]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LEAST_ENTROPY = 3.0
"""Bits per character of a random text; 16 random hexadecimal digits seldom have less."""

PLACEHOLDERS = frozenset(
    {
        *("changeme", "changethis", "replaceme", "replacethis", "todo", "tbd", "fixme"),
        *("password", "passwd", "secret", "mysecret", "supersecret", "sharedsecretkey", "token", "key", "apikey"),
        *("placeholder", "example", "sample", "dummy", "test", "foo", "bar", "string", "value"),
        *("none", "null", "undefined", "default", "generate", "generated"),
    }
)
"""What people write for a secret that they do not have yet, without its hyphens, underscores and spaces."""

PLACEHOLDER = re.compile(
    r"(.)\1{2,}|<[^<>]*>|\[[a-z _-]*\]|\{\{.*\}\}|.*…|(sk-)?x{3,}.*|sk-(test|key|your).{0,20}|"
    r"(todo|fixme|tbd)([ :].*)?|(your|my|some|the)[-_ ].*(key|secret|token|password|here|value)|"
    r"(insert|enter|put|paste|replace|change)[-_ ](me|this|it|your|here|with|in)(?![a-z0-9]).*",
    re.DOTALL,
)
SLOT = re.compile(r"<[a-z][a-z _-]{0,40}>|\.\.\.")
USERS, HOSTS = frozenset({"user", "username"}), frozenset({"host", "hostname", "neon-host", "your-host", "server"})
RESERVED = (".example", ".invalid", "example.com", "example.org", "example.net")
"""Ends of hosts that nobody has (RFC 2606)."""


def why_secret(name: str, value: str) -> str:
    """Return what makes a value look like a secret, as the end of "it ..."; empty where it does not look like one.

    Args:
        name: What the value is called.
        value: The value; no part of it is in the answer.
    """
    for what, form in KNOWN.items():
        if form.search(value):
            return f"holds {what}"
    if any(not REFERENCE.match(url["password"]) for url in URL.finditer(value)):
        return "holds a URL with a password"
    return _why_by_name(name, value)


def _why_by_name(name: str, value: str) -> str:
    words = [word.upper() for word in WORDS.findall(name)]
    if not words or NO_SECRETS & set(words) or REFERENCE.match(value) or URL_ALONE.match(value):
        return ""
    if HINTS & set(words) and is_random(value):
        return "is random, and its name says that it is a secret"
    named = words[-1] in SECRETS or (words[-1] == "KEY" and words[-2:-1] and words[-2] in SECRET_KEYS)
    if not named or _is_object(name, words, value) or (words[-1] not in PASSWORDS and NUMBER.fullmatch(value)):
        return ""
    return "has a value, and its name says that it is a secret"


def _is_object(name: str, words: list[str], value: str) -> bool:
    """Tell whether a value names an object of Kubernetes that holds a secret: that of `passwordSecret`, say."""
    is_variable = len(words) > 1 and name.isupper()
    of_an_object = words[-1] == "SECRET" and not is_variable and not OF_ITS_OWN & set(words[-2:])
    return of_an_object and OBJECT.fullmatch(value) is not None


def is_random(value: str) -> bool:
    """Tell whether a text has a part without meaning: digits and letters mixed, long, hardly one twice."""
    return any(
        re.search("[0-9]", part[0]) is not None
        and re.search("[A-Za-z]", part[0]) is not None
        and entropy(part[0]) >= LEAST_ENTROPY
        for part in RANDOM.finditer(value)
    )


def entropy(text: str) -> float:
    """Return the entropy of a text's characters, in bits per character (Shannon, 1948)."""
    counts = Counter(text).values()
    return sum(count / len(text) * log2(len(text) / count) for count in counts)


def is_placeholder(name: str, value: str, example: str = "") -> bool:
    """Tell whether a secret's value only stands for one.

    Args:
        name: The secret's name: who gives it as its own value means nothing by it.
        value: The value.
        example: What the example gives for it; empty where it gives nothing.
    """
    text = value.strip().strip("\"'").lower()
    if re.sub("[-_ ]", "", text) in PLACEHOLDERS or text == name.lower() or (example and value == example):
        return True
    return PLACEHOLDER.fullmatch(text) is not None or SLOT.search(text) is not None or _is_example_url(text)


def _is_example_url(text: str) -> bool:
    url = URL.match(text)
    if url is None:
        return False
    words = url["user"] in USERS and url["password"] in PLACEHOLDERS
    return words or url["host"] in HOSTS or url["host"].endswith(RESERVED)


LEAST_BITS = 40.0
"""Bits of a text's characters under which it is weak: ten million guesses a second find it in a day or so."""


def weakness(value: str) -> str:
    """Return why a secret is easily guessed, as the end of "it ..."; empty where it is not.

    What counts is the password where the value is a URL with one; a URL without one says where something is.
    """
    urls = list(URL.finditer(value))
    if not urls and URL_ALONE.match(value):
        return ""
    parts = [url["password"] for url in urls] or [value.strip()]
    if all(entropy(part) * len(part) >= LEAST_BITS for part in parts):
        return ""
    what = "has a password that is" if urls else "is"
    return f"{what} easily guessed: short, or of few different characters"
