"""Values of secrets, and the first .env of a new machine."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest

from dockyard import config, credentials, envfile
from dockyard.credentials import EXAMPLE, FILE, LENGTH, Found, example, make_first, random_value
from dockyard.model.errors import ConfigError, RefusedError
from dockyard.model.project import Project
from dockyard.model.secret import Kind

ROOT = Path(__file__).parents[1]
STRONG = "q7Xv2mKp9TzR4wYb"
URL = "postgresql://todo:q7Xv2mKp9TzR4wYb@db/todo"


def project(database: str = "", **releases: Any) -> Project:  # noqa: ANN401 - what `secrets` may be
    """Return a project of releases that ask for secrets."""
    described = {name: {"chart": f"helm/{name}", "secrets": secrets} for name, secrets in releases.items()}
    return Project.model_validate(
        {"name": "test", "releases": described, **({"database": {"secret": database}} if database else {})}
    )


PROJECT = project(web={"KEY": None, "MODEL": {"required": False}}, api=["KEY", "URL"])


def found(root: Path, text: str | None, **environment: str) -> Found:
    """Return what there is of one secret, with this .env and this environment."""
    if text is not None:
        (root / FILE).write_text(text, encoding="utf-8")
    return credentials.look_up(root, environment, ["KEY"])["KEY"]


@pytest.mark.parametrize(
    ("text", "environment", "wanted"),
    [
        ("KEY=file\n", {"KEY": "environment"}, Found("environment", "environment")),
        ("KEY=file\n", {"KEY": ""}, Found("file", FILE)),
        ("KEY=file\n", {}, Found("file", FILE)),
        ("KEY=\n", {}, Found("", FILE)),
        ("KEY=\n", {"KEY": ""}, Found("", "environment")),
        ("OTHER=x\n", {}, Found(None)),
        (None, {"KEY": "environment"}, Found("environment", "environment")),
        (None, {}, Found(None)),
    ],
)
def test_the_environment_wins(tmp_path: Path, text: str | None, environment: dict[str, str], wanted: Found) -> None:
    """As on every platform that runs containers; `KEY= ./inv deploy` is how a script says that it has none."""
    assert found(tmp_path, text, **environment) == wanted


def test_what_was_found_is_in_no_repr() -> None:
    """It may stand in a traceback."""
    assert "hunter2" not in repr(Found("hunter2", FILE))


def test_only_the_names_that_are_asked_for_are_read(tmp_path: Path) -> None:
    """What the project does not name stays where it is, and an empty value is none."""
    (tmp_path / FILE).write_text("KEY=1\nOTHER=2\nEMPTY=\n", encoding="utf-8")
    assert credentials.read(tmp_path, {"PATH": "/bin", "KEY": ""}, ["KEY", "NONE", "EMPTY"]) == {"KEY": "1"}


def test_a_line_that_is_none_stops_everything(tmp_path: Path) -> None:
    """A secret in it would be missing without a word."""
    with pytest.raises(ConfigError, match=r"\.env:1:4: no = is behind the name"):
        found(tmp_path, "KEY\n", KEY="environment")


def test_every_fault_is_named_with_who_it_concerns() -> None:
    """In one go; an optional secret is not missed."""
    with pytest.raises(RefusedError) as caught:
        credentials.require(PROJECT, ("web", "api"), {"URL": "changeme"})
    assert caught.value.what == (
        "2 secrets are not as the releases need them:\n"
        "    KEY has no value (for web, api)\n"
        "    URL is a placeholder (for api)"
    )
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("names", "values"),
    [(("web",), {"KEY": STRONG}), (("api",), {"KEY": STRONG, "URL": URL}), ((), {}), (("web",), {"KEY": "weak"})],
)
def test_what_is_not_deployed_needs_nothing(names: tuple[str, ...], values: dict[str, str]) -> None:
    """Only the releases of this command count; a weak value works."""
    credentials.require(PROJECT, names, values)


def test_a_weak_value_is_refused_to_the_strict() -> None:
    """A strong one is not."""
    credentials.require(PROJECT, ("web",), {"KEY": STRONG}, strict=True)
    with pytest.raises(RefusedError, match=r"A secret is not as the releases need them:\n    KEY .*\(for web\)"):
        credentials.require(PROJECT, ("web",), {"KEY": "weak"}, strict=True)


def test_a_value_that_is_made_later_is_not_missed() -> None:
    """The development database's URL; one that is set all the same must be usable."""
    credentials.require(PROJECT, ("api",), {"KEY": STRONG}, provided=["URL"])
    with pytest.raises(RefusedError, match=r"A secret is not .*\n    URL is a placeholder"):
        credentials.require(PROJECT, ("api",), {"KEY": STRONG, "URL": "changeme"}, provided=["URL"])


