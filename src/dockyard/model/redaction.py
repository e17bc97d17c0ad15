r"""Removes the values of secrets from text, in whatever form a program may have written them.

The forms of a value: as it is; escaped for JSON, YAML, a shell, .env, HTML, a URL or Python's repr; base64, standard
and URL-safe, wherever in a longer text it begins. A line break, with the blanks around it, may stand anywhere in a
form, and any character of it may be written as `%2F`, `\u002F` or `\/`, or so once more: each program escapes others.
The password in a URL, and every line of a value that has several, count as values of their own.

A value that is shorter than :data:`LEAST` characters, or a word that stands everywhere (`true`, `postgres`), would take
words out of text that has nothing to do with it: it is removed only right behind the name of its secret, as in
`PIN=1234`, `"PIN": "1234"` or `name: PIN, value: 1234`.

Not found are a value that was encrypted, compressed or hashed, base64 of base64, and a part that something cut out of a
value: redact before cutting or laying out.
"""

from __future__ import annotations

import binascii
import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from dockyard.model.looks import URL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK = "***"
"""What stands where a secret stood."""

LEAST = 6
"""Characters of a value that is removed wherever it stands."""

LEAST_LINE = 8
"""Characters of a line that counts as a value of its own, where a value has several; closing braces do not."""

LEAST_START = 8
"""Characters at the end of a line by which a stream knows that a value begins there."""

LEAST_PIECE = 16
"""Characters of a line by which a stream knows it as a piece out of the middle of a value."""

COMMON = frozenset(
    {
        *("true", "false", "null", "none", "default", "enabled", "disabled", "generate", "changeme"),
        *("localhost", "postgres", "postgresql", "password", "secret", "development", "production", "staging"),
    }
)
"""Words that are no secret wherever else they stand."""

BLANKS = " \t\r"
PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
"""What no form writes in another way; where a program escapes it all the same, it is read without escapes."""

ALIKE = re.compile(r"[A-Za-z0-9]+")
"""What both alphabets of base64 write the same way (RFC 4648, section 5)."""

_DIGIT = r"(?:(?<!\\)[A-Za-z0-9+/_-]|%2[BbFf]|\\{1,8}(?:/|u002[BbFf]))"
BESIDE = re.compile(rf"{_DIGIT}\Z"), re.compile(rf"{_DIGIT}?(?:=|%3[Dd]|\\{{1,8}}u003[Dd]){{0,2}}")
"""What may stand before and behind a value in base64 and hold some bits of it, escaped or not.

A letter behind a backslash holds none: it is the n of a line break, say.
"""

LONGEST_DIGIT = len("\\" * 8 + "u002B")

_HEX, _MORE = "[0-9A-Fa-f]", "%[89ABab][0-9A-Fa-f]"
ESCAPED = re.compile(
    rf"%(?:[0-7]{_HEX}|[CDcd]{_HEX}{_MORE}|[Ee]{_HEX}(?:{_MORE}){{2}}|[Ff][0-7](?:{_MORE}){{3}})|"
    rf"\\(?<!\\\\)\\*+(?:u[Dd][89ABab]{_HEX}{{2}}\\++u[Dd][C-Fc-f]{_HEX}{{2}}|u{_HEX}{{4}}|/)"
)
"""One character as URLs (RFC 3986, section 2.1) and JSON (RFC 8259, section 7) may write any, in JSON in JSON too.

Both ways begin with a letter of their own, which lets a text without them be passed over quickly.
"""

SIGNS = "%", "\\u", "\\/"
"""A text without any of these has no escapes."""

ESCAPES = 2
"""How often a text is read anew without its escapes: a URL within a URL, or within JSON."""

LOGIN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{0,30}://(?P<user>[^\s/:@?#'\"]{0,200}):"
    r"(?P<password>\S{1,2000})@"
)
"""A URL with a password that may have any character raw: it goes up to the last @."""

YAML_NAMES = dict(zip('\0\a\b\t\n\v\f\r\x1b"\\\x85\xa0\u2028\u2029', '0abtnvfre"\\N_LP', strict=True))
"""Escapes that YAML has letters for (YAML 1.2, section 5.7)."""

YAML_ESCAPED = (
    re.compile(r'[^ -~\xa0-\ud7ff\ue000-\ufffd]|["\\\u2028\u2029\ufeff]'),
    re.compile(r'[^ -~]|["\\]'),
)
"""What PyYAML escapes in double quotes: where it keeps Unicode, and where it does not."""

