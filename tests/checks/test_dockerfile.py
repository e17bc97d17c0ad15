"""Dockerfiles, read as far as checks need it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.checks.dockerfile import Dockerfile, substitute


def words(text: str) -> list[tuple[str, ...]]:
    """Return the instructions of the last stage behind its FROM, each with its name first."""
    return [(one.name, *one.words) for one in Dockerfile.parse(f"FROM x\n{text}").stages[-1].instructions[1:]]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("copy a b", [("COPY", "a", "b")]),
        ("  COPY\ta b", [("COPY", "a", "b")]),
        ("# COPY x y\nCOPY a b", [("COPY", "a", "b")]),
        ("COPY a \\\n  b \\  \n  c", [("COPY", "a", "b", "c")]),
        ("COPY a \\\n# not this one\n\n  b c", [("COPY", "a", "b", "c")]),
        ("COPY a\\\nb c", [("COPY", "ab", "c")]),
        ("RUN a \\\\\nCOPY b c", [("RUN", "a", "\\\\"), ("COPY", "b", "c")]),
        ('COPY ["a b", "c"]', [("COPY", "a b", "c")]),
        ('COPY ["a", \\\n "b"]', [("COPY", "a", "b")]),
        ("COPY [a b", [("COPY", "[a", "b")]),
        ("COPY [1, 2]", [("COPY", "[1,", "2]")]),
        ("RUN cat <<EOF\nCOPY a b\nEOF\nCOPY c d", [("RUN", "cat", "<<EOF"), ("COPY", "c", "d")]),
        ("COPY <<'A' <<-\"B\" /x/\n1\nA\n2\n\tB\nCOPY c d", [("COPY", "<<'A'", '<<-"B"', "/x/"), ("COPY", "c", "d")]),
        ("RUN <<EOF\nCOPY a b\n", [("RUN", "<<EOF")]),
        ("COPY a b \\", [("COPY", "a", "b")]),
        ("", []),
        ("COPY", [("COPY",)]),
    ],
)
def test_instructions_are_read_as_docker_reads_them(text: str, read: list[tuple[str, ...]]) -> None:
    """Continued lines, comments between them, lists in JSON and here-documents."""
    assert words(text) == read


def test_the_escape_character_may_be_another() -> None:
    """The directive at the top says which; below the first other line it is a comment."""
    assert Dockerfile.parse("# escape=`\nFROM x\nCOPY a `\n b\\").stages[0].instructions[1].words == ("a", "b\\")
    assert Dockerfile.parse("FROM x\n# escape=`\nCOPY a `\n").stages[0].instructions[1].words == ("a", "`")


def test_flags_are_apart_from_words() -> None:
    """A flag may come twice; what stands behind the words is no flag."""
    text = 'RUN --mount=type=bind,source=a,target=/a --mount=type=cache,target="/b c" --network=none do --not-this'
    (_, run) = Dockerfile.parse(f"FROM x\n{text}").stages[0].instructions
    assert run.words == ("do", "--not-this")
    assert [mount["target"] for mount in run.mounts()] == ["/a", "/b c"]
    assert run.flag("network") == "none"
    assert run.flag("from") == ""


def test_every_instruction_knows_its_line() -> None:
    """It is the first of its lines."""
    stage = Dockerfile.parse("# x\n\nFROM a\n\nCOPY b \\\n  c\nRUN d\n").stages[0]
    assert [(one.name, one.line) for one in stage.instructions] == [("FROM", 3), ("COPY", 5), ("RUN", 7)]


STAGES = """\
FROM base AS one
FROM one AS Two
FROM other AS unused
FROM scratch AS three
COPY --from=two /a /a
FROM three
RUN --mount=from=0,target=/x true
COPY --from=nginx:1 /b /b
"""


def test_only_stages_count_that_the_last_one_needs() -> None:
    """By a name in any case, by a number, in COPY and in mounts; what is no stage is an image."""
    parsed = Dockerfile.parse(STAGES)
    assert [stage.name for stage in parsed.built()] == ["one", "two", "three", ""]
    assert [stage.name for stage in parsed.line_of(parsed.stages[-1])] == ["three", ""]
    assert [stage.base for stage in parsed.line_of(parsed.stages[1])] == ["base", "one"]


def test_a_stage_is_never_built_on_itself() -> None:
    """A name means an earlier stage, else an image: nothing goes round in circles."""
    parsed = Dockerfile.parse("FROM a AS a\nCOPY --from=a /x /x\nCOPY --from=5 /x /x\nFROM b AS a\nFROM a\n")
    assert [stage.index for stage in parsed.built()] == [1, 2]
    assert [stage.index for stage in parsed.line_of(parsed.stages[0])] == [0]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("plain", "plain"),
        ("$A/x", "1/x"),
        ("${A}x", "1x"),
        ("$AB", None),
        ("${NONE}", None),
        ("${NONE:-2}", "2"),
        ("${NONE-2}", "2"),
        ("${A:-2}", "1"),
        ("${A:+3}", "3"),
        ("${UNKNOWN}", None),
        ("${UNKNOWN:-2}", None),
        ("\\$A", "$A"),
        ("${A#x}", None),
        ("$", None),
    ],
)
def test_variables_are_replaced_where_they_are_known(word: str, value: str | None) -> None:
    """With defaults and alternatives; what cannot be known makes the whole word unknown."""
    assert substitute(word, {"A": "1", "UNKNOWN": None}) == value


SCOPES = """\
ARG A=1
ARG B=2
ARG C
FROM base AS first
ARG A
ARG D=$A-4
ENV E="5 6" F=$D
ARG X=7
FROM first
RUN before
ARG B=3
ARG C
ENV G seven of nine
ENV H="not closed
RUN after
"""


def test_variables_hold_where_docker_says() -> None:
    """An ARG from before the first FROM only where it is named again; the others for stages built on their own, too."""
    parsed = Dockerfile.parse(SCOPES)
    found = {one.words: dict(scope) for one, scope in parsed.scoped(parsed.stages[1], {"C": "given"})}
    assert found["before",] == {"A": "1", "D": "1-4", "E": "5 6", "F": "1-4", "X": "7"}
    new = {"B": "3", "C": "given", "G": "seven of nine", "H": None, "closed": None}
    assert found["after",] == {**found["before",], **new}


def test_an_argument_that_contradicts_the_environment_is_not_known() -> None:
    """Docker's versions disagree on which one wins; an ENV behind the ARG always does."""
    parsed = Dockerfile.parse("FROM x\nENV A=1 B=2\nARG A=3\nARG B=2\nRUN one\nENV A=4\nRUN two\n")
    found = {one.words: dict(scope) for one, scope in parsed.scoped(parsed.stages[0], {})}
    assert (found["one",], found["two",]) == ({"A": None, "B": "2"}, {"A": "4", "B": "2"})


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("FROM scratch\nEXPOSE 80 443/tcp 8000-8002/udp", {80, 443, 8000, 8001, 8002}),
        ("FROM x\nARG PORT=81\nEXPOSE $PORT", {81}),
        ("FROM x AS a\nEXPOSE 1\nFROM a\nEXPOSE 2", {1, 2}),
        ("FROM x AS a\nEXPOSE 1\nFROM scratch\nEXPOSE 2", {2}),
        ("FROM scratch", set()),
        ("FROM x", None),
        ("FROM x\nEXPOSE $PORT", None),
        ("FROM x\nEXPOSE many", None),
        ("", None),
    ],
)
def test_exposed_ports_are_those_of_all_stages_it_is_built_on(text: str, ports: set[int] | None) -> None:
    """Where a base that nobody can see, or a variable, may expose more, nothing is said."""
    assert Dockerfile.parse(text).exposed({}) == ports


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("FROM scratch", "0"),
        ("FROM x", None),
        ("FROM x AS a\nUSER app\nFROM a", "app"),
        ("FROM scratch\nUSER app\nUSER 1:2", "1:2"),
        ("FROM x\nUSER $WHO", None),
        ("FROM x\nUSER", None),
        ("", None),
    ],
)
def test_the_user_is_the_last_one_that_is_named(text: str, user: str | None) -> None:
    """In its own stage or in those below it."""
    assert Dockerfile.parse(text).user({}) == user


LINES = st.sampled_from(
    [
        "FROM x AS y",
        "FROM y",
        "COPY a \\",
        "b",
        "# c",
        "",
        "ARG A=$A",
        "ENV A=${A:-",
        "RUN <<E",
        "E",
        "USER $A",
        "EXPOSE 1-",
    ]
)


@given(st.lists(LINES | st.text(max_size=12), max_size=12))
def test_any_text_is_read_without_an_error(lines: list[str]) -> None:
    """What is no Dockerfile is the build's to refuse."""
    parsed = Dockerfile.parse("\n".join(lines))
    parsed.exposed({"A": "1"})
    parsed.user({})
    assert set(parsed.built()) <= set(parsed.stages)
    for stage in parsed.stages:
        assert len(list(parsed.scoped(stage, {}))) == len(stage.instructions)