def test_a_refusal_shows_no_value() -> None:
    """Neither of the secret nor of another."""
    asked = project(web={"KEY": {"minLength": 32, "pattern": "[a-z]+"}, "OTHER": {"pattern": "[a-z]+"}})
    with pytest.raises(RefusedError) as caught:
        credentials.require(asked, ("web",), {"KEY": "hunter2", "OTHER": "HUNTER3"})
    assert "hunter" not in str(caught.value).lower()


def test_too_much_for_one_secret_is_refused() -> None:
    """Each fits into a variable, and all of them not into one Secret."""
    asked = project(web=[f"KEY_{at}" for at in range(9)])
    values = {f"KEY_{at}": STRONG * 8000 for at in range(9)}
    with pytest.raises(RefusedError, match=r"have 1,152,000 bytes together, and a Secret holds 1,048,576 \(for web\)"):
        credentials.require(asked, ("web",), values)


def test_a_survey_has_all_that_there_is_to_say(tmp_path: Path) -> None:
    """What is asked, what was found and where, what is wrong, and who may read the file."""
    (tmp_path / FILE).write_text("KEY=hunter2\nMODEL=\n", encoding="utf-8")
    (tmp_path / FILE).chmod(0o644)
    seen = credentials.survey(project("URL", web={"KEY": None, "MODEL": None, "URL": None}), tmp_path, {})
    assert list(seen.secrets) == ["KEY", "MODEL", "URL"]
    assert [one.source for one in seen.found.values()] == [FILE, FILE, ""]
    assert [(fault.secret, fault.kind) for fault in seen.faults] == [("KEY", Kind.WEAK), ("MODEL", Kind.EMPTY)]
    assert seen.provided == {"URL"}
    assert seen.exposure.startswith(".env is open to other users")
    assert "hunter2" not in repr(seen)


def test_a_file_that_others_may_read_is_refused_to_the_strict(tmp_path: Path) -> None:
    """And one that is private is not."""
    (tmp_path / FILE).touch(0o600)
    credentials.require_private(tmp_path)
    (tmp_path / FILE).chmod(0o644)
    with pytest.raises(RefusedError, match=r"mode 0644.*`chmod 600 \.env` ends it") as caught:
        credentials.require_private(tmp_path)
    assert caught.value.exit_code == 4


ASKED = project(
    "URL",
    web={
        "KEY": {"description": "what sessions are\nsigned with", "minLength": 50, "generate": True},
        "URL": {"example": "postgresql://...", "pattern": "postgresql://.*"},
        "MODEL": {"required": False, "description": "key of the model"},
    },
    api={"KEY": {"description": "what it checks them with"}, "PLAIN": None},
)


def test_the_example_says_what_every_secret_is() -> None:
    """Who needs it, what it must be, and no value."""
    _, *parts = example(ASKED).split("\n\n")
    assert parts == [
        (
            "# KEY: what sessions are signed with; what it checks them with\n# Needed by web, api.\n"
            "# At least 50 characters.\n# Any random value will do: `./inv secrets.init` makes one.\nKEY="
        ),
        (
            "# URL\n# Needed by web.\n"
            "# Where it is empty, the development database is started beside the cluster and used.\n"
            "# Matches postgresql://.*\n# Looks like postgresql://...\nURL="
        ),
        "# MODEL: key of the model\n# Not required; used by web.\nMODEL=",
        "# PLAIN\n# Needed by api.\nPLAIN=\n",
    ]