BYTE, PLANE = 0xFF, 0xFFFF
"""The last characters of one byte, and of Unicode's first plane."""

ARMOUR = re.compile(r"-----(BEGIN|END) .*-----")
"""A line of a key or certificate that says nothing of it (RFC 7468)."""


@dataclass(frozen=True, slots=True)
class _Form:
    """One way in which a value is written.

    Attributes:
        text: The form without its line breaks.
        folded: The form with each line break a blank; empty where it has no blank, since nothing folds it then.
        start: Characters from its beginning that tell it from other text; more than all where none do.
        base64: Whether the characters beside it may hold bits of it.
    """

    text: str
    folded: str
    start: int
    base64: bool = False


@dataclass(frozen=True, slots=True)
class _Family:
    """Forms that have a part in common.

    Attributes:
        core: The part: a text without it has none of the forms. Empty where they have none.
        forms: The forms.
    """

    core: str
    forms: tuple[_Form, ...]


class Redactor:
    """Knows the values of secrets, and removes them.

    One is made for a process and told of every value before anything that may hold it is printed or written. It may be
    used from several threads. It is in no repr, and neither are its values.
    """

    def __init__(self, values: Mapping[str, str] | None = None, *, words: Iterable[str] = ()) -> None:
        """Make one.

        Args:
            values: The values that are known from the beginning, by the names of their secrets.
            words: More words that stand everywhere, as :data:`COMMON` are: names of the project and its parts.
        """
        self._common = COMMON | {word.lower() for word in words}
        self._values: dict[str, str] = {}
        self._families: tuple[_Family, ...] = ()
        self._named: tuple[re.Pattern[str], ...] = ()
        self._known: frozenset[tuple[str, str]] = frozenset()
        self.learn(values or {})

    def __repr__(self) -> str:
        """Return what it is, without what it knows."""
        return f"<Redactor of {len(self._known)} values>"

    def __bool__(self) -> bool:
        """Tell whether it knows any value."""
        return bool(self._known)

    def learn(self, values: Mapping[str, str]) -> None:
        """Take more values by the names of their secrets; those that were known stay known, under the same name too."""
        new = [(name, value) for name, value in values.items() if value.strip() and (name, value) not in self._known]
        parts = dict.fromkeys(part for _, value in new for part in _values(value) if not self._is_common(part))
        families = [family for part in parts for family in _families(part)]
        named = [_behind_its_name(name, value) for name, value in new if self._is_common(value)]
        self._values = {**self._values, **dict(new)}
        self._known |= set(new)
        self._families = tuple(dict.fromkeys((*self._families, *families)))
        self._named = (*self._named, *named)

    def _is_common(self, value: str) -> bool:
        bare = value.strip()
        return len(_joined(bare)) < LEAST or bare.lower() in self._common

    def redact(self, text: str) -> str:
        """Return a text with every value replaced by :data:`MASK`."""
        for pattern in self._named:
            text = pattern.sub(rf"\g<1>{MASK}", text)
        spans = list(self._spans(text))
        return _masked(text, spans) if spans else text

    def redact_lines(self, lines: Iterable[str]) -> tuple[str, ...]:
        """Return lines that follow each other, one by one, without values that go over several of them."""
        stream = self.stream()
        return tuple(stream.redact(line) for line in lines)

    def redact_log(self, lines: Iterable[str]) -> tuple[str, ...]:
        """Return lines of which all are there at once, and which may begin within a value.

        Where a value goes over several, there are fewer lines afterwards.
        """
        text = "\n".join(lines)
        taken = self._rest(text)
        return self.redact_lines(self.redact(f"{MASK}{text[taken:]}" if taken else text).split("\n"))

    def _rest(self, text: str) -> int:
        """Return how much of a text is the rest of a value whose beginning was cut off."""
        return max(map(self._rest_of, _views(text)))

    def _rest_of(self, view: _View) -> int:
        head, longest = view.text[:LEAST_START], 0
        for form in self.forms() if len(head) == LEAST_START else ():
            at = form.text.find(head, 1)
            while at > 0 and not view.text.startswith(form.text[at:]):
                at = form.text.find(head, at + 1)
            longest = max(longest, len(form.text) - at if at > 0 else 0)
        return view.origin(0, longest)[1] if longest else 0

    def line_numbers(self, text: str) -> Iterator[int]:
        """Yield the number of each line of a text, from 1, in which a value begins; common ones are not looked for."""
        return iter(sorted({text.count("\n", 0, start) + 1 for start, _ in self._spans(text)}))

    def data(self, value: Any) -> Any:  # noqa: ANN401 - JSON, and what `json.dumps(default=str)` makes of other things
        """Return what JSON can hold with every value replaced, in keys too.

        A number becomes :data:`MASK` where it is written like a value. What is no JSON is taken as its `str`.
        """
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {self.data(key): self._entry(value, key, inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(inner) for inner in value]
        if value is None or isinstance(value, bool):
            return value
        told = self.redact(str(value))
        if isinstance(value, int | float):  # digits that it has in common with a value are chance
            return told if told == MASK else value
        return value if told == str(value) else told

    def stream(self) -> Stream:
        """Return what redacts text that comes line by line."""
        return Stream(self)

    def forms(self) -> Iterator[_Form]:
        """Yield every form of every value."""
        return (form for family in self._families for form in family.forms)

    def _entry(self, entries: Mapping[Any, Any], key: object, value: object) -> Any:  # noqa: ANN401 - JSON
        """Return one value of a mapping; a common one is known by its key, or by the `name` beside it."""
        name = entries.get("name") if key == "value" else key
        return MASK if isinstance(name, str) and str(value) == self._values.get(name) else self.data(value)

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where values stand."""
        views = list(_views(text))
        if "\\\n" in text or "\\\r\n" in text:
            views += _views(text, continued=True)
        for view in views:
            for form in self._found_in(view.text):
                spans = view.spans(form.text)
                yield from (_with_bits(text, span) for span in spans) if form.base64 else spans
        folded = [form for form in self.forms() if form.folded]
        for view in _views(text, joint=" ") if folded else ():
            yield from (span for form in folded for span in view.spans(form.folded))

    def _found_in(self, text: str) -> Iterator[_Form]:
        for family in self._families:
            if family.core in text:
                yield from (form for form in family.forms if form.text in text)


class Stream:
    """Redacts a text that comes line by line, and holds no line back.

    A value that stands in one line is removed as in a whole text. Of one that goes over several, a beginning of
    :data:`LEAST_START` characters at the end of a line is removed, what follows it in the next lines, and a line of
    :data:`LEAST_PIECE` characters that stands inside of it.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._open: list[tuple[str, int]] = []

    def redact(self, line: str) -> str:
        """Return a line without values; its line break, where it has one, is kept."""
        body = line.rstrip("\r\n")
        end, bare = line[len(body) :], body.strip(BLANKS)
        if not bare:
            return line
        indent = body[: body.index(bare)]
        known = [form for form in self._redactor.forms() if form.text]
        going_on = self._continued(bare) or self._inside(known, bare)
        if going_on is not None:
            self._open = [(form, at) for form, at, taken in going_on if taken == len(bare) and at < len(form)]
            taken = max(taken for *_, taken in going_on)
            return f"{indent}{MASK}{self._redactor.redact(bare[taken:])}{end}"
        return f"{indent}{self._beginning(known, self._redactor.redact(bare))}{end}"

    def _continued(self, bare: str) -> list[tuple[str, int, int]] | None:
        """Return what goes on in a line: a form, how far it came, and how much of the line it takes."""
        found = []
        for form, at in self._open:
            length = min(len(bare), len(form) - at)
            if form.startswith(bare[:length], at):
                found.append((form, at + length, length))
        return found or None

    def _inside(self, known: Iterable[_Form], bare: str) -> list[tuple[str, int, int]] | None:
        if len(bare) < LEAST_PIECE:
            return None
        places = ((form.text, form.text.find(bare)) for form in known)
        return [(form, at + len(bare), len(bare)) for form, at in places if at >= 0] or None

    def _beginning(self, known: Iterable[_Form], bare: str) -> str:
        """Return a line without the beginning of a value at its end."""
        first, self._open = len(bare), []
        for form in known:
            at = bare.find(form.text[: form.start]) if form.start < len(form.text) else -1
            while at >= 0:
                if form.text.startswith(bare[at:]):
                    first = min(first, at)
                    self._open.append((form.text, len(bare) - at))
                at = bare.find(form.text[: form.start], at + 1)
        return bare[:first] + (MASK if first < len(bare) else "")


class _View:
    """A text as it is, or in another form, with the way back to it.

    Attributes:
        text: The text.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of the view stands in the text that all was made of."""
        return start, end

    def spans(self, form: str) -> Iterator[tuple[int, int]]:
        """Yield where a form stands in the text that all was made of."""
        at = self.text.find(form)
        while at >= 0:
            yield self.origin(at, at + len(form))
            at = self.text.find(form, at + 1)


class _Joined(_View):
    """A view with its lines joined, without the blanks at their ends."""

    def __init__(self, under: _View, *, joint: str = "", continued: bool = False) -> None:
        """Join the lines.

        Args:
            under: Where they stand.
            joint: What is put between two lines.
            continued: Whether a backslash that ends a line is left out, and one that keeps the next line's blank
                (YAML 1.2, section 7.3.1).
        """
        self._under, parts, self._here, self._there, at, length, before = under, [], [], [], 0, 0, False
        for line in under.text.split("\n"):
            part = line.strip(BLANKS)
            start = at + line.index(part[0]) if part else at
            if before and part.startswith("\\ "):
                part, start = part[1:], start + 1
            before = continued and part.endswith("\\")
            part = part[:-1] if before else part
            parts.append(part)
            self._here.append(length)
            self._there.append(start)
            at, length = at + len(line) + 1, length + len(part) + len(joint)
        super().__init__(joint.join(parts))

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the same; what was left out behind the last character is no part of it."""
        return self._under.origin(self._back(start), self._back(end - 1) + 1)

    def _back(self, place: int) -> int:
        line = bisect_right(self._here, place) - 1
        return self._there[line] + place - self._here[line]


class _Decoded(_View):
    """A view without its escapes."""

    def __init__(self, under: _View) -> None:
        self._under = under
        super().__init__(_decoded(under.text))

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the same, escapes whole."""
        return self._under.origin(self._back(start), self._back(end))

    def _back(self, place: int) -> int:
        here, there = self._pieces
        piece = bisect_right(here, place) - 1
        return there[piece] + place - here[piece]

    @cached_property
    def _pieces(self) -> tuple[list[int], list[int]]:
        """Where each piece begins, here and there: what was an escape is one. Most texts never need to know."""
        here, there, shorter = [0], [0], 0
        for escaped in ESCAPED.finditer(self._under.text):
            start, end = escaped.start() + len(_character(escaped[0])) - 1, escaped.end()
            here += [start - shorter, start - shorter + 1]
            there += [start, end]
            shorter += end - start - 1
        return here, there


def _views(text: str, *, joint: str = "", continued: bool = False) -> Iterator[_View]:
    """Yield a text with its lines joined, then without its escapes, and without those that are left then."""
    view = _View(text)
    for again in range(ESCAPES + 1):
        if again:
            if not any(sign in view.text for sign in SIGNS):
                return
            view = _Decoded(view)
        if "\n" in view.text:
            view = _Joined(view, joint=joint, continued=continued)
        yield view


def _with_bits(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Return a part of base64 with the characters beside it that may hold bits of it."""
    (before, behind), (start, end) = BESIDE, span
    first, last = before.search(text, max(0, start - LONGEST_DIGIT), start), behind.match(text, end)
    return first.start() if first else start, last.end() if last else end


def _masked(text: str, spans: list[tuple[int, int]]) -> str:
    """Return a text with those parts replaced; parts that touch become one."""
    kept, done = [], 0
    for start, end in _merged(spans):
        kept += [text[done:start], MASK]
        done = end
    return "".join([*kept, text[done:]])


def _merged(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    first, last = -1, -1
    for start, end in sorted(spans):
        if start > last:
            if last >= 0:
                yield first, last
            first, last = start, end
        last = max(last, end)
    yield first, last


def _values(value: str) -> Iterator[str]:
    """Yield a value and the parts of it that are secrets by themselves, and each without its escapes."""
    parts = [value]
    for url in (*URL.finditer(value), *LOGIN.finditer(value)):
        parts += [url["password"], f"{url['user']}:{url['password']}@"]
    lines = value.split("\n") if "\n" in value else []
    parts += [line for line in map(str.strip, lines) if len(line) >= LEAST_LINE and not ARMOUR.fullmatch(line)]
    for part in parts:
        yield from (part, _decoded(part), _decoded(_decoded(part)))


def _families(value: str) -> Iterator[_Family]:
    written = tuple(_text_forms(value))
    yield _family((*written, *map(_decoded, written)), PLAIN, value)
    for shift in range(3):
        core = _base64(value, shift)
        forms = dict.fromkeys((core, core.replace("+", "-").replace("/", "_")))
        if len(core) >= LEAST:
            yield _family(forms, ALIKE, core, base64=True)


def _family(texts: Iterable[str], alike: re.Pattern[str], value: str, *, base64: bool = False) -> _Family:
    core = max(alike.findall(value), key=len, default="")
    start = LEAST_START if base64 else _start(value)
    forms = (_Form(_joined(text), _folded(text), start, base64) for text in dict.fromkeys(texts))
    return _Family(core if len(core) >= LEAST else "", tuple(dict.fromkeys(forms)))


def _start(value: str) -> int:
    """Return how much of a value's beginning tells it: of a URL, what goes into the password."""
    login = LOGIN.match(value)
    return max(LEAST_START, login.start("password") + LEAST_START // 2 if login else 0)


def _joined(text: str) -> str:
    return "".join(line.strip(BLANKS) for line in text.strip().split("\n"))


def _folded(text: str) -> str:
    bare = " ".join(line.strip(BLANKS) for line in text.strip().split("\n"))
    return bare if " " in bare else ""


def _text_forms(value: str) -> Iterator[str]:
    """Yield a value in every form but base64."""
    plain = value.strip()
    ascii_json, wide_json = json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1]
    yield from (plain, repr(plain)[1:-1])
    for written in (ascii_json, wide_json, _unquoted(wide_json)):
        again = json.dumps(written, ensure_ascii=False)[1:-1]
        yield from (written, again, _unquoted(again))
        yield written.translate({ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&"})  # as Go writes JSON
    yield from (escaped.sub(_yaml_escape, plain) for escaped in YAML_ESCAPED)
    yield plain.replace("'", "''")
    yield plain.replace("\\", "\\\\").replace("'", "\\'")
    yield plain.replace("'", "'\"'\"'")
    yield plain.replace("'", "'\\''")
    yield re.sub(r'([\\"$`])', r"\\\1", plain)
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", plain)
    for quotes in ({'"': "&quot;", "'": "&#x27;"}, {'"': "&#34;", "'": "&#39;"}, {}):
        yield plain.translate(
            {ord(key): new for key, new in {"&": "&amp;", "<": "&lt;", ">": "&gt;", **quotes}.items()}
        )
    yield _quoted(plain)
    yield plain.replace(" ", "+")  # as forms write blanks (application/x-www-form-urlencoded)


def _unquoted(written: str) -> str:
    """Return JSON with quotes as they are: some programs escape them like other marks, and they are read without."""
    return written.replace('\\"', '"')


def _yaml_escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    width, letter = (2, "x") if code <= BYTE else (4, "u") if code <= PLANE else (8, "U")
    return f"\\{YAML_NAMES.get(found[0]) or f'{letter}{code:0{width}X}'}"


def _quoted(text: str) -> str:
    """Return a text percent-encoded."""
    raw = (chr(byte) for byte in text.encode(errors="replace"))
    return "".join(one if PLAIN.fullmatch(one) else f"%{ord(one):02X}" for one in raw)


def _decoded(text: str) -> str:
    """Return a text without its escapes."""
    return ESCAPED.sub(lambda escaped: _character(escaped[0]), text)


@lru_cache(maxsize=4096)
def _character(escape: str) -> str:
    """Return what an escape stands for, behind the backslashes that are none of its own.

    Each time that JSON goes into JSON an escape's backslashes are doubled, and so are those before it.
    """
    if escape.startswith("%"):
        return bytes.fromhex(escape.replace("%", "")).decode(errors="replace")[0]
    before = len(escape) - len(escape.lstrip("\\"))
    units = escape.replace("\\", "").split("u")[1:]
    raw = b"".join(int(unit, 16).to_bytes(2, "big") for unit in units)
    kept = escape[: before - (before & -before)]
    return kept + (raw.decode("utf-16-be", errors="surrogatepass") if units else "/")


def _base64(value: str, shift: int) -> str:
    """Return the characters of base64 that a value alone decides, where it begins at a place in its three bytes."""
    text = binascii.b2a_base64(b"\0" * shift + value.encode(errors="replace"), newline=False).decode()
    return text[(shift * 8 + 5) // 6 : (shift + len(value.encode(errors="replace"))) * 8 // 6]


def _behind_its_name(name: str, value: str) -> re.Pattern[str]:
    """Return a pattern of a common value behind the name of its secret, whatever stands between that is no value."""
    raw = value.encode(errors="replace")
    forms = (value.strip(), binascii.b2a_base64(raw, newline=False).decode(), _quoted(value.strip()))
    written = "|".join(re.escape(form) for form in dict.fromkeys(forms))
    between = r"""[\\"',\s]{0,40}(?:[\\"']{0,4}value[\\"']{0,4}\s{0,4})?[:=]\s{0,4}[\\"']{0,4}"""
    return re.compile(rf"(?<!\w)({re.escape(name)}{between})(?:{written})(?!\w)")
