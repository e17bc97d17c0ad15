"""dockyard.yaml to a validated Project: every mistake in one go, each with its place."""

from __future__ import annotations

import errno
from pathlib import Path
from time import monotonic

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockyard.config import LARGEST, MOST_VALUES, SHOWN, load
from dockyard.model.errors import ConfigError, UnknownNameError
from dockyard.model.project import Project
from dockyard.root import FILE

GOOD = """\
name: app
images:
  web:
    baseImage: python:3.13-slim
    buildContext: ./web
    dockerfile: web.Dockerfile
releases:
  web:
    chart: helm/web
    image: web
"""
PATIENCE = 20.0
"""Seconds on a busy machine; what these files must not do takes hours."""


def read(root: Path, text: str | bytes) -> Project:
    """Read a file with this content."""
    (root / FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(root)


def refusal(root: Path, text: str | bytes) -> list[str]:
    """Return the lines of the error for a file with this content."""
    with pytest.raises(ConfigError) as caught:
        read(root, text)
    return str(caught.value).splitlines()


def test_a_good_file_is_a_project(tmp_path: Path) -> None:
    """Keys are the specification's, in camelCase."""
    project = read(tmp_path, GOOD)
    assert project.order() == ("web",)
    assert project.image("web").base_image == "python:3.13-slim"


def test_the_project_of_this_repository_is_good() -> None:
    """The file that users copy from."""
    assert load(Path(__file__).parents[1]).order() == ("mcp", "backend", "frontend")


def test_every_mistake_is_told_in_one_go_with_its_place(tmp_path: Path) -> None:
    """File, line, column and path, in the spelling of the file."""
    wrong = GOOD.replace("name: app", "name: App!").replace("image: web", "image: wbe\n    timeout: -1")
    assert [line.partition(": ")[::2][0] for line in refusal(tmp_path, wrong)[1:]] == [
        "  dockyard.yaml:1:1",
        "  dockyard.yaml:11:5",
    ]
    lines = refusal(tmp_path, wrong.replace("baseImage: python:3.13-slim", "baseImage: ''"))
    assert lines[0] == "dockyard.yaml has 3 mistakes:"
    assert [line.split(": ")[1] for line in lines[1:]] == ["name", "images.web.baseImage", "releases.web.timeout"]


def test_a_name_that_nothing_has_is_placed(tmp_path: Path) -> None:
    """Rules between parts of the file are told like those of one value."""
    (line,) = refusal(tmp_path, GOOD.replace("image: web", "image: wbe"))[1:]
    assert line.startswith("  dockyard.yaml:10:5: releases.web.image: There is no image named 'wbe'.")


def test_a_mistake_in_a_list_is_placed_at_its_item(tmp_path: Path) -> None:
    """A list may have many."""
    (line,) = refusal(tmp_path, GOOD + "    needs:\n      - web2\n")[1:]
    assert line.startswith("  dockyard.yaml:12:9: releases.web.needs.0: There is no release named 'web2'")


def test_a_missing_key_is_placed_where_it_belongs(tmp_path: Path) -> None:
    """There is no place for what is not there but the mapping's."""
    (line,) = refusal(tmp_path, GOOD.replace("    chart: helm/web\n", ""))[1:]
    assert line == "  dockyard.yaml:8:3: releases.web.chart: Field required."


UNKNOWN = {
    "top": (GOOD + "image: {}\n", "dockyard.yaml:11:1: image: unknown key; did you mean 'images'?"),
    "in a mapping": (GOOD + "    timout: 3\n", "releases.web.timout: unknown key; did you mean 'timeout'?"),
    "camelCase": (
        GOOD.replace("buildContext: ./web", "buildContext: ./web\n    buildcontext: ./web"),
        "images.web.buildcontext: unknown key; did you mean 'buildContext'?",
    ),
    "far from all": (
        GOOD + "cluster: { zzzz: 1 }\n",
        (
            "cluster.zzzz: unknown key; known are name, provider, context, cpus, memory, driver, kubernetesVersion, "
            "addons, namespace"
        ),
    ),
    "under a name like a key": (
        GOOD.replace("  web:\n    chart", "  image:\n    zzzz: 1\n    chart"),
        "releases.image.zzzz: unknown key; known are chart, image, needs,",
    ),
    "under a secret": (
        GOOD + "    secrets: { KEY: { requird: false } }\n",
        "releases.web.secrets.KEY.requird: unknown key; did you mean 'required'?",
    ),
}


@pytest.mark.parametrize(("text", "said"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_key_names_the_nearest_or_all(tmp_path: Path, text: str, said: str) -> None:
    """Those that are known in that place, not elsewhere."""
    (line,) = refusal(tmp_path, text)[1:]
    assert said in line


DUPLICATES = {
    "at the top": (GOOD + "name: other\n", "  dockyard.yaml:11:1: name: stands in line 1 already."),
    "a whole release": (
        GOOD + "  web:\n    chart: helm/other\n",
        "  dockyard.yaml:11:3: web: stands in line 8 already.",
    ),
    "in a flow mapping": (
        GOOD + "cluster: { cpus: 2, cpus: 4 }\n",
        "  dockyard.yaml:11:21: cpus: stands in line 11 already.",
    ),
}


@pytest.mark.parametrize(("text", "said"), DUPLICATES.values(), ids=DUPLICATES)
def test_a_key_that_stands_twice_is_a_mistake(tmp_path: Path, text: str, said: str) -> None:
    """PyYAML takes the last and says nothing: a release would be lost without a word."""
    assert refusal(tmp_path, text)[1:] == [said]


def test_duplicates_and_other_mistakes_are_told_together(tmp_path: Path) -> None:
    """In one go means in one go."""
    lines = refusal(tmp_path, GOOD + "name: Other!\n")
    assert lines[0] == "dockyard.yaml has 2 mistakes:"
    assert "stands in line 1 already" in lines[1]
    assert "'Other!' is not" in lines[2]


def test_an_alias_is_no_duplicate(tmp_path: Path) -> None:
    """What two releases share may be written once."""
    shared = GOOD + "    secrets: &shared [KEY]\n  api:\n    chart: helm/api\n    secrets: *shared\n"
    assert list(read(tmp_path, shared).release("api").secrets) == ["KEY"]


BROKEN = {
    "open bracket": ("name: [", "dockyard.yaml is not valid YAML. dockyard.yaml:1:8: expected"),
    "tab": ("name: app\n\timages: {}\n", "dockyard.yaml is not valid YAML. dockyard.yaml:2:1: found character"),
    "two documents": (GOOD + "---\n" + GOOD, "dockyard.yaml:11:1: but found another document"),
    "unknown alias": ("name: *nobody\n", "dockyard.yaml:1:7: found undefined alias"),
    "NUL": ("name: a\0b\n", "unacceptable character"),
    "no such day": ("name: 2026-02-30\n", "A value in it cannot be read (day is out of range for month)"),
    "code": ("name: !!python/object/apply:os.getcwd []\n", "dockyard.yaml:1:7: could not determine a constructor"),
    "own tag": ("name: !secret x\n", "could not determine a constructor"),
    "tag on a wrong date": ("name: !!timestamp x\n", "A value in it cannot be read"),
    "tag on a wrong bool": ("name: !!bool x\n", "A value in it cannot be read"),
    "tag on no number": ('name: !!int ""\n', "A value in it cannot be read"),
    "too large in base 60": (f"name: {':'.join(['1'] + ['59'] * 400)}.5\n", "A value in it cannot be read"),
    "list as a key": ("? [a]\n: b\n", "dockyard.yaml:1:3: a key is text, not a list or a mapping"),
    "list as a profile": ("profiles:\n  ? [a]\n  : {}\n", "dockyard.yaml:2:5: a key is text"),
    "nested deeply": ("[" * 5_000, "It is nested too deeply"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_yaml_says_where(tmp_path: Path, text: str, said: str) -> None:
    """Also where PyYAML itself stumbles: a user sees a sentence, never a traceback."""
    assert said in " ".join(refusal(tmp_path, text))


@pytest.mark.parametrize("text", ["", "# nothing\n", "42\n", "[]\n", "hello\n"])
def test_what_is_no_mapping_is_told(tmp_path: Path, text: str) -> None:
    """An empty file among others."""
    (line,) = refusal(tmp_path, text)[1:]
    assert "the file: Input should be" in line


def laughs(line: str) -> str:
    """Return a file of some lines that stands for ten to the ninth values."""
    return "x0: &x0 [a]\n" + "".join(
        line.format(at=at, before=", ".join([f"*x{at - 1}"] * 10)) + "\n" for at in range(1, 10)
    )


GROWING = {
    "lists": laughs("x{at}: &x{at} [{before}]"),
    "merged mappings": "x0: &x0 { k: v }\n" + laughs("x{at}: &x{at} {{ <<: [{before}] }}").partition("\n")[2],
    "itself": "name: &me [*me]\n",
    "itself, as a mapping": "name: app\nreleases: &me { web: *me }\n",
}


@pytest.mark.parametrize("text", GROWING.values(), ids=GROWING)
def test_aliases_cannot_make_a_small_file_large(tmp_path: Path, text: str) -> None:
    """A thousand million laughs of ten lines: refused at once, by their number."""
    start = monotonic()
    assert refusal(tmp_path, text) == [
        f"dockyard.yaml stands for more than {MOST_VALUES:,} values. Its aliases repeat each other."
    ]
    assert monotonic() - start < PATIENCE


def test_a_long_list_of_mistakes_is_cut(tmp_path: Path) -> None:
    """A wrong file may have thousands; each costs a walk to its place."""
    start = monotonic()
    lines = refusal(tmp_path, GOOD + "".join(f"wrong{at}: 1\n" for at in range(5_000)))
    assert lines[0] == "dockyard.yaml has 5,000 mistakes:"
    assert (len(lines), lines[-1]) == (SHOWN + 2, "  and 4,900 more.")
    assert monotonic() - start < PATIENCE


UNREADABLE = {
    "not UTF-8": (b"name: caf\xe9\n", "dockyard.yaml is not UTF-8. Byte 9 is 0xe9."),
    "UTF-16": ("name: app\n".encode("utf-16"), "dockyard.yaml is not UTF-8. Byte 0 is 0xff."),
    "too large": (
        b"#" * (LARGEST + 1),
        "dockyard.yaml is larger than 1,000,000 bytes. It is no description of a deployment.",
    ),
}


@pytest.mark.parametrize(("content", "said"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_text_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    """Before YAML is asked."""
    assert refusal(tmp_path, content) == [said]


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    """Some editors write one."""
    assert read(tmp_path, b"\xef\xbb\xbf" + GOOD.encode()).name == "app"


def test_a_directory_of_that_name_is_told(tmp_path: Path) -> None:
    """Docker makes one where a mounted file is missing."""
    (tmp_path / FILE).mkdir()
    with pytest.raises(ConfigError, match=r"dockyard\.yaml cannot be read\. Is a directory\."):
        load(tmp_path)


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the system's own reason; a test may run as root, who may read everything."""

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    assert refusal(tmp_path, GOOD) == ["dockyard.yaml cannot be read. Permission denied."]


TEXTS = st.one_of(
    st.text(max_size=200),
    st.text(alphabet="[]{}:,-?&*!|>'\"%@` \n\tax01.<#~", max_size=120),
    st.builds(
        lambda cut, text: GOOD[:cut] + text + GOOD[cut:], st.integers(0, len(GOOD)), st.text(alphabet=" \n:-{[&*!'1a")
    ),
)
KEYS = (
    "name",
    "profiles",
    "cluster",
    "images",
    "releases",
    "database",
    "web",
    "secrets",
    "needs",
    "check",
    "config",
    "cpus",
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner),
    max_leaves=20,
)


def settle(root: Path, content: bytes) -> None:
    """Read a file, as it is and with a profile: it is a Project, or the error is one that a user can read."""
    (root / FILE).write_bytes(content)
    for profile in (None, "web"):
        said = ""
        try:
            load(root, profile)
        except ConfigError as error:
            said = str(error)
        except UnknownNameError as error:
            said = f"{FILE} has {error.known}"
        assert not said or said.startswith(FILE)


FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


@FUZZ
@given(text=TEXTS)
def test_no_text_ends_in_another_error(tmp_path: Path, text: str) -> None:
    """Whatever stands in the file."""
    settle(tmp_path, text.encode(errors="surrogatepass"))


@FUZZ
@given(document=DOCUMENTS)
def test_no_document_ends_in_another_error(tmp_path: Path, document: object) -> None:
    """Whatever YAML makes of it."""
    settle(tmp_path, yaml.safe_dump(document).encode())


def test_a_check_is_switched_off_as_the_docs_show(tmp_path: Path) -> None:
    """The key is a word that YAML 1.1 does not take for a boolean, as it does `off`."""
    text = f"{GOOD}\nchecks:\n  disabled:\n    DY402: the cache writes to /srv\n"
    assert read(tmp_path, text.encode()).checks.disabled == {"DY402": "the cache writes to /srv"}