def test_the_example_is_itself_a_file_without_values() -> None:
    """Whoever copies it has an .env that lacks everything, and is told so."""
    assert envfile.parse(example(ASKED)) == dict.fromkeys(["KEY", "URL", "MODEL", "PLAIN"], "")


MULTILINE = project(
    web={
        "KEY": {
            "description": "signs\ntokens",
            "example": "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
            "pattern": "(?s)-----BEGIN\n .*",
        }
    }
)


def test_what_has_several_lines_stays_a_comment(tmp_path: Path) -> None:
    """An example, a key say, is one line of the file, in the first .env too."""
    assert envfile.parse(example(MULTILINE)) == {"KEY": ""}
    assert "# Looks like -----BEGIN KEY----- abc -----END KEY-----\n" in example(MULTILINE)
    assert make_first(tmp_path, MULTILINE) == ()
    assert envfile.read(tmp_path / FILE) == {"KEY": ""}


def test_a_first_file_has_random_values_where_any_will_do(tmp_path: Path) -> None:
    """Only its owner may read it, from the first moment on; the rest is empty."""
    assert make_first(tmp_path, ASKED) == ("KEY",)
    values = envfile.read(tmp_path / FILE)
    assert len(values.pop("KEY")) == 50
    assert values == {"URL": "", "MODEL": "", "PLAIN": ""}
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("there", ["empty", "link"])
def test_a_file_that_is_there_is_never_touched(tmp_path: Path, there: str) -> None:
    """Not even an empty one, or a link to a disk that is not there now."""
    path = tmp_path / FILE
    path.touch() if there == "empty" else path.symlink_to(tmp_path / "gone")
    assert make_first(tmp_path, ASKED) is None
    assert [entry.name for entry in tmp_path.iterdir()] == [FILE]
    assert credentials.is_there(tmp_path) == (there == "empty")


@pytest.mark.parametrize(
    ("use", "form"),
    [
        ({}, rf"[\w-]{{{LENGTH}}}"),
        ({"minLength": 100}, r"[\w-]{100}"),
        ({"pattern": "[0-9a-f]{64}"}, "[0-9a-f]{64}"),
        ({"pattern": "[A-Za-z0-9]{32,40}"}, "[A-Za-z0-9]{32}"),
        ({"pattern": "[a-z0-9]+", "minLength": 20}, "[0-9a-f]{43}"),
        ({"pattern": "[0-9]{6}"}, ""),
        ({"pattern": "sk-.*"}, ""),
        ({"pattern": "[0-9a-f]{8}"}, ""),
    ],
)
def test_a_random_value_suits_what_is_asked_or_there_is_none(use: dict[str, object], form: str) -> None:
    """It is strong, and no two are the same; where no strong one matches, the user has to find one."""
    asked = project(web={"KEY": {**use, "generate": True}}).secrets()["KEY"]
    value, other = random_value(asked), random_value(asked)
    assert re.fullmatch(form, value)
    assert value != other or not form


def test_this_repository_leaves_no_required_secret_open(tmp_path: Path) -> None:
    """One command from a fresh machine: only the database's URL is not there, and that one is started."""
    described = config.load(ROOT)
    assert make_first(tmp_path, described) == ("BETTER_AUTH_SECRET",)
    assert credentials.survey(described, tmp_path, {}).faults == ()


def test_the_example_of_this_repository_is_not_stale() -> None:
    """`./inv secrets.example` writes it."""
    assert (ROOT / EXAMPLE).read_text(encoding="utf-8") == example(config.load(ROOT))
