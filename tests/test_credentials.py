"""Values of secrets, and the first .env of a new machine."""

from __future__ import annotations

import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard import credentials
from dockyard.credentials import EXAMPLE, FILE, make_first
from dockyard.model.errors import ConfigError, RefusedError
from dockyard.model.project import Project

NAME = "KEY"


def read(root: Path, text: str | bytes | None, **environment: str) -> str | None:
    """Return the value of one name, with this .env and this environment."""
    if text is not None:
        (root / FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
    return credentials.read(root, environment, [NAME]).get(NAME)


VALUES = {
    "plain": ("KEY=value\n", "value"),
    "no line break at the end": ("KEY=value", "value"),
    "Windows line breaks": ("KEY=value\r\nOTHER=x\r\n", "value"),
    "a dollar": ("OTHER=x\nKEY=pa$OTHER${OTHER}$$\n", "pa$OTHER${OTHER}$$"),
    "an equals sign": ("KEY=a=b==\n", "a=b=="),
    "a hash in it": ("KEY=a#b\n", "a#b"),
    "a comment behind it": ("KEY=a # remark\n", "a"),
    "in single quotes": ("KEY='a # b \"c\" $d \\n'\n", 'a # b "c" $d \\n'),
    "in double quotes": ("KEY=\"a # b 'c' $d\"\n", "a # b 'c' $d"),
    "an escape in double quotes": ('KEY="a\\nb"\n', "a\nb"),
    "over two lines": ('KEY="a\nb"\nOTHER=x\n', "a\nb"),
    "exported": ("export KEY=value\n", "value"),
    "spaces around": ("KEY = value \n", "value"),
    "not ASCII": ("KEY=schlüssel\n", "schlüssel"),
    "twice": ("KEY=first\nKEY=last\n", "last"),
    "empty": ("KEY=\n", None),
    "empty quotes": ('KEY=""\n', None),
    "without a value": ("KEY\n", None),
    "switched off": ("#KEY=value\n", None),
    "the example's placeholder": ("KEY=generate\n", None),
    "another name": ("KEYS=value\n", None),
    "behind a line that is none": ("this is ' no line\nKEY=value\n", "value"),
}


@pytest.mark.parametrize(("text", "value"), VALUES.values(), ids=VALUES)
def test_a_value_is_taken_as_it_is(tmp_path: Path, text: str, value: str | None) -> None:
    """The grammar is python-dotenv's without interpolation; what is empty is not set."""
    assert read(tmp_path, text) == value


def test_the_environment_wins(tmp_path: Path) -> None:
    """As on every platform that runs containers."""
    assert read(tmp_path, "KEY=file\n", KEY="environment") == "environment"


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    """`KEY= ./inv deploy` is how a shell script says that it has none."""
    assert read(tmp_path, "KEY=file\n", KEY="") == "file"


def test_only_the_names_that_are_asked_for_are_read(tmp_path: Path) -> None:
    """What the project does not name stays where it is."""
    (tmp_path / FILE).write_text("KEY=1\nOTHER=2\n", encoding="utf-8")
    assert credentials.read(tmp_path, {"PATH": "/bin", "KEY": ""}, ["KEY", "NONE"]) == {"KEY": "1"}


def test_no_file_is_no_mistake(tmp_path: Path) -> None:
    """The environment may hold everything."""
    assert read(tmp_path, None, KEY="value") == "value"


def test_a_folder_of_that_name_is_told(tmp_path: Path) -> None:
    """Docker makes one where a mounted file is missing."""
    (tmp_path / FILE).mkdir()
    with pytest.raises(ConfigError, match=r"^\.env is not a file\. Remove it"):
        read(tmp_path, None)


def test_a_file_in_another_encoding_is_told_without_its_content(tmp_path: Path) -> None:
    """The error must not show what is in the file."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, b"KEY=caf\xe9-secret\n")
    assert str(caught.value) == ".env cannot be read. UnicodeDecodeError."
    assert caught.value.__cause__ is None


PROJECT = Project.model_validate(
    {
        "name": "test",
        "releases": {
            "web": {"chart": "helm/web", "secrets": {"KEY": None, "MODEL": {"required": False}}},
            "api": {"chart": "helm/api", "secrets": ["KEY", "URL"]},
        },
    }
)


def test_every_missing_secret_is_named_with_who_needs_it() -> None:
    """In one go; an optional one is not missed."""
    with pytest.raises(RefusedError) as caught:
        credentials.require(PROJECT, ("web", "api"), {})
    assert caught.value.what == "Secrets without a value: KEY (for web), KEY (for api), URL (for api)"
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("names", "values"), [(("web",), {"KEY": "x"}), (("api",), {"KEY": "x", "URL": "y"}), ((), {})]
)
def test_what_is_not_deployed_needs_nothing(names: tuple[str, ...], values: dict[str, str]) -> None:
    """Only the releases of this command count."""
    credentials.require(PROJECT, names, values)


def test_a_secret_of_the_wrong_name_is_no_help() -> None:
    """And the refusal shows no value of another."""
    with pytest.raises(RefusedError) as caught:
        credentials.require(PROJECT, ("web",), {"URL": "postgresql://secret"})
    assert "postgresql" not in str(caught.value)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A project folder with an example."""
    text = "# KEY=generate is what this file says\nURL=\nFIRST=generate\nSECOND=generate \nTHIRD=generate-me\n"
    (tmp_path / EXAMPLE).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_first_file_is_made_from_the_example(example: Path) -> None:
    """Every value that it asks for is strong, and no two are the same; the rest is as it was."""
    assert make_first(example)
    lines = (example / FILE).read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["# KEY=generate is what this file says", "URL="]
    values = [line.partition("=")[2] for line in lines[2:4]]
    assert all(len(value) >= 32 for value in values)
    assert values[0] != values[1]
    assert lines[4] == "THIRD=generate-me"


def test_the_made_values_can_be_read_back(example: Path) -> None:
    """Whatever characters they have."""
    make_first(example)
    line = (example / FILE).read_text(encoding="utf-8").splitlines()[2]
    assert credentials.read(example, {}, ["FIRST"]) == {"FIRST": line.removeprefix("FIRST=").strip("'")}


def test_only_its_owner_may_read_it(example: Path) -> None:
    """From the first moment on: it is made with its mode."""
    make_first(example)
    assert stat.S_IMODE((example / FILE).stat().st_mode) == 0o600


def test_a_file_that_is_there_is_never_touched(example: Path) -> None:
    """Not even an empty one."""
    (example / FILE).touch()
    assert not make_first(example)
    assert (example / FILE).read_bytes() == b""


def test_a_link_to_nowhere_is_never_touched(example: Path) -> None:
    """Somebody keeps .env elsewhere, on a disk that is not there now."""
    (example / FILE).symlink_to(example / "gone")
    assert not make_first(example)
    assert not (example / "gone").exists()


def test_without_an_example_nothing_is_made(tmp_path: Path) -> None:
    """A project without secrets has none."""
    assert not make_first(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_it_is_known_whether_one_is_wanted(example: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """`setup --check` asks this."""
    assert not credentials.is_there(example)
    make_first(example)
    assert credentials.is_there(example)
    assert credentials.is_there(tmp_path_factory.mktemp("without"))


def test_the_example_of_this_repository_leaves_no_required_secret_open(tmp_path: Path) -> None:
    """One command from a fresh machine: only the database's URL is not there, and that one is started."""
    example = Path(__file__).parents[1] / EXAMPLE
    (tmp_path / EXAMPLE).write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
    make_first(tmp_path)
    names = ["DATABASE_URL", "OPENAI_API_KEY", "BETTER_AUTH_SECRET"]
    assert list(credentials.read(tmp_path, {}, names)) == ["BETTER_AUTH_SECRET"]


TEXTS = st.text(
    st.one_of(
        st.sampled_from("'\"\\`#$={}! \n\tné😀"), st.characters(exclude_categories=["Cs"], exclude_characters="\r\0")
    ),
    min_size=1,
    max_size=60,
)


@given(values=st.dictionaries(st.sampled_from(["A", "B_1", "PATH_", "SECRET"]), TEXTS, min_size=1))
def test_quoted_values_come_back_byte_for_byte(values: dict[str, str]) -> None:
    """Quotes, #, $, =, braces, backslashes, line breaks and unicode survive a .env that `quoted` wrote."""
    with TemporaryDirectory() as folder:
        text = "".join(credentials.quoted(name, value) for name, value in values.items())
        (Path(folder) / FILE).write_text(text, encoding="utf-8", newline="")
        assert credentials.read(Path(folder), {}, values) == values
