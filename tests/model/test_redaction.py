"""Values of secrets in text: found in every form, and nothing else taken away."""

from __future__ import annotations

import base64
import html
import json
import random
import re
import shlex
import string
import textwrap
from collections.abc import Callable
from time import perf_counter
from urllib.parse import quote, quote_plus

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard import envfile
from dockyard.model.redaction import COMMON, LEAST_LINE, LEAST_PIECE, LEAST_START, MASK, Redactor

TOKEN = "q7Xv2mKp9TzR4wYbq7Xv2mKp9TzR4wYb"  # noqa: S105 - stands for one
AWKWARD = "a,b=c\"d'e\\f$g`h {{ i }} <j>&k ü/l?m%n:o@p~q"
PEM = (
    "-----BEGIN TEST KEY-----\n" + "\n".join(f"{TOKEN}{at:02}" for at in range(9)) + "\nshort==\n-----END TEST KEY-----"
)

LETTERS = st.text(string.ascii_letters + string.digits, min_size=8, max_size=60)
MANY = (
    st.permutations(string.ascii_letters + string.digits)
    .map("".join)
    .flatmap(lambda text: st.integers(40, 62).map(lambda end: text[:end]))
)
"""Letters and digits in which no part comes twice, so that a place in them is known by it."""

VALUES = st.text(
    st.one_of(
        st.sampled_from("'\"\\`#$={}%&<>!+/~ \n\té😀abcXYZ019"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\r\x85\u2028\u2029"),
    ),
    min_size=12,
    max_size=80,
).filter(lambda text: len("".join(text.split())) >= 10)
"""Anything that a secret may be, long enough to be removed wherever it stands."""


def redact(value: str, text: str) -> str:
    """Return a text without one secret."""
    return Redactor({"KEY": value}).redact(text)


def utf_16(mark: str) -> str:
    """Return a character as JSON escapes it, in upper case."""
    raw = mark.encode("utf-16-be")
    return "".join(f"\\u{raw[at]:02X}{raw[at + 1]:02X}" for at in range(0, len(raw), 2))


def net(mark: str) -> str:
    """Return a character as .NET writes it in JSON."""
    if re.fullmatch(r"[A-Za-z0-9 -]", mark):
        return mark
    return json.dumps(mark)[1:-1] if mark in "\\\b\f\n\r\t" else utf_16(mark)


FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda value: value,
    "JSON": lambda value: json.dumps({"key": value}),
    "JSON in Unicode": lambda value: json.dumps({"key": value}, ensure_ascii=False),
    "JSON in JSON": lambda value: json.dumps(json.dumps(value)),
    "YAML": lambda value: yaml.safe_dump({"key": value}),
    "YAML, wide": lambda value: yaml.safe_dump({"key": value}, width=1_000_000, allow_unicode=True),
    "YAML in double quotes": lambda value: yaml.safe_dump({"key": value}, default_style='"', allow_unicode=True),
    "YAML in single quotes": lambda value: yaml.safe_dump({"key": value}, default_style="'"),
    "a shell": shlex.quote,
    ".env": lambda value: envfile.line("KEY", value),
    "repr": repr,
    "HTML": html.escape,
    "URL": lambda value: f"https://host/?key={quote(value, safe='')}",
    "URL path": quote,
    "URL form": quote_plus,
    "URL of Node": lambda value: quote(value, safe="!$&()*+,;=%~"),
    "URL of Go": lambda value: quote(value, safe="$&+,;="),
    "URL with blanks": lambda value: quote(value, safe=" +"),
    "URL in a URL": lambda value: f"https://host/?next={quote(f'/?key={quote_plus(value)}', safe='')}",
    "URL in JSON": lambda value: json.dumps(quote(value, safe="~")).replace("%", "\\u0025"),
    "every byte": lambda value: "".join(f"%{byte:02x}" for byte in value.encode()),
    "JSON of PHP": lambda value: json.dumps(value).replace("/", r"\/"),
    "JSON of .NET": lambda value: "".join(map(net, value)),
    "JSON of .NET in JSON": lambda value: json.dumps("".join(map(net, value))),
    "JSON of PHP in JSON": lambda value: json.dumps(json.dumps(value).replace("/", r"\/")),
    "URL in lower case": lambda value: re.sub("%..", lambda found: found[0].lower(), quote(value, safe="")),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("value", [TOKEN, AWKWARD, PEM, f"  {TOKEN}\n"], ids=["token", "awkward", "lines", "blanks"])
def test_a_value_is_found_in_every_form(form: Callable[[str], str], value: str) -> None:
    """However a program writes it, nothing of it is left."""
    written = form(value)
    told = redact(value, f"before {written} behind")
    assert told.startswith("before ")
    assert told.endswith(" behind")
    assert not any(piece in told for piece in ("q7Xv2mKp", "i }}", "short", "f$g"))
    assert MASK in told


@settings(max_examples=600)
@given(value=VALUES, form=st.sampled_from(sorted(FORMS)))
def test_any_value_is_found_in_any_form(value: str, form: str) -> None:
    """Whatever characters it has: what is masked no longer holds the form."""
    written = FORMS[form](value.strip())
    assert written.strip() not in redact(value, written)
    assert MASK in redact(value, written)


@pytest.mark.parametrize(
    "written",
    [
        r"{\"k\": \"QUJD+/8\/x%2Fy\u002Bz\", \"n\": 1}",
        "at=2026&k=K7%2bvQ%2Fzr9s3W%3Da%C3%A4&next=%2Fhome%3Fa",
        "%7B%22k%22%3A%22K7%252BvQ%2Fzr9s3W%253Da%C3%A4%22%7D%20",
    ],
)
def test_a_text_with_escapes_is_kept_around_a_value(written: str) -> None:
    """Exactly what stands for it goes, escapes whole."""
    told = Redactor({"KEY": "K7+vQ/zr9s3W=aä", "OTHER": "QUJD+/8/x/y+z"}).redact(written)
    assert re.sub(r"(QUJD|K7).*(z|%C3%A4)(?=\\\"|&|%22)", "***", written) == told


@pytest.mark.parametrize("escape", [str, lambda mark: quote(mark, safe=""), utf_16], ids=["plain", "URL", "JSON"])
def test_base64_with_escapes_is_found_with_its_padding(escape: Callable[[str], str]) -> None:
    """In a query, and in JSON; the bits beside it go too."""
    value = "q7Xv2mKp>>>???~~~ü~"
    coded = base64.b64encode(b"\xfb\xff" + value.encode()).decode()
    written = "".join(one if one.isalnum() else escape(one) for one in coded)
    assert redact(value, f"k={written};") == f"k={escape('+')}{escape('/')}{MASK};"
    assert coded.startswith("+/")
    assert coded.endswith("=")


def test_an_escape_before_base64_stays_whole() -> None:
    """A log in JSON stays JSON."""
    written = json.dumps({"note": f"line\n{base64.b64encode(TOKEN.encode()).decode()}", "n": 1})
    assert json.loads(redact(TOKEN, written)) == {"note": f"line\n{MASK}", "n": 1}


@given(value=VALUES, before=st.binary(max_size=5), behind=st.binary(max_size=5), safe=st.booleans())
def test_base64_is_found_wherever_the_value_begins_in_it(
    value: str, before: bytes, behind: bytes, *, safe: bool
) -> None:
    """All three alignments, both alphabets: no four characters in a row that the value decides are left."""
    encode = base64.urlsafe_b64encode if safe else base64.b64encode
    written = encode(before + value.encode() + behind).decode()
    told = redact(value, written)
    assert MASK in told
    left = told.replace(MASK, "")
    assert len(left) <= (len(before) + len(behind)) * 4 / 3 + 4


@given(value=VALUES, width=st.integers(1, 100), indent=st.integers(0, 8), encoded=st.booleans())
def test_a_value_may_go_over_lines(value: str, width: int, indent: int, *, encoded: bool) -> None:
    """Wrapped at any width, indented or not, as text or as base64."""
    written = base64.b64encode(value.encode()).decode() if encoded else "".join(value.split())
    lines = [" " * indent + written[at : at + width] for at in range(0, len(written), width)]
    told = redact("".join(value.split()) if not encoded else value, "\r\n".join(lines))
    assert MASK in told
    assert len("".join(told.replace(MASK, "").split())) <= 4


def test_a_phrase_that_is_folded_at_its_blanks_is_found() -> None:
    """As YAML and mail do it."""
    phrase = "correct horse battery staple and then some more words"
    assert redact(phrase, "key: " + textwrap.fill(phrase, 20, subsequent_indent="  ")) == f"key: {MASK}"


def test_a_long_value_that_yaml_continues_with_backslashes_is_found() -> None:
    """Double quotes end a line with a backslash, and keep a blank with another."""
    value = "ü " + " ".join(f"{TOKEN} {at}" for at in range(9))
    written = yaml.safe_dump({"key": value}, default_style='"')
    assert "\\\n" in written
    assert redact(value, written) == f'"key": "{MASK}"\n'


@pytest.mark.parametrize("password", ["hunter2hunter2", "p%40ss%2Fword", "s3cr3t!"])
def test_a_password_in_a_url_is_a_value_too(password: str) -> None:
    """Alone, decoded, and with its user before it; the host is none."""
    value = f"postgresql://todo:{password}@db.internal:5432/todo"
    assert redact(value, f"connecting to {value}") == f"connecting to {MASK}"
    assert redact(value, f"PGPASSWORD={password}") == f"PGPASSWORD={MASK}"
    assert redact(value, f"todo:{password}@elsewhere") == f"{MASK}elsewhere"
    assert redact(value, "host db.internal port 5432 user todo") == "host db.internal port 5432 user todo"


@pytest.mark.parametrize(
    "password", ["K7/vQzr9s3W", "p@ss1234567", "p/w@rd:12/34", "K7+vQ/zr9s3W=a", "what?is#this1", "it's/this1"]
)
def test_a_password_that_a_url_should_have_escaped_is_known(password: str) -> None:
    """Programs take it up to the last @, and so does this; escaped it is known too."""
    redactor = Redactor({"URL": f"postgresql://todo:{password}@db.internal:5432/todo"})
    for written in (password, quote(password), quote(password, safe=""), quote(password, safe="$&+,;=")):
        assert redactor.redact(f"password is {written}.") == f"password is {MASK}."


def test_an_at_sign_behind_the_host_of_a_url_hides_no_password() -> None:
    """It may belong to the path, or to the next of several URLs."""
    redactor = Redactor({"URLS": "amqp://todo:hunter2hunter2@a/x@y,amqp://todo:swordfish99@b"})
    assert redactor.redact("hunter2hunter2 or swordfish99") == f"{MASK} or {MASK}"


def test_a_password_that_a_url_escapes_is_known_unescaped() -> None:
    """A client shows it as it sends it."""
    value = "postgresql://todo:p%40ss%2Fword@db/todo"
    assert redact(value, "password p@ss/word, p%40ss%2Fword") == f"password {MASK}, {MASK}"


@pytest.mark.parametrize(
    ("name", "value"), [("PIN", "1234"), ("DEBUG", "true"), ("DB_PASSWORD", "postgres"), ("MODE", " production ")]
)
def test_a_short_or_common_value_is_removed_behind_its_name_alone(name: str, value: str) -> None:
    """Elsewhere it is most likely another word."""
    redactor, bare = Redactor({name: value}), value.strip()
    for text in (
        f"{name}={bare}",
        f"{name}: '{bare}'",
        json.dumps({name: bare}),
        json.dumps(json.dumps({name: bare})),
        f"- name: {name}\n  value: {bare}",
        f"{name}: {base64.b64encode(value.encode()).decode()}",
    ):
        told = redactor.redact(text)
        assert MASK in told
        assert bare not in told
    other = f"it took {bare} s; OTHER_{name}={bare}; {name}={bare}s"
    assert redactor.redact(other) == other


@given(text=st.text(), value=VALUES)
def test_nothing_else_is_taken_away(text: str, value: str) -> None:
    """A text without the value is the same text."""
    joined = "".join(text.split())
    if not any(piece in joined for piece in (value[at : at + 4] for at in range(len(value) - 3))):
        assert redact(value, text) == text


@given(values=st.lists(LETTERS, max_size=5), text=st.text())
def test_what_stands_around_is_kept(values: list[str], text: str) -> None:
    """Masks stand where the values stood, and redacting twice changes nothing."""
    redactor = Redactor({f"KEY_{at}": value for at, value in enumerate(values)})
    told = redactor.redact(" | ".join(values))
    assert not any(value in told for value in values if value.lower() not in COMMON)
    once = redactor.redact(text)
    assert redactor.redact(once) == once


def test_two_secrets_may_have_the_same_common_value() -> None:
    """It is removed behind both names."""
    redactor = Redactor({"DEBUG": "true", "TRACE": "true"})
    assert redactor.redact("DEBUG=true TRACE=true") == f"DEBUG={MASK} TRACE={MASK}"


def test_a_value_that_holds_another_is_removed_whole() -> None:
    """Whichever was told first."""
    redactor = Redactor({"SHORT": "abcdefgh", "LONG": "abcdefgh-and-more"})
    assert redactor.redact("x abcdefgh-and-more y abcdefgh z") == f"x {MASK} y {MASK} z"


def test_values_can_be_learned_later() -> None:
    """The development database's URL is known only once it runs; earlier values stay known."""
    redactor = Redactor({"KEY": TOKEN})
    redactor.learn({"DATABASE_URL": "postgresql://todo:hunter2hunter2@db/todo"})
    redactor.learn({"KEY": "another-value-of-it"})
    assert redactor.redact(f"{TOKEN} hunter2hunter2 another-value-of-it") == f"{MASK} {MASK} {MASK}"
    redactor.learn({"KEY": TOKEN, "EMPTY": "", "BLANK": " "})
    assert redactor.redact("nothing here") == "nothing here"


def test_it_shows_nothing_of_what_it_knows() -> None:
    """It may stand in a traceback."""
    redactor = Redactor({"KEY": TOKEN})
    assert repr(redactor) == "<Redactor of 1 values>"


def test_nested_data_is_redacted() -> None:
    """Values, keys, lists, numbers that are written like a value, and what is no JSON; all else is the same."""
    redactor = Redactor({"KEY": TOKEN, "NUMBER": "1234567", "PIN": "12"})
    given_data = {
        "text": f"a {TOKEN} b",
        TOKEN: [TOKEN, 1234567, 12, 1.5, None, True],
        "PIN": "12",
        "env": [{"name": "PIN", "value": 12}, {"name": "OTHER", "value": 12}],
        "path": ("x", Exception(TOKEN)),
    }
    assert redactor.data(given_data) == {
        "text": f"a {MASK} b",
        MASK: [MASK, MASK, 12, 1.5, None, True],
        "PIN": MASK,
        "env": [{"name": "PIN", "value": MASK}, {"name": "OTHER", "value": 12}],
        "path": ["x", MASK],
    }


def streamed(value: str, lines: list[str]) -> list[str]:
    """Return lines as they come out of a stream."""
    return list(Redactor({"KEY": value}).redact_lines(lines))


def test_a_value_of_several_lines_is_removed_line_by_line() -> None:
    """No line is held back; the short one among them goes too, and what follows stays."""
    lines = [f"key: {PEM.splitlines()[0]}", *PEM.splitlines()[1:], "done"]
    assert streamed(PEM, lines) == [f"key: {MASK}", *[MASK] * (len(lines) - 2), "done"]


def test_a_line_of_a_value_is_removed_behind_what_a_log_puts_before_it() -> None:
    """Prefixes of pods, times, levels."""
    assert streamed(PEM, [f"web-1 | {TOKEN}03", "web-1 | fine"]) == [f"web-1 | {MASK}", "web-1 | fine"]


def test_a_stream_goes_on_from_call_to_call() -> None:
    """As lines come."""
    stream = Redactor({"KEY": PEM}).stream()
    assert [stream.redact(line) for line in PEM.splitlines()[-3:]] == [MASK, MASK, MASK]
    assert stream.redact("done") == "done"


def test_the_lines_in_which_values_begin_are_known() -> None:
    """Each once, from 1."""
    assert list(Redactor({"KEY": TOKEN}).line_numbers(f"a\n{TOKEN} {TOKEN}\n\n  {TOKEN[:9]}\n{TOKEN[9:]}")) == [2, 4]


def test_what_only_begins_like_a_value_is_kept_where_the_line_goes_on() -> None:
    """The scheme and the user of a URL are no secret; line breaks are kept."""
    value = "postgresql://todo:hunter2hunter2@db/todo"
    lines = ["see postgresql\n", "postgresql://todo:other@db\r\n", "\n", "plain"]
    assert streamed(value, lines) == lines


@given(value=MANY, width=st.integers(LEAST_PIECE, 76), encoded=st.booleans())
def test_a_wrapped_value_leaves_nothing_in_a_stream(value: str, width: int, *, encoded: bool) -> None:
    """As text or base64, wherever it is wrapped: at most a beginning too short to know stays."""
    written = base64.b64encode(value.encode()).decode() if encoded else value
    pieces = [written[at : at + width] for at in range(0, len(written), width)]
    told = streamed(value, [f"data: {pieces[0]}", *(f"  {piece}" for piece in pieces[1:]), "done"])
    assert told[-1] == "done"
    assert all(re.fullmatch(r"(data:|) +(\*{3})?[A-Za-z0-9]?=*", line) for line in told[:-1])


@given(value=MANY, cut=st.integers(LEAST_START, 30))
def test_a_value_that_is_cut_in_two_is_removed_in_both_lines(value: str, cut: int) -> None:
    """What stands behind it in the second line stays."""
    told = streamed(value, [f"a {value[:cut]}", f"{value[cut:]} b"])
    assert told == [f"a {MASK}", f"{MASK} b"]


def test_a_number_that_only_has_a_value_in_it_is_another_number() -> None:
    """A size in bytes, a time: it stays a number."""
    data = {"size": 91234567, "at": 1764123456.5, "ports": [123456]}
    assert Redactor({"PIN": "123456"}).data(data) == {"size": 91234567, "at": 1764123456.5, "ports": [MASK]}


def test_the_project_s_own_names_are_words() -> None:
    """A Secret of the namespace may hold them as values; behind the name of its secret such a value is removed."""
    redactor = Redactor({"KEY": TOKEN}, words=["backend", "AI-todo"])
    redactor.learn({"username": "backend", "database": "ai-todo", "old": TOKEN[::-1]})
    told = f"backend: pod ai-todo-backend-deployment-x, {TOKEN}{TOKEN[::-1]}, username=backend"
    assert redactor.redact(told) == f"backend: pod ai-todo-backend-deployment-x, {MASK}, username={MASK}"


def text_of(size: int) -> str:
    """Return a log of so many characters, the same every time."""
    chance = random.Random(1)  # noqa: S311 - a text, not a secret
    words = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(2, 9))) for _ in range(3000)]
    return "\n".join(" ".join(chance.choices(words, k=12)) for _ in range(size // 65))[:size]


@pytest.mark.parametrize("escape", [str, lambda text: text.replace(" a", r" \"a\/%20")], ids=["plain", "escapes"])
def test_a_long_text_with_many_secrets_is_quick(escape: Callable[[str], str]) -> None:
    """A megabyte and twenty secrets, half of them URLs: the best of three is far below what anybody would wait for."""
    chance = random.Random(2)  # noqa: S311 - stands for a generator of secrets
    tokens = ["".join(chance.choices(string.ascii_letters + string.digits, k=43)) for _ in range(20)]
    values = {
        f"KEY_{at}": token if at % 2 else f"postgresql://todo:{token}@db:5432/todo" for at, token in enumerate(tokens)
    }
    redactor, text = Redactor(values), escape(text_of(1_000_000))

    def seconds() -> float:
        start = perf_counter()
        redactor.redact(text)
        return perf_counter() - start

    assert min(seconds() for _ in range(3)) < 0.15


def test_a_large_secret_costs_little() -> None:
    """A hundred kilobytes in many lines are learned and found at once."""
    value = "\n".join(f"{at:08}{TOKEN}{TOKEN}" for at in range(1400))
    start = perf_counter()
    assert redact(value, f"a {value} b") == f"a {MASK} b"
    assert perf_counter() - start < 5
    assert LEAST_LINE < 40


@given(st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789/+ \n"), min_size=30, max_size=90), st.data())
def test_a_log_that_begins_within_a_value_shows_nothing_of_it(value: str, data: st.DataObject) -> None:
    """As it does where a program cut off what came before; eight characters are enough to know the rest by."""
    bare = value.strip()
    if len(bare.replace("\n", "").replace(" ", "")) < 24:
        return
    rest = bare[data.draw(st.integers(1, len(bare) - 12)) :]
    assert not rest.startswith((" ", "\n")) or rest.strip() in bare
    shown = "\n".join(Redactor({"KEY": bare}).redact_log([*rest.split("\n"), "done"]))
    joined = "".join(line.strip() for line in rest.split("\n"))
    if len(joined) >= 8:
        assert shown == f"{MASK}\ndone"


def test_what_follows_the_rest_of_a_value_in_a_log_stays() -> None:
    """In plain text, in base64, and in a value that repeats itself."""
    text = f"{TOKEN}{TOKEN}"
    coded = base64.b64encode(text.encode()).decode()
    redactor = Redactor({"KEY": text})
    assert redactor.redact_log([f"{text[10:]} then", "fine"]) == (f"{MASK} then", "fine")
    (shown, _) = redactor.redact_log([f"{coded[10:]} then", "fine"])
    assert re.fullmatch(rf"{re.escape(MASK)}[A-Za-z0-9=]{{0,3}} then", shown)  # the end holds a few bits
    assert redactor.redact_log(["nothing of it", "fine"]) == ("nothing of it", "fine")
